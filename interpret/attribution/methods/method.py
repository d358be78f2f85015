"""What a method of attribution is: its card, and how it comes by its scores."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float64
from scipy.stats import t as student

from interpret.attribution.path_integral import Progress
from interpret.attribution.target_function import TargetFunction
from interpret.core.errors import InputError


@dataclass(frozen=True)
class Measured:
    """How faithful a method was where it was measured: see `tests/benchmarks/bench_methods.py`.

    Attributes
    ----------
    documents
        On how many texts: two sentences of different topics each, the built-in encoder with a linear head.
    comprehensiveness, random_comprehensiveness
        ERASER's (DeYoung et al. 2020), and that of rankings at random of the same texts. Higher is better.
    auprc, random_auprc
        Whether the words of the sentence of the topic that was found come first (Poerner et al. 2018).
    comprehensiveness_gain, auprc_gain
        95% intervals of what the method has more than random rankings, by bootstrap over texts.
    """

    documents: int
    comprehensiveness: float
    random_comprehensiveness: float
    auprc: float
    random_auprc: float
    comprehensiveness_gain: tuple[float, float]
    auprc_gain: tuple[float, float]

    @property
    def beats_random(self) -> bool:
        """Whether it is shown to beat random rankings: both gains' intervals lie above 0."""
        return self.comprehensiveness_gain[0] > 0 and self.auprc_gain[0] > 0


@dataclass(frozen=True, eq=False)
class Scores:
    """What a method found for each token.

    Attributes
    ----------
    values
        The scores.
    steps
        At how many points on the way from the baseline the model was evaluated, or how many draws were made; 0 where
        neither.
    draws
        Where scores are a mean over draws, what each draw says; where they are fitted on draws, what fits on draws
        drawn again say. None where nothing is drawn.
    refitted
        Whether it is the latter.
    baseline_output
        The answer for the baseline, where it was met on the way; None where it was not.
    """

    values: Float64[np.ndarray, " token"]
    steps: int = 0
    draws: Float64[np.ndarray, "draw token"] | None = None
    refitted: bool = False
    baseline_output: float | None = None

    def half_widths(self, groups: Sequence[Sequence[int]]) -> Float64[np.ndarray, " group"] | None:
        """Return half a 95% interval for each group's sum: what another seed would give; None where nothing is drawn.

        Of a mean over draws it is Student's; of a fit 1.96 standard deviations over the fits (bootstrap over draws,
        Efron & Tibshirani 1993, ch. 9). Tokens of one word move together from draw to draw, so a word's is that of the
        sums, and not the sum in squares of its tokens'.
        """
        if self.draws is None:
            return None
        count = len(self.draws)
        spread = np.stack([self.draws[:, list(group)].sum(axis=1) for group in groups], axis=1).std(axis=0, ddof=1)
        return spread * (1.96 if self.refitted else student.ppf(0.975, count - 1) / np.sqrt(count))


class Work:
    """One method on one target function: what is attributed, how, and how far it is.

    Attributes
    ----------
    target_function, tolerance, rule, seed
        What is explained, and as `interpret.attribute` takes them.
    words
        The tokens of each word that may be taken away.
    total
        About how many passes there will be.
    """

    def __init__(
        self,
        target_function: TargetFunction,
        method: "Method",
        baseline: str,
        tolerance: float,
        rule: str,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.target_function = target_function
        self.tolerance = tolerance
        self.rule = rule
        self.seed = seed
        self.progress = progress
        self._baseline = target_function.baseline(baseline) if method.baseline else None
        self.words = [tokens for _, tokens in target_function.free_words]
        self.total = method.passes(len(self.words))
        self._begin = target_function.forward_passes

    @property
    def empty(self) -> torch.Tensor:
        """The baseline's embeddings, for a method whose `Method.baseline` says that it needs them."""
        if self._baseline is None:
            raise TypeError("a method that uses a baseline has to say so: Method.baseline")
        return self._baseline

    def report(self, stage: str = "passes") -> None:
        """Say how many passes are done."""
        if self.progress is not None:
            self.progress(min(self.target_function.forward_passes - self._begin, self.total), self.total, stage)


class Method(ABC):
    """A method of attribution: one file in this folder, whose class `register` puts among `METHODS`.

    Attributes
    ----------
    name
        What it is called in Python, in addresses and at the terminal.
    title, paper, link
        What it is called on a page, its source, and where that is.
    about
        What it does and assumes, for the guide on the page: two or three sentences in `sentence`.
    complete
        Whether its scores add up to the difference between the outputs for text and baseline.
    signed
        Whether a score tells for from against.
    baseline
        Whether it compares with a baseline.
    gradient
        Whether it takes gradients with respect to the embeddings, so that noise can be averaged out (SmoothGrad).
    path
        Whether it goes along a path from the baseline, so that a rule and a tolerance are asked for.
    random
        Whether it draws at random.
    measured
        How faithful it was where all were measured; None where it was not yet.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    link: ClassVar[str]
    about: ClassVar[str]
    complete: ClassVar[bool] = False
    signed: ClassVar[bool] = True
    baseline: ClassVar[bool] = True
    gradient: ClassVar[bool] = False
    path: ClassVar[bool] = False
    random: ClassVar[bool] = False
    measured: ClassVar[Measured | None] = None

    @abstractmethod
    def passes(self, words: int) -> int:
        """Return about how many passes a text of so many words takes, forward and backward counted together."""

    @abstractmethod
    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Return each token's score, and what is known of its error.

        Parameters
        ----------
        embedded
            The text's embeddings, of shape (token, width).
        """

    def scores_together(self, works: Sequence[Work]) -> Iterator[tuple[int, Scores]] | None:
        """Yield many texts' scores with the number of each, for a method that asks about several in one pass.

        None for a method that goes text by text: it is then asked for the `scores` of one after another.

        Parameters
        ----------
        works
            Of one encoder, and alike: see `interpret.attribution.together.alike`.
        """
        return None

    def smoothed(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Return the scores averaged over noise on the words' embeddings, for a method by gradients."""
        raise InputError(
            "SmoothGrad averages gradients over noise, and “{name}” takes no gradients of the embeddings. Switch it "
            "off.",
            name=self.title,
        )


# The methods by name: `register` puts each here.
METHODS: dict[str, Method] = {}


def register(kind: type[Method]) -> type[Method]:
    """Put a method among `METHODS`: the decorator of its class.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> from interpret.attribution.methods.method import Scores
    >>> @it.attribution.register
    ... class WordLength(it.attribution.Method):
    ...     name, title, paper, link = "word_length", "Word length", "", ""
    ...     about, baseline = "Counts letters.", False
    ...
    ...     def passes(self, words):
    ...         return 1
    ...
    ...     def scores(self, work, embedded):
    ...         return Scores(np.array([len(one) for one in work.target_function.tokens.strings], np.float64))
    >>> encoder = it.load_encoder("minilm")
    >>> it.attribute(encoder, "The bank was steep.", target="norm", method="word_length").scores.tolist()
    [0.0, 3.0, 4.0, 3.0, 5.0, 1.0, 0.0]
    >>> _ = it.attribution.METHODS.pop("word_length")  # and it is unknown again
    """
    METHODS[kind.name] = kind()
    return kind


def by_faithfulness() -> tuple[str, ...]:
    """Return the methods' names, the most faithful first: those shown to beat random, by their comprehensiveness.

    What was not measured comes last.
    """

    def order(name: str) -> tuple[bool, bool, float]:
        measured = METHODS[name].measured
        return (
            measured is None,
            measured is None or not measured.beats_random,
            -measured.comprehensiveness if measured else 0.0,
        )

    return tuple(sorted(METHODS, key=order))

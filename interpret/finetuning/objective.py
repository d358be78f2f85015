"""What a model is trained for: everything that differs between training objectives, and the list of them.

An objective is one file in `interpret.finetuning.objectives`, which registers itself. What the rest of the package asks
of it stands here; nothing else knows which objectives there are.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from jaxtyping import Float, Int

from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.finetuning.data_source import ROWS, Columns, Unit
from interpret.finetuning.headline import Results

if TYPE_CHECKING:
    from interpret.core.adapters import Model
    from interpret.core.encoder import Encoder
    from interpret.finetuning.examples import Examples
    from interpret.finetuning.recipe import Recipe, Settings
    from interpret.finetuning.runs import Run
    from interpret.finetuning.trainable_model import TrainableModel
    from interpret.finetuning.training_data import TrainingData

# What a model says of the examples to evaluate on, and what would have been right, as named columns.
Answers = Mapping[str, np.ndarray]
Statistic = Callable[[Float[np.ndarray, "*draw part"]], Float[np.ndarray, "*draw"]]
Kind = TypeVar("Kind", bound=type["Objective"])


class Objective(ABC):
    """A training objective: what its data are, how a model learns from them, and how it is evaluated.

    Attributes
    ----------
    name
        What it is called in files, links and the terminal: never to be changed.
    order
        The rank in lists; objectives of one rank stand in the order of their names.
    title, about, file_hint
        What the reader sees: its title, what else there is to say (or nothing), what file it takes, of ``{kinds}``.
    suffixes
        Endings of such files.
    source
        What of a file is asked for: ``"columns"``, ``"tags"`` of words, ``"questions"`` with passages, or ``"text"``.
    unit
        What is counted.
    score_label, score_title, score_name
        What the number is called that a run is reported with while it is trained: alone, over a chart, in a sentence.
    score_is_share
        Whether that is a share, written in per cent, and not a number such as R². The higher, the better.
    fact
        Under which name a run is listed with it: see `Results.facts`.
    classifies
        Whether each answer is one of some classes: label smoothing and class weights apply, and an accuracy.
    masks
        Whether tokens are masked: the recipe's ``mask_rate`` and ``short_rate`` apply.
    pairs_weigh
        Whether the recipe's ``pair_weight`` applies.
    head_refusal
        Why heads that read whole texts do not serve, as a sentence with ``{name}`` and ``{own}``; empty if they do.
    head_about
        What the architecture's own head reads, where it is the only one.
    problem_type
        What transformers' config is to say of the head; None for nothing.
    fixed_inputs
        Whether an example is the same in every epoch: only then can the output of frozen layers be kept.
    evaluates_first
        Whether the model is evaluated before the first step: it may know something already.
    tracks_answers
        Whether answers to single texts are recorded after every epoch.
    in_windows
        Whether an example that is longer than what is read at once is read in windows, and loses nothing.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 100
    title: ClassVar[str]
    about: ClassVar[str] = ""
    file_hint: ClassVar[str] = sentence("A file with a text and a label in each row: {kinds}")
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".jsonl", ".json")
    source: ClassVar[str] = "columns"
    unit: ClassVar[Unit] = ROWS
    score_label: ClassVar[str] = sentence("Accuracy")
    score_title: ClassVar[str] = sentence("Held-out accuracy")
    score_name: ClassVar[str] = sentence("accuracy")
    score_is_share: ClassVar[bool] = True
    fact: ClassVar[str] = "accuracy"
    classifies: ClassVar[bool] = False
    masks: ClassVar[bool] = False
    pairs_weigh: ClassVar[bool] = False
    head_refusal: ClassVar[str] = ""
    head_about: ClassVar[str] = ""
    problem_type: ClassVar[str | None] = None
    fixed_inputs: ClassVar[bool] = True
    evaluates_first: ClassVar[bool] = False
    tracks_answers: ClassVar[bool] = True
    in_windows: ClassVar[bool] = False

    # ---- its data

    @abstractmethod
    def read(self, content: bytes, name: str, columns: Columns) -> "Examples":
        """Read a file's examples.

        Raises
        ------
        InputError
            If the file cannot be read, a column is missing, or the labels are not what the objective takes.
        """

    @abstractmethod
    def classes(self, examples: "Examples") -> tuple[str, ...]:
        """Return the classes' names in order; empty where labels name none."""

    @abstractmethod
    def split(self, examples: "Examples", share: float, seed: int) -> tuple[list[int], list[int]]:
        """Return the indices of the examples to train on, and of those that are held out."""

    def kept_together(self, examples: "Examples", index: int) -> tuple[str, str]:
        """Return what an example has in common with those that must be on its side of a split."""
        return examples.key(index)

    def least(self, examples: "Examples") -> int:
        """Return how many examples either side of a split needs."""
        return 1

    def replay(self, examples: "Examples") -> "Examples":
        """Return examples of an earlier run as they stand among new ones."""
        return examples

    def as_test_set(self, examples: "Examples", classes: tuple[str, ...]) -> "Examples":
        """Return the examples of a test file, their labels read as those of a training file with these classes."""
        return examples

    def labels_of(self, examples: "Examples") -> Counter[str]:
        """Count the classes; empty where labels name none."""
        return Counter(examples.labels) if examples.classes else Counter()

    def contradictions(self, groups: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """Return those groups of examples that say the same, and are labelled differently, which contradict."""
        return tuple(groups)

    def read_lengths(self, lengths: Int[np.ndarray, " example"], most: int) -> Int[np.ndarray, " read"]:
        """Return how many tokens are read of each example, of which at most so many are read at once."""
        return np.minimum(lengths, most)

    def predictions(self, held_out: int, length: float) -> int:
        """Return how many predictions so many held-out examples take, of ``length`` tokens on average."""
        return held_out

    def few_held_out(self, held_out: int, predictions: int, points: str) -> InputError:
        """Say that there is little to evaluate on: an accuracy near 90% may be off by so many points."""
        return InputError.counted(
            "Only {count} held-out row: an accuracy near 90% can be off by ± {points} percentage points by chance, "
            "a lower one by more. Hold out more, or add rows, before you trust a smaller difference.",
            "Only {count} held-out rows: an accuracy near 90% can be off by ± {points} percentage points by chance, "
            "a lower one by more. Hold out more, or add rows, before you trust a smaller difference.",
            held_out,
            count=held_out,
            points=points,
        )

    def left_out(self, count: int) -> InputError:
        """Say how many examples were left out for want of a text or a label."""
        return InputError("Rows left out because the text or the label is missing: {count}.", count=f"{count:,}")

    # ---- its model

    @abstractmethod
    def loader(self) -> Any:
        """Return the class of transformers that loads a model with its architecture's own head for this."""

    @abstractmethod
    def make_model(self, encoder: "Encoder", recipe: "Recipe", labels: tuple[str, ...]) -> tuple["Model", bool]:
        """Return a recipe's model with the architecture's own head, and whether that goes on from a trained one."""

    def output_count(self, classes: int) -> int:
        """Return how many numbers the head answers with, for a text or a token, given how many classes there are."""
        return max(1, classes)

    def suit(self, found: "Settings", alone: bool) -> "Settings":
        """Return what suits, given what suits classification; ``alone``: nothing but the head learns."""
        return found

    # ---- its training

    @abstractmethod
    def read_training_data(
        self,
        encoder: "Encoder",
        recipe: "Recipe",
        examples: "Examples",
        parts: Sequence[Sequence[int] | np.ndarray],
        probes: Sequence[str],
        scale: tuple[float, float],
        device: str,
    ) -> "TrainingData":
        """Return examples as a model takes them; answers to ``probes`` are recorded, ``scale`` is `label_scale`'s.

        Parameters
        ----------
        parts
            Places of the training, validation and test set; the last two may be one and the same object.
        """

    def label_scale(self, examples: "Examples", train: Sequence[int] | np.ndarray) -> tuple[float, float]:
        """Return mean and standard deviation of what is learned where it is a number."""
        return 0.0, 1.0

    @abstractmethod
    def loss(self, model: Any, inputs: dict[str, Any], data: "TrainingData", recipe: "Recipe") -> tuple[Any, Any]:
        """Return a batch's loss, a scalar tensor, and the model's output; it may take labels out of ``inputs``."""

    @abstractmethod
    def evaluate(
        self, model: Any, items: Sequence[Mapping[str, Any]], data: "TrainingData", recipe: "Recipe"
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the mean loss of some examples, and the answers, among them ``rows``: which example each is of."""

    @abstractmethod
    def score(self, answers: Answers) -> float:
        """Return what is recorded of answers first, such as their accuracy."""

    def facts(self, answers: Answers) -> Mapping[str, float]:
        """Return what else is recorded of them after every epoch."""
        return {}

    def probe(self, model: Any, data: "TrainingData") -> tuple[tuple[float, ...], ...]:
        """Return what is recorded of each text of ``data.probes`` after every epoch."""
        return ()

    def begin(self, data: "TrainingData", epoch: Callable[[], int]) -> None:  # noqa: B027 - most need nothing
        """Do what is to be done before the first step; ``epoch`` returns which pass through the examples it is."""

    def start_from(self, model: "TrainableModel", scale: tuple[float, float]) -> None:  # noqa: B027 - so do most here
        """Let a head that is trained already answer in the scale that it is trained in."""

    def finish(self, model: "TrainableModel", answers: Answers, scale: tuple[float, float]) -> dict[str, np.ndarray]:
        """Let the model answer in the labels' own unit, and return its answers in it."""
        return dict(answers)

    # ---- its evaluation

    @abstractmethod
    def row_parts(self, labels: Sequence[str], answers: Answers) -> Float[np.ndarray, "row part"]:
        """Return of each example that was evaluated what `headline` and `goodness` sum up."""

    def headline(self, sums: Float[np.ndarray, "*draw part"]) -> Float[np.ndarray, "*draw"]:
        """Make of sums over `row_parts` the number that a run is reported with first."""
        return np.asarray(sums[..., 2] / sums[..., 1])

    def goodness(self, sums: Float[np.ndarray, "*draw part"], pair_weight: float) -> Float[np.ndarray, "*draw"]:
        """Make of sums over `row_parts` the negative loss, by which an epoch is chosen."""
        return np.asarray(-sums[..., 0] / sums[..., 1])

    def strata(self, truth: Sequence[Any] | np.ndarray) -> Sequence[Any] | np.ndarray | None:
        """Return what each half of the examples gets its share of, where they are cut in two; None for nothing."""
        return None

    @abstractmethod
    def measure(self, answers: Answers, labels: tuple[str, ...]) -> Results:
        """Return how good a model is on what was held out."""

    def truth(self, examples: "Examples", answers: Answers, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return what would have been right for each row of the results."""
        return examples.labels

    def rows(self, test: np.ndarray, answers: Answers) -> np.ndarray:
        """Return for each row of the results which example it is of."""
        return np.asarray(test[answers["rows"]])

    def measure_afterwards(self, run: "Run", device: str) -> dict[str, float]:
        """Return what is measured once of a run whose model is saved, to be listed with it."""
        return {}

    def in_words(self, facts: Mapping[str, float], interval: Callable[[Mapping[str, float], str], str]) -> list[str]:
        """Say in lines for a terminal how good a run is.

        Parameters
        ----------
        facts
            What the run is listed with.
        interval
            Writes ``low`` and ``high`` in a form such as ``".1%"``.
        """
        names = {"macro_f1": "macro-F1", "among_five": "among the first five", "perplexity": "perplexity"}
        names |= {"next_accuracy": "next-sentence accuracy", "pseudo_perplexity": "pseudo-perplexity"}
        more = "".join(f", {said} {facts[name]:.4g}" for name, said in names.items() if name in facts)
        return [f"{self.score_name} {facts['accuracy']:.1%} {interval(facts, '.1%')}{more}"]

    def baseline(self, facts: Mapping[str, float]) -> str:
        """Name for a terminal the baseline that a model has to beat."""
        return f"the majority-class baseline, whose accuracy is {facts.get('majority', 0):.1%}"

    # ---- its cost

    def head_parameters(self, encoder: "Encoder", recipe: "Recipe") -> float:
        """Return how many parameters of the head work on a token, where they count beside the layers' own."""
        return 0.0

    def logit_bytes(self, encoder: "Encoder", recipe: "Recipe", tokens: int) -> float:
        """Return the bytes of the logits of a batch and of what flows back, where they count beside the states."""
        return 0.0


OBJECTIVES: dict[str, Objective] = {}


def register(objective: Kind) -> Kind:
    """Make an objective known, by its name."""
    OBJECTIVES[objective.name] = objective()
    return objective


def list_objectives() -> dict[str, Objective]:
    """Return all training objectives by their names, in the order in which they are offered.

    Examples
    --------
    >>> list(list_objectives())
    ['classes', 'multi-label', 'regression', 'token classes', 'question answering', 'masked words', ...]
    """
    # Named rather than imported: each of these files stands on this one.
    import_module("interpret.finetuning.objectives")
    return dict(sorted(OBJECTIVES.items(), key=lambda item: (item[1].order, item[0])))


def find_objective(name: str) -> Objective:
    """Return the training objective of a name.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> find_objective("regression").unit.name
    'rows'
    """
    known = list_objectives()
    if name not in known:
        raise InputError("There is no task “{name}”. Choose one of: {known}.", name=name, known=", ".join(known))
    return known[name]

"""What a target of attributions is: the value that names one, and what its kind has to say."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int

from interpret.attribution.targets.controls import Control
from interpret.core.encoder import Encoder
from interpret.core.linear_head import LinearHead
from interpret.core.sentence_vectors import SentenceReading, sentence_reading
from interpret.core.tasks import logits_of
from interpret.core.tokens import Tokens
from interpret.core.words import join_words


@dataclass(frozen=True)
class Target:
    """One number of the model's answer.

    Attributes
    ----------
    kind
        A name in `interpret.attribution.targets.TARGETS`. ``"class"``: the score (logit) of a class.
        ``"contrast"``: the score of a class less that of another. ``"score"``: the one number of a regression's or a
        reranker's head.
        ``"similarity"``: how alike the sentence vectors of this text and another are, by what the model compares them
        with: mostly their cosine. ``"word"``: the score of a token at a mask. ``"unit"``: a unit of a layer's mean
        state. ``"norm"``: the length of the sentence vector, before it is brought to length 1 where the model does
        that.
    name
        What the reader calls it: the class, both classes, the other text, the token, the unit.
    index
        Which class, token of the vocabulary or unit; -1 where there is nothing to choose.
    position
        The position of the mask among the tokens, the level of the hidden states that the unit is of, or the class
        whose score is taken off; -1 where none of these.
    other
        The name of that class; empty without one.
    """

    kind: str
    name: str
    index: int = -1
    position: int = -1
    other: str = ""


class TargetInputs:
    """What `interpret.attribution.target_function` was called with, but for the target.

    Attributes
    ----------
    encoder, text, pair, head, pooling, prompt
        See there.
    """

    def __init__(
        self,
        encoder: Encoder,
        text: str,
        pair: str | None = None,
        head: LinearHead | None = None,
        pooling: str = "auto",
        prompt: str | None = None,
    ) -> None:
        self.encoder = encoder
        self.text = text
        self.pair = pair
        self.head = head
        self.pooling = pooling
        self.prompt = prompt
        self._tokens: Tokens | None = None

    def read(self) -> Tokens:
        """Cut the text and its second segment as the encoder does, words joined as people read them; once.

        Raises
        ------
        InputError
            If there is nothing to read, or more than the model takes.
        """
        if self._tokens is None:
            self._tokens = join_words(self.encoder.tokens(self.text, self.pair))
        return self._tokens


class BoundTarget:
    """A target beside the text and the model that it is a number of.

    Attributes
    ----------
    encoder, tokens, head, other
        What answers, what is read, the linear head where the model has no classifier of its own, and the text that
        this one is compared with.
    target
        What is asked.
    reading
        How sentence vectors are made, for targets that are about them.
    compared
        The sentence vector of ``other``, once it is asked; None without one.
    """

    def __init__(
        self,
        encoder: Encoder,
        tokens: Tokens,
        target: Target,
        head: LinearHead | None = None,
        other: Tokens | None = None,
        reading: SentenceReading | None = None,
    ) -> None:
        self.encoder = encoder
        self.tokens = tokens
        self.target = target
        self.head = head
        self.other = other
        self.reading = reading or sentence_reading(encoder, "auto", "")
        self.compared: Float[torch.Tensor, " width"] | None = None


@dataclass(frozen=True, eq=False)
class Pass:
    """What one forward pass showed, and of which texts.

    Attributes
    ----------
    texts
        What each row reads; tokens may be gone or others than the bound target's.
    mask
        Which tokens of a row are there.
    output
        What the model returned: of its task head where `TargetKind.by_task_head` says so, else of the bare encoder.
    levels
        The hidden states of all levels, where `TargetKind.by_levels` or who asks wants them; else empty.
    """

    texts: Sequence[Tokens]
    mask: Int[torch.Tensor, "text token"]
    output: Any
    levels: tuple[torch.Tensor, ...]

    @property
    def logits(self) -> torch.Tensor:
        """The task head's scores, of shape (text, [token,] label), in float32."""
        return logits_of(self.output).float()

    @property
    def last(self) -> Float[torch.Tensor, "text token width"]:
        """The bare encoder's last hidden states."""
        return self.levels[-1] if self.levels else self.output.last_hidden_state


class TargetKind(ABC):
    """A kind of target: one file in this folder, whose class `register` puts among `TARGETS`.

    Its methods get the `BoundTarget` whose target is of this kind.

    Attributes
    ----------
    name
        What it is called in Python and in addresses: `Target.kind`.
    syntax
        How it is asked for in Python and at the terminal, as a list of all of them says it.
    title
        What it is called among the choices of a page, in ``sentence``.
    said
        What one of them is called on a page, in ``sentence``, with the names of `values` in braces.
    order
        Where it stands among the choices; the first that a text allows is chosen at first.
    likely
        Whether the answers are logits of classes or tokens, so that the one asked for has a probability.
    predicts
        Whether they are those of all classes of a text, whose likeliest is the prediction, which can flip.
    classifier
        Whether a classifier answers: the model's own or a linear head, which the page then asks for.
    scores
        Whether it is the one number that the model's own head answers with.
    tags
        Whether it is of one word, which a head that classifies tokens gives a tag.
    from_passage
        Whether the text is a question, which a passage, its pair, answers.
    compares
        Whether the text is compared with another, by their sentence vectors.
    in_pairs
        Whether `interpret.attribution.similarity_pairs` tells which pairs of words account for it.
    missing_pair
        For a kind that needs a second text: what a page says where that is missing, in ``sentence``.
    at_mask
        Whether it is asked at a mask, the token `Target.position`, which no method takes away.
    at_level
        Whether it is unit `Target.index` of the mean state of level `Target.position`.
    by_levels
        Whether it is read off the hidden states of all levels.
    pooled
        Whether the model's own head reads the pooler for it, in families that have one.
    """

    name: ClassVar[str]
    syntax: ClassVar[str]
    title: ClassVar[str]
    said: ClassVar[str]
    order: ClassVar[int] = 100
    likely: ClassVar[bool] = False
    predicts: ClassVar[bool] = False
    classifier: ClassVar[bool] = False
    scores: ClassVar[bool] = False
    tags: ClassVar[bool] = False
    from_passage: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    in_pairs: ClassVar[bool] = False
    missing_pair: ClassVar[str] = ""
    at_mask: ClassVar[bool] = False
    at_level: ClassVar[bool] = False
    by_levels: ClassVar[bool] = False
    pooled: ClassVar[bool] = False

    # ---- how it is asked for

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return the target that a request is for; None where it is of another kind. By default its name.

        Raises
        ------
        InputError
            If the text cannot be read.
        """
        return Target(self.name, "") if request == self.name else None

    def bind(self, inputs: TargetInputs, target: Target) -> BoundTarget:
        """Read the text for a target of this kind.

        Raises
        ------
        InputError
            If the text cannot be read, or there is no second one to compare it with.
        """
        return BoundTarget(inputs.encoder, inputs.read(), target, inputs.head)

    def check(self, bound: BoundTarget) -> None:
        """Refuse what this model cannot be asked.

        Raises
        ------
        InputError
            If there is no such class, token or unit, or no head that would answer.
        """
        return None

    def likeliest(self, bound: BoundTarget, answers: Float32[np.ndarray, " answer"]) -> Target:
        """Return the target that is predicted, for a kind that is `likely` and of which none was chosen."""
        return bound.target

    # ---- how it is answered

    def alike(self, bound: BoundTarget) -> Hashable:
        """Return what the functions of two texts must have in common for one pass to answer both; by default all."""
        return bound.target

    def by_task_head(self, bound: BoundTarget) -> bool:
        """Tell whether the model's own task head answers, and not what is made of the bare encoder's states."""
        return False

    @abstractmethod
    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return every class's or token's score, among which `Target.index` chooses, or the one number there is."""

    def fixed(self, bound: BoundTarget) -> Bool[np.ndarray, " token"]:
        """Tell which tokens no method takes away, beside the special ones."""
        return np.zeros(len(bound.tokens), bool)

    def stays(self, bound: BoundTarget) -> Bool[np.ndarray, " token"]:
        """Tell at which tokens the answer is read, so that one that is taken away leaves a mask in its place."""
        return np.zeros(len(bound.tokens), bool)

    def top(self, bound: BoundTarget) -> int:
        """Return the highest level of hidden states that it depends on."""
        return bound.encoder.layers

    def read_from(self, bound: BoundTarget) -> Sequence[int]:
        """Return the tokens whose states at the top level it is read from."""
        return range(len(bound.tokens))

    # ---- what a page needs

    def offered(self, encoder: Encoder, text: str) -> bool:
        """Tell whether a page has it among the choices for a text."""
        return True

    def controls(self, encoder: Encoder, classes: Sequence[str], tokens: Tokens) -> Sequence[Control]:
        """Return what a page asks beside it, of a text; ``classes`` are the classifier's, for a kind that has one."""
        return ()

    def requested(self, values: Mapping[str, int]) -> str | int:
        """Return how it is asked for by what was chosen: the controls' values by their keys. See `find`."""
        return self.name

    def of_another(self, target: Target) -> str | None:
        """Return how another model is asked the same; None for what only one model has, such as its units."""
        return None

    def values(self, target: Target) -> Mapping[str, str | int]:
        """Return what the braces of `said` stand for."""
        return {"name": target.name}


TARGETS: dict[str, TargetKind] = {}


def register(kind: type[TargetKind]) -> type[TargetKind]:
    """Put a kind of target among `TARGETS`: the decorator of its class."""
    TARGETS[kind.name] = kind()
    return kind


def in_order() -> tuple[TargetKind, ...]:
    """Return all kinds as a page has them among its choices."""
    return tuple(sorted(TARGETS.values(), key=lambda kind: kind.order))


def syntaxes_without_head(encoder: Encoder) -> str:
    """Return how those are asked for that need no linear head, for a sentence."""
    found = [
        kind.syntax for kind in in_order() if not kind.classifier and not kind.at_mask and kind.offered(encoder, "")
    ]
    return ", ".join(f"“{syntax}”" for syntax in found)

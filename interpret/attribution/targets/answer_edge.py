"""Where an answer begins, or ends: the score of one token of a passage, for heads that answer questions."""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float

from interpret.attribution.targets.controls import Choice, Control
from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, TargetKind, register
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.question_answering import best_edges, of_passage
from interpret.core.sentences import sentence
from interpret.core.tokens import Tokens


class AnswerEdge(TargetKind):
    """What the start and the end of an answer have in common.

    Attributes
    ----------
    column
        Which of the head's two scores of a token it is.
    """

    column: ClassVar[int]
    missing_pair = sentence(
        "A question is answered from a passage: switch on the second text above, and write the question as text A, the "
        "passage as text B."
    )
    from_passage = True

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return the token of a position; without one that of the best answer."""
        if not self.offered(inputs.encoder, inputs.text) or inputs.head is not None:
            return None
        wanted = self.name if request == "predicted" and self.column == 0 else str(request)
        match = re.fullmatch(rf"{self.name}(?: (\d+))?", wanted)
        if match is None:
            return None
        if inputs.pair is None:
            raise InputError("A question is answered from a passage: give the passage as the second text.")
        tokens = inputs.read()
        position = best_edges(inputs.encoder, tokens)[self.column] if match[1] is None else int(match[1])
        named = tokens.labels[position] if position < len(tokens) else ""
        return Target(self.name, named, self.column, position)

    def check(self, bound: BoundTarget) -> None:
        """Refuse a token that is not of the passage, and a head that finds no answers."""
        if not self.offered(bound.encoder, ""):
            raise InputError("This model has no head that finds answers in a passage. Choose another target.")
        known = _positions(bound.tokens)
        if bound.target.position not in known:
            raise InputError(
                "Token {position} is not of the passage, which has the tokens {first} to {last}.",
                position=bound.target.position,
                first=min(known, default=0),
                last=max(known, default=0),
            )

    def by_task_head(self, bound: BoundTarget) -> bool:
        """Tell that the model's own head answers."""
        return True

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return the token's score."""
        positions = [bound.tokens.position_in(bound.target.position, one) for one in seen.texts]
        return seen.logits[torch.arange(len(positions)), torch.tensor(positions), self.column, None]

    def stays(self, bound: BoundTarget) -> Bool[np.ndarray, " token"]:
        """Keep the place that the score is of: a token that is taken away leaves a mask there."""
        return np.arange(len(bound.tokens)) == bound.target.position

    def read_from(self, bound: BoundTarget) -> Sequence[int]:
        """Return the token."""
        return [bound.target.position]

    def offered(self, encoder: Encoder, text: str) -> bool:
        """Tell whether the model's head finds answers."""
        return encoder.task is not None and encoder.task.kind == "span"

    def controls(self, encoder: Encoder, classes: Sequence[str], tokens: Tokens) -> Sequence[Control]:
        """Return the choice of a token of the passage."""
        options = {position: f"{position} {tokens.labels[position]}" for position in _positions(tokens)}
        return (Choice(f"answer_{self.column}", sentence("Token"), options, {-1: sentence("of the best answer")}),)

    def requested(self, values: Mapping[str, int]) -> str | int:
        """Return the token, or that it is the best answer's."""
        position = values[f"answer_{self.column}"]
        return self.name if position < 0 else f"{self.name} {position}"

    def values(self, target: Target) -> Mapping[str, str | int]:
        """Return the token and where it stands."""
        return {"name": target.name, "position": target.position}


@register
class AnswerStart(AnswerEdge):
    """The score (logit) of a token of the passage as the first of the answer."""

    name = "answer start"
    syntax = "answer start, or answer start 17 with a token's position"
    title = sentence("where the answer begins")
    said = sentence("the answer begins at “{name}” ({position})")
    order = 5
    column = 0


@register
class AnswerEnd(AnswerEdge):
    """The score (logit) of a token of the passage as the last of the answer."""

    name = "answer end"
    syntax = "answer end, or answer end 17 with a token's position"
    title = sentence("where the answer ends")
    said = sentence("the answer ends at “{name}” ({position})")
    order = 6
    column = 1


def _positions(tokens: Tokens) -> list[int]:
    return np.flatnonzero(of_passage(tokens)).tolist()

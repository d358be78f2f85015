"""A word at a mask: the score of a token there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32

from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, TargetKind, register
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.core.tokens import Tokens


@register
class MaskedWord(TargetKind):
    """The score (logit) of a token at the first mask, or of the likeliest there."""

    name = "word"
    syntax = "predicted, or a token of the vocabulary"
    title = sentence("the word at the mask")
    said = sentence("the word “{name}”")
    # A text with a mask asks for it.
    order = 0
    likely = True
    at_mask = True

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return the token of a name at the first mask; of the prediction, one that is not chosen yet."""
        encoder = inputs.encoder
        if inputs.head is not None or not _guesses(encoder):
            return None
        masked = [position for position, token in enumerate(inputs.read().strings) if token == encoder.mask]
        if not masked:
            return None
        if request == "predicted":
            return Target(self.name, "", position=masked[0])
        token = encoder.names.find(str(request))
        return None if token is None else Target(self.name, encoder.names(token), token, masked[0])

    def check(self, bound: BoundTarget) -> None:
        """Refuse a position without a mask, a token that there is not, and a model that predicts none."""
        target, encoder, strings = bound.target, bound.encoder, bound.tokens.strings
        if target.index >= 0:
            if not (0 <= target.position < len(strings) and strings[target.position] == encoder.mask):
                raise InputError(
                    "Token {position} of the text is not a mask, so nothing is predicted there. Give the position of a "
                    "mask.",
                    position=target.position,
                )
            if target.index >= encoder.tokenizer.get_vocab_size():
                raise InputError(
                    "There is no token {index}: this vocabulary has {count}, counted from 0.",
                    index=target.index,
                    count=encoder.tokenizer.get_vocab_size(),
                )
        if not _guesses(encoder):
            raise InputError(
                "This model has no masked-language-model head. Choose one that was trained on masked words."
            )

    def likeliest(self, bound: BoundTarget, answers: Float32[np.ndarray, " answer"]) -> Target:
        """Return the predicted token."""
        best = int(answers.argmax())
        return replace(bound.target, name=bound.encoder.names(best), index=best)

    def by_task_head(self, bound: BoundTarget) -> bool:
        """Only the model's own head predicts tokens."""
        return True

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return every token's score at the mask."""
        logits, positions = seen.logits, [_mask_of(bound, one) for one in seen.texts]
        # Of one position for all a slice does, whose gradient costs little.
        one = len(set(positions)) == 1
        return logits[:, positions[0]] if one else logits[torch.arange(len(positions)), torch.tensor(positions)]

    def fixed(self, bound: BoundTarget) -> Bool[np.ndarray, " token"]:
        """Keep all masks: which one is meant is told by those before it."""
        return np.array([token == bound.encoder.mask for token in bound.tokens.strings])

    def read_from(self, bound: BoundTarget) -> Sequence[int]:
        """Return the mask."""
        return [bound.target.position]

    def offered(self, encoder: Encoder, text: str) -> bool:
        """Offer it where the text has a mask, and the model a head that predicts words there."""
        return _guesses(encoder) and encoder.mask is not None and encoder.mask in text

    def requested(self, values: Mapping[str, int]) -> str | int:
        """Ask for the likeliest word."""
        return "predicted"


def _guesses(encoder: Encoder) -> bool:
    return encoder.task is not None and encoder.task.kind == "masked words"


def _mask_of(bound: BoundTarget, tokens: Tokens) -> int:
    """Find the mask that is asked about in a text that may have lost or changed other tokens."""
    mask = bound.encoder.mask
    before = sum(token == mask for token in bound.tokens.strings[: bound.target.position])
    return [position for position, token in enumerate(tokens.strings) if token == mask][before]

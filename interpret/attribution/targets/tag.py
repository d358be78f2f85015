"""A word's tag: the score of one class of one token, for heads that classify tokens."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32

from interpret.attribution.targets.controls import Choice, Control
from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, TargetKind, register
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.core.tokens import Tokens
from interpret.core.word_tags import OUTSIDE, word_tags

# “tag”: the predicted one of the first word that has any; “tag 3 B-PER”, “tag 3 predicted”: of the word that begins at
# token 3.
_REQUEST = re.compile(r"tag(?: (\d+)(?: (.+))?)?")


@register
class Tag(TargetKind):
    """The score (logit) of a tag at the first token of a word, where taggers are trained to say it."""

    name = "tag"
    syntax = "tag 3 B-PER, with the position of a word's first token"
    title = sentence("a word's tag")
    said = sentence("tag “{name}” of “{word}”")
    order = 5
    likely = True
    tags = True

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return the tag of a name at a position; of a prediction, one that is not chosen yet."""
        if not self.offered(inputs.encoder, inputs.text) or inputs.head is not None:
            return None
        match = _REQUEST.fullmatch("tag" if request == "predicted" else str(request))
        if match is None:
            return None
        tokens, labels = inputs.read(), _labels(inputs.encoder)
        position = _first_tagged(inputs.encoder, tokens) if match[1] is None else int(match[1])
        named = match[2] or "predicted"
        if re.fullmatch(r"#\d+", named) and int(named[1:]) < len(labels):
            # By its number, as pages ask: two tags can be called alike.
            index = int(named[1:])
            named = labels[index]
        else:
            index = -1 if named == "predicted" else labels.index(named) if named in labels else len(labels)
        return Target(self.name, "" if index < 0 else named, index, position, _words(tokens).get(position, ""))

    def check(self, bound: BoundTarget) -> None:
        """Refuse a token that is no word's first, a tag that there is not, and a head that says none."""
        if not self.offered(bound.encoder, ""):
            raise InputError("This model has no head that classifies tokens. Choose another target.")
        target, labels = bound.target, _labels(bound.encoder)
        if target.position not in _words(bound.tokens):
            raise InputError(
                "Token {position} of the text does not begin a word, so it has no tag. Words begin at: {known}.",
                position=target.position,
                known=", ".join(map(str, list(_words(bound.tokens))[:20])),
            )
        if target.index >= len(labels):
            raise InputError(
                "This model has no tag “{name}”. It has: {known}.", name=target.name, known=", ".join(labels[:20])
            )

    def likeliest(self, bound: BoundTarget, answers: Float32[np.ndarray, " answer"]) -> Target:
        """Return the predicted tag."""
        best = int(answers.argmax())
        return replace(bound.target, name=_labels(bound.encoder)[best], index=best)

    def by_task_head(self, bound: BoundTarget) -> bool:
        """Tell that the model's own head answers."""
        return True

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return every tag's score at the word."""
        logits, positions = seen.logits, [bound.tokens.position_in(bound.target.position, one) for one in seen.texts]
        # Of one position for all a slice does, whose gradient costs little.
        one = len(set(positions)) == 1
        return logits[:, positions[0]] if one else logits[torch.arange(len(positions)), torch.tensor(positions)]

    def stays(self, bound: BoundTarget) -> Bool[np.ndarray, " token"]:
        """Keep the place that the tag is said at: a word that is taken away leaves a mask there."""
        return np.arange(len(bound.tokens)) == bound.target.position

    def read_from(self, bound: BoundTarget) -> Sequence[int]:
        """Return the word's first token."""
        return [bound.target.position]

    def offered(self, encoder: Encoder, text: str) -> bool:
        """Tell whether the model's head classifies tokens."""
        return encoder.task is not None and encoder.task.kind == "token classes"

    def controls(self, encoder: Encoder, classes: Sequence[str], tokens: Tokens) -> Sequence[Control]:
        """Return the choice of a word, and of a tag."""
        words = {first: f"{name} ({first})" for first, name in _words(tokens).items()}
        return (
            Choice("tag_word", sentence("Word"), words, {-1: sentence("the first with a tag")}),
            Choice("tag", sentence("Tag"), dict(enumerate(_labels(encoder))), {-1: sentence("the predicted one")}),
        )

    def requested(self, values: Mapping[str, int]) -> str | int:
        """Return the word's first token and the number of the tag, as `find` reads them."""
        if values["tag_word"] < 0:
            return "tag"
        return f"tag {values['tag_word']} " + ("predicted" if values["tag"] < 0 else f"#{values['tag']}")

    def values(self, target: Target) -> Mapping[str, str | int]:
        """Return the tag and the word."""
        return {"name": target.name, "word": target.other}


def _labels(encoder: Encoder) -> tuple[str, ...]:
    return () if encoder.task is None else encoder.task.labels


def _words(tokens: Tokens) -> dict[int, str]:
    """Return each word by its first token."""
    found = zip(tokens.groups, tokens.words, strict=True)
    return {group[0]: name for group, name in found if not tokens.special[group[0]]}


def _first_tagged(encoder: Encoder, tokens: Tokens) -> int:
    """Return where the first word begins that the model gives a tag; the first word where none has one."""
    found = word_tags(encoder, tokens)
    return next((one.position for one in found if one.tag != OUTSIDE), found[0].position)

"""What a head that classifies tokens says of each word."""

from dataclasses import dataclass

import torch

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tasks import logits_of
from interpret.core.tokens import Tokens

# What taggers call a word that has no tag.
OUTSIDE = "O"


@dataclass(frozen=True)
class WordTag:
    """A word and its likeliest tag, as the word's first token has it: that is what taggers are trained on.

    Attributes
    ----------
    word
        As the text has it.
    position
        Its first token.
    tag, probability
        The likeliest tag, and how likely it is.
    """

    word: str
    position: int
    tag: str
    probability: float


def word_tags(encoder: Encoder, tokens: Tokens) -> tuple[WordTag, ...]:
    """Return the likeliest tag of each word of a text.

    Parameters
    ----------
    tokens
        The text, as `Encoder.tokens` cuts it, or with its words joined: see `interpret.core.words.join_words`.

    Raises
    ------
    InputError
        If the model has no such head.
    """
    task = encoder.task
    if task is None or task.kind != "token classes":
        raise InputError("This model has no head that classifies tokens. Choose another target.")
    with torch.no_grad():
        probabilities = task.probabilities(logits_of(encoder.forward([tokens], task=True))[0]).cpu()
    firsts = [
        (group[0], name)
        for group, name in zip(tokens.groups, tokens.words, strict=True)
        if not tokens.special[group[0]]
    ]
    best = probabilities.max(dim=-1)
    return tuple(
        WordTag(name, first, task.labels[int(best.indices[first])], float(best.values[first])) for first, name in firsts
    )

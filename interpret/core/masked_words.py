"""Texts with words hidden behind the mask."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from interpret.core.arrays import read_only
from interpret.core.encoder import Encoder
from interpret.core.errors import CheckpointError, InputError
from interpret.core.indices import check_index
from interpret.core.tokens import Tokens


def mask_id(encoder: Encoder) -> int:
    """Return the id of the mask.

    Raises
    ------
    CheckpointError
        If the model cannot guess words.
    """
    encoder.check_guesses()
    found = None if encoder.mask is None else encoder.tokenizer.token_to_id(encoder.mask)
    if found is None:
        raise CheckpointError(
            "The vocabulary of “{name}” has no mask token, so no word can be masked. Choose another model.",
            name=encoder.spec.checkpoint.name,
        )
    return int(found)


def hide(encoder: Encoder, tokens: Tokens, positions: Sequence[int]) -> Tokens:
    """Put the mask in the place of some tokens.

    Raises
    ------
    CheckpointError
        If the model cannot guess words.
    InputError
        If there is no such token, or it is a special one.
    """
    mask = mask_id(encoder)
    for position in positions:
        check_index("token", position, len(tokens))
        if tokens.special[position]:
            raise InputError(
                "“{token}” is a special token that the model adds itself. Mask words of the text instead.",
                token=tokens.strings[position],
            )
    ids = tokens.ids.copy()
    ids[list(positions)] = mask
    names = [encoder.mask or ""] * len(tokens)
    chosen = set(positions)
    return dataclasses.replace(
        tokens,
        ids=read_only(ids, np.int64),
        strings=tuple(names[i] if i in chosen else one for i, one in enumerate(tokens.strings)),
        labels=tuple(names[i] if i in chosen else one for i, one in enumerate(tokens.labels)),
    )


def mask_positions(encoder: Encoder, tokens: Tokens) -> Int[np.ndarray, " hidden"]:
    """Return where a text has the mask."""
    return read_only(np.flatnonzero(tokens.ids == mask_id(encoder)), np.int64)


def guessed_from(encoder: Encoder, tokens: Tokens) -> Bool[np.ndarray, " token"]:
    """Return which tokens are words that can be seen.

    Raises
    ------
    InputError
        If there are none.
    """
    seen = ~tokens.special & (tokens.ids != mask_id(encoder))
    if not seen.any():
        raise InputError(
            "Every word is masked, so there is no context to predict from. Leave at least one word unmasked."
        )
    return read_only(seen, bool)


def whole_words(tokens: Tokens, positions: Sequence[int]) -> tuple[int, ...]:
    """Return some tokens with all others of their words."""
    words = {int(tokens.word[position]) for position in positions}
    return tuple(i for i, word in enumerate(tokens.word.tolist()) if word >= 0 and word in words)

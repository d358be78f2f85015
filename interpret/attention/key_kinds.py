"""Which kinds of tokens a head may look at."""

import unicodedata

import numpy as np
from jaxtyping import Bool

from interpret.core.tokens import Tokens


def key_kinds(tokens: Tokens) -> dict[str, Bool[np.ndarray, "query key"]]:
    """Say for each kind in `SHARES` which keys are of that kind for which query."""
    n = len(tokens)
    position = np.arange(n)
    step = position - position[:, None]
    ordinary = ~tokens.special
    between = ordinary[:, None] & ordinary
    word = tokens.word
    first = position == 0
    separator = tokens.special & (position > 0) & ~tokens.prompt
    pair = bool(tokens.segment.any())
    same_segment = tokens.segment[:, None] == tokens.segment
    # Unknown tokens stand for anything, and bare spaces for nothing.
    said = np.array([not tokens.unknown_at(i) and token not in ("▁", "Ġ") for i, token in enumerate(tokens.strings)])
    marks = ordinary & np.array([is_punctuation(label) for label in tokens.labels])
    all_queries = np.ones((n, 1), bool)
    kinds = {
        "self": step == 0,
        "previous": (step == -1) & between,
        "next": (step == 1) & between,
        "first": all_queries & (first & tokens.special),
        "separator": all_queries & separator,
        "punctuation": ordinary[:, None] & marks,
        "own word": (word[:, None] == word) & between & (step != 0),
        "same token": (tokens.ids[:, None] == tokens.ids) & between & (step != 0) & said,
        "own segment": same_segment & between & pair,
        "other segment": ~same_segment & between,
    }
    return kinds


def is_punctuation(label: str) -> bool:
    """Tell whether a token is nothing but punctuation, of any script."""
    text = label.removeprefix("##").lstrip("▁Ġ")
    return bool(text) and all(unicodedata.category(character).startswith("P") for character in text)

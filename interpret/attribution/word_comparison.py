"""What the words of one text contributed by two models, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from interpret.attribution.attribution import Attribution
from interpret.attribution.methods import METHODS
from interpret.attribution.rank_agreement import correlation
from interpret.core.rank_correlation import spearman_interval
from interpret.core.word_alignment import AlignedWords, align_words


@dataclass(frozen=True, eq=False)
class WordComparison:
    """Two models' scores of the words of one text.

    Attributes
    ----------
    words
        The words, without special tokens: see `interpret.core.word_alignment.align_words`.
    first, second
        What each word contributed: the sum over its tokens, in the units of what is explained.
    agreement, agreement_interval
        Spearman's rank correlation of the two, and its 95% interval over words (Bonett & Wright 2000); where a method
        gives no sign, of their sizes. NaN where there is no order to compare.
    """

    words: AlignedWords
    first: Float64[np.ndarray, " word"]
    second: Float64[np.ndarray, " word"]
    agreement: float
    agreement_interval: tuple[float, float]

    @property
    def first_shares(self) -> Float64[np.ndarray, " word"]:
        """The first model's scores as shares of the sum of their sizes: models answer in units of their own."""
        return _shares(self.first)

    @property
    def second_shares(self) -> Float64[np.ndarray, " word"]:
        """The second model's."""
        return _shares(self.second)


def compare_words(first: Attribution, second: Attribution) -> WordComparison:
    """Put two models' attributions of one text side by side, word by word.

    Raises
    ------
    InputError
        If they are of different texts.

    Examples
    --------
    >>> import interpret as it
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> text = "The start is slow, but the actors are wonderful."
    >>> found = []
    >>> for name in ("minilm", "minilm-l3"):
    ...     encoder = it.load_encoder(name)
    ...     head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    ...     found.append(it.attribute(encoder, text, target="good", head=head))
    >>> compared = it.attribution.compare_words(*found)
    >>> len(compared.words) == len(compared.first) == len(compared.second)
    True
    >>> -1 <= compared.agreement <= 1
    True
    """
    words = align_words(first.tokens, second.tokens, specials=False)
    one, other = words.sums(first.scores, second.scores)
    signed = METHODS[first.method].signed and METHODS[second.method].signed
    pair = (one, other) if signed else (np.abs(one), np.abs(other))
    ordered = len(words) > 1 and all(np.ptp(values) > 0 for values in pair)
    agreement = correlation(*pair) if ordered else float("nan")
    return WordComparison(words, one, other, agreement, spearman_interval(agreement, len(words)))


def _shares(scores: Float64[np.ndarray, " word"]) -> Float64[np.ndarray, " word"]:
    whole = np.abs(scores).sum()
    return scores / whole if whole > 0 else scores

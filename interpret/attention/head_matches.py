"""The heads of two models that do the same: each head's most similar one in the other model, by divergence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.indices import check_index
from interpret.core.trace import Trace
from interpret.core.word_alignment import AlignedWords, align_words


@dataclass(frozen=True, eq=False)
class HeadMatches:
    """How far each head of one model is from each of another, on one text.

    Attributes
    ----------
    words
        The rows and columns of every head, the same in both models: see `align_words`.
    first_heads, second_heads
        The weights over these words: to a word the sum over its tokens, from a word the mean over its tokens (Clark et
        al. 2019, section 4.1).
    divergence
        The Jensen–Shannon divergence in bits, 0…1, averaged over the words that look (section 6); NaN where no row
        has weight in both.
    """

    words: AlignedWords
    first_heads: Float32[np.ndarray, "layer head query key"]
    second_heads: Float32[np.ndarray, "other_layer other_head query key"]
    divergence: Float32[np.ndarray, "layer head other_layer other_head"]

    @cached_property
    def nearest(self) -> Int[np.ndarray, "layer head 2"]:
        """The other model's head that is nearest to each: its layer and its number; of equals the first."""
        return _nearest(self.divergence)

    @cached_property
    def nearest_of_second(self) -> Int[np.ndarray, "other_layer other_head 2"]:
        """The first model's head that is nearest to each of the other's."""
        return _nearest(np.transpose(self.divergence, (2, 3, 0, 1)))

    @cached_property
    def nearest_divergence(self) -> Float32[np.ndarray, "layer head"]:
        """How far each head is from the nearest of the other model."""
        flat = self.divergence.reshape(*self.divergence.shape[:2], -1)
        return read_only(np.min(np.nan_to_num(flat, nan=np.inf), axis=-1), np.float32)

    @property
    def usual(self) -> float:
        """The median over all pairs of heads: what the nearest is to be read against."""
        return float(np.nanmedian(self.divergence))

    def is_mutual(self, layer: int, head: int) -> bool:
        """Whether a head and its nearest are each other's nearest."""
        check_index("layer", layer, len(self.nearest))
        check_index("head", head, self.nearest.shape[1])
        other = tuple(self.nearest[layer, head])
        return tuple(self.nearest_of_second[other]) == (layer, head)


def match_heads(first: Trace, second: Trace, specials: bool = True, progress: Progress | None = None) -> HeadMatches:
    """Find each head's most similar one in another model that read the same text.

    Words are aligned by their characters, whatever the vocabularies make of them.

    Parameters
    ----------
    specials
        Whether special tokens count. Without them each row is what it gives to words, as shares.
    progress
        Called as ``progress(heads done, heads in all, "heads")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If the texts are not the same.

    References
    ----------
    Clark et al. (2019), “What Does BERT Look At?”, section 6, https://arxiv.org/abs/1906.04341.

    Examples
    --------
    >>> import interpret as it
    >>> text = "The animal didn't cross the street because it was too tired."
    >>> minilm, e5 = (it.trace(it.load_encoder(name), text) for name in ("minilm", "e5"))
    >>> matches = it.attention.match_heads(minilm, e5)
    >>> matches.divergence.shape  # layer, head, and the other model's
    (6, 12, 12, 12)
    >>> layer, head = matches.nearest[3, 5]
    >>> bool(matches.divergence[3, 5, layer, head] < matches.usual)
    True
    """
    words = align_words(first.tokens, second.tokens, specials)
    if not len(words):
        raise InputError("The two models have no words in common in this text, so their heads cannot be compared.")
    one = _over_words(first, words.first_groups, specials)
    other = _over_words(second, words.second_groups, specials)
    return HeadMatches(words, one, other, _divergences(one, other, progress))


def _over_words(
    trace: Trace, groups: tuple[tuple[int, ...], ...], specials: bool
) -> Float32[np.ndarray, "layer head query key"]:
    member = np.zeros((len(groups), len(trace.tokens)), np.float32)
    for row, group in enumerate(groups):
        member[row, list(group)] = 1
    weights = (member / member.sum(axis=1, keepdims=True)) @ trace.attention @ member.T
    if not specials:
        rest = weights.sum(axis=-1, keepdims=True)
        weights = np.divide(weights, rest, out=np.zeros_like(weights), where=rest > 0)
    return read_only(weights, np.float32)


def _divergences(
    first: Float32[np.ndarray, "layer head query key"],
    second: Float32[np.ndarray, "other_layer other_head query key"],
    progress: Progress | None,
) -> Float32[np.ndarray, "layer head other_layer other_head"]:
    one, other = (_as_shares(heads.reshape(-1, *heads.shape[2:])) for heads in (first, second))
    one_entropy, other_entropy = _entropy(one), _entropy(other)
    there, other_there = one.max(axis=-1) > 0, other.max(axis=-1) > 0
    found = np.full((len(one), len(other)), np.nan, np.float32)
    for index, weights in enumerate(one):
        rows = _entropy((weights + other) / 2) - (one_entropy[index] + other_entropy) / 2
        both = there[index] & other_there
        counts = both.sum(axis=1)
        sums = (rows * both).sum(axis=1)
        found[index] = np.divide(sums, counts, out=np.full(len(other), np.nan), where=counts > 0)
        if progress is not None:
            progress(index + 1, len(one), "heads")
    # Of all but equal heads rounding leaves a little less than nothing.
    return read_only(np.clip(found, 0, 1).reshape(*first.shape[:2], *second.shape[:2]), np.float32)


def _as_shares(heads: Float32[np.ndarray, "head query key"]) -> Float32[np.ndarray, "head query key"]:
    """Let rows sum to 1, which what goes to the tokens of a prompt takes from them."""
    sums = heads.sum(axis=-1, keepdims=True)
    return np.divide(heads, sums, out=np.zeros_like(heads), where=sums > 0)


def _entropy(heads: Float32[np.ndarray, "head query key"]) -> np.ndarray:
    """Return the entropy of each row in bits; ``(head, query)``."""
    logs = np.log2(heads, out=np.zeros_like(heads), where=heads > 0)
    return -(heads * logs).sum(axis=-1, dtype=np.float64)


def _nearest(divergence: np.ndarray) -> Int[np.ndarray, "layer head 2"]:
    flat = np.nan_to_num(divergence.reshape(*divergence.shape[:2], -1), nan=np.inf).argmin(axis=-1)
    return read_only(np.stack(np.unravel_index(flat, divergence.shape[2:]), axis=-1), np.int64)

"""Two heads beside each other: how differently they spread attention, cell by cell and row by row."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.special import rel_entr

from interpret.attention.kinds import Unit
from interpret.attention.view import AttentionView, attention_view
from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.trace import Trace


@dataclass(frozen=True, eq=False)
class HeadDifference:
    """What sets a second head apart from a first one; rows are queries, columns keys, the same in both.

    Attributes
    ----------
    unit, specials
        What the rows and columns are, as in `attention_view`.
    first_labels, second_labels
        What the rows, and the columns, are called in the one and in the other.
    changed
        Where the two texts have different tokens: there a cell compares what stands at the same position.
    first, second
        The two heads' weights.
    difference
        ``second - first``, -1…1: above 0 where the second gives a key more weight.
    total_variation
        ``½ Σ_k |p_k - q_k|`` of each row, 0…1: the share of its weight that has to go to other keys to make the one
        row the other (Levin & Peres 2017, proposition 4.2). NaN for a row without weight, which there is only where
        ``specials`` is False.
    jensen_shannon
        The divergence of each row in bits, 0…1; the measure of Clark et al. (2019), section 6, for two heads. NaN as
        above.
    """

    unit: Unit
    specials: bool
    first_labels: tuple[str, ...]
    second_labels: tuple[str, ...]
    changed: Bool[np.ndarray, " token"]
    first: Float32[np.ndarray, "query key"]
    second: Float32[np.ndarray, "query key"]
    difference: Float32[np.ndarray, "query key"]
    total_variation: Float64[np.ndarray, " query"]
    jensen_shannon: Float64[np.ndarray, " query"]

    @cached_property
    def mean_total_variation(self) -> float:
        """The mean of `total_variation` over the rows that have weight; NaN where none has.

        It describes these texts; they are no sample, so it has no interval.
        """
        there = self.total_variation[np.isfinite(self.total_variation)]
        return float(there.mean()) if len(there) else float("nan")


def compare_heads(
    first: Trace,
    second: Trace,
    layer: int,
    head: int,
    second_layer: int | None = None,
    second_head: int | None = None,
    unit: Unit = "token",
    specials: bool = True,
    by_position: bool = False,
) -> HeadDifference:
    """Compare two heads of one trace, or of two: of two models, or of two texts of equal length.

    One text is aligned by the characters that its tokens, or words, stand for; two texts by what these are called.
    Special tokens are aligned with each other, whatever the models call them.

    Parameters
    ----------
    first, second
        What the heads are of; both may be the same.
    layer, head
        The head of the first.
    second_layer, second_head
        That of the second; the same numbers unless given.
    unit
        ``"word"`` compares models that cut a text into different tokens: weights to a word's tokens are added up,
        weights from them averaged (Clark et al. 2019, section 4.1).
    specials
        As in `attention_view`.
    by_position
        Whether two texts with as many tokens, or words, may be compared position by position where these differ.

    Raises
    ------
    InputError
        If there is no such head, or a cell of the one is not a cell of the other.

    References
    ----------
    Levin & Peres (2017), “Markov Chains and Mixing Times”, https://pages.uoregon.edu/dlevin/MARKOV/mcmt2e.pdf; Clark
    et al. (2019), https://arxiv.org/abs/1906.04341.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> tired = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> wide = it.trace(encoder, "The animal didn't cross the street because it was too wide.")
    >>> heads = it.attention.compare_heads(tired, tired, 3, 5, 2, 9)
    >>> 0 <= heads.mean_total_variation <= 1
    True
    >>> texts = it.attention.compare_heads(tired, wide, 3, 5, by_position=True)
    >>> [(texts.first_labels[i], texts.second_labels[i]) for i in texts.changed.nonzero()[0]]
    [('tired', 'wide')]
    """
    one, other = (attention_view(trace, unit, specials) for trace in (first, second))
    changed = _changed(one, other, by_position)
    p = one.head(layer, head)
    q = other.head(layer if second_layer is None else second_layer, head if second_head is None else second_head)
    total_variation, jensen_shannon = _distances(p, q)
    return HeadDifference(
        unit=unit,
        specials=specials,
        first_labels=one.query_labels,
        second_labels=other.query_labels,
        changed=read_only(changed, bool),
        first=p,
        second=q,
        difference=read_only(q - p, np.float32),
        total_variation=read_only(total_variation, np.float64),
        jensen_shannon=read_only(jensen_shannon, np.float64),
    )


def head_distances(
    first: Trace, second: Trace, unit: Unit = "token", specials: bool = True, by_position: bool = False
) -> Float64[np.ndarray, "layer head"]:
    """Return how far each head is from the head of the same layer and number in another trace.

    The distance is `HeadDifference.mean_total_variation`, 0…1. What is aligned, and the other parameters, are those of
    `compare_heads`.

    Raises
    ------
    InputError
        If the models have different numbers of layers or heads, or the texts cannot be aligned.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> short, long = it.trace(encoder, "It was too tired."), it.trace(encoder, "It was too wide.")
    >>> distances = it.attention.head_distances(short, long, by_position=True)
    >>> distances.shape  # layer head
    (6, 12)
    """
    shapes = first.attention.shape[:2], second.attention.shape[:2]
    if shapes[0] != shapes[1]:
        raise InputError(
            "Heads can be compared one by one only between models with as many layers and heads: the first has "
            "{first} (layers × heads), the second {second}. Choose two heads instead.",
            first=" × ".join(map(str, shapes[0])),
            second=" × ".join(map(str, shapes[1])),
        )
    one, other = (attention_view(trace, unit, specials) for trace in (first, second))
    _changed(one, other, by_position)
    found = np.full(shapes[0], np.nan)
    for layer, head in np.ndindex(*shapes[0]):
        rows = _total_variation(one.head(layer, head), other.head(layer, head))
        if np.isfinite(rows).any():
            found[layer, head] = np.nanmean(rows)
    return read_only(found, np.float64)


def _changed(one: AttentionView, other: AttentionView, by_position: bool) -> np.ndarray:
    """Tell for each row whether its token, or word, differs; refuse where a row of the one is not one of the other."""
    (spans, edges), (other_spans, other_edges) = _rows(one), _rows(other)
    tokens, other_tokens = one.trace.tokens, other.trace.tokens
    if (tokens.text, tokens.pair) == (other_tokens.text, other_tokens.pair):
        if (spans, edges) == (other_spans, other_edges):
            return np.zeros(len(spans), bool)
        if one.unit == "token":
            raise InputError("The two models cut this text into different tokens. Compare whole words.")
        raise InputError(
            "The two models find different words in this text, so it cannot be said which cell is which. Look at "
            "the heads side by side."
        )
    if len(spans) != len(other_spans):
        raise InputError(
            "The two texts have different lengths, so no cell of one is a cell of the other. Rows of the first: "
            "{first}; of the second: {second}. Choose texts with equally many tokens or words, or compare two heads "
            "or two models on one text.",
            first=len(spans),
            second=len(other_spans),
        )
    if edges != other_edges:
        raise InputError(
            "The two texts have their special tokens, or the beginning of the second text of a pair, at different "
            "positions, so no cell of one is a cell of the other. Choose texts of equal lengths."
        )
    # Special tokens do the same work whatever they are called.
    rows = zip(one.query_labels, other.query_labels, edges, strict=True)
    changed = np.array([label != its and not special for label, its, (special, _segment) in rows])
    if changed.any() and not by_position:
        at = int(changed.argmax())
        raise InputError(
            "The two texts differ at position {position}: “{first}” and “{second}”. Align them by position "
            "(by_position=True), or compare two heads or two models on one text.",
            position=at,
            first=one.query_labels[at],
            second=other.query_labels[at],
        )
    return changed


def _rows(view: AttentionView) -> tuple[list[tuple[int, int]], list[tuple[bool, int]]]:
    """Return the characters that each row stands for, and whether it is a special token with its segment."""
    tokens, groups = view.tokens, view.groups
    spans, edges = [], []
    for index in view.queries:
        first, last = groups[index][0], groups[index][-1]
        start, end = int(tokens.span[first, 0]), int(tokens.span[last, 1])
        source = tokens.pair if tokens.segment[first] and tokens.pair is not None else tokens.text
        # Some tokenizers count the space before a word in.
        start = min(end, start + len(source[start:end]) - len(source[start:end].lstrip()))
        spans.append((start, end))
        edges.append((bool(tokens.special[first]), int(tokens.segment[first])))
    return spans, edges


def _total_variation(
    p: Float32[np.ndarray, "query key"], q: Float32[np.ndarray, "query key"]
) -> Float64[np.ndarray, " query"]:
    rows = np.abs(q - p).sum(axis=1, dtype=np.float64) / 2
    return np.where(p.any(axis=1) & q.any(axis=1), rows, np.nan)


def _distances(
    p: Float32[np.ndarray, "query key"], q: Float32[np.ndarray, "query key"]
) -> tuple[Float64[np.ndarray, " query"], Float64[np.ndarray, " query"]]:
    """Return the total variation distance and the Jensen–Shannon divergence (bits) of each row."""
    total_variation = _total_variation(p, q)
    there = np.isfinite(total_variation)
    jensen_shannon = np.full(len(p), np.nan)
    # Rows sum to 1 up to rounding, which the divergence of two all but equal rows would show.
    a, b = (rows[there].astype(np.float64) for rows in (p, q))
    a, b = a / a.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)
    middle = (a + b) / 2
    bits = (rel_entr(a, middle).sum(axis=1) + rel_entr(b, middle).sum(axis=1)) / (2 * np.log(2))
    jensen_shannon[there] = np.clip(bits, 0, 1)
    return total_variation, jensen_shannon

"""What kind of head is this: where each one looks on average, and a name where a stated rule holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32

from interpret.attention.key_kinds import key_kinds
from interpret.core.arrays import read_only
from interpret.core.batches import batches
from interpret.core.clustered_intervals import student
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.intervals import wilson
from interpret.core.trace import Trace, trace_batch

# Shares of attention that go to keys of one kind, in the order in which they are shown.
SHARES = (
    "self",
    "previous",
    "next",
    "first",
    "separator",
    "punctuation",
    "own word",
    "same token",
    "own segment",
    "other segment",
)
STATISTICS = ("entropy", "evenness", "confidence", "distance", *SHARES)


@dataclass(frozen=True, eq=False)
class HeadStatistics(Mapping[str, Float32[np.ndarray, "layer head"]]):
    """Where each head looks, on average over the queries of one or many texts: a mapping from statistic to numbers.

    ======================  ===================================================================================
    ``"entropy"``           of a query's weights, in nats (Clark et al. 2019, sec. 3.3)
    ``"evenness"``          entropy over that of a head that looks everywhere alike, 0 to 1
    ``"confidence"``        a query's largest weight (after Voita et al. 2019, sec. 4, without their exception)
    ``"distance"``          how many tokens away a head looks, weights as shares
    ``"self"`` …            the share of a query's weight that goes to keys of one kind, 0 to 1
    ======================  ===================================================================================

    The kinds of keys are `SHARES`: the query itself, the word token before and behind it, the first token of the text
    ([CLS]), separators ([SEP]), punctuation, the other tokens of its own word, the same token elsewhere in the text
    (unknown ones apart), and in a pair the words of its own and of the other segment. Only queries that have such a
    key count for a kind. A number is NaN where no query has one. Special tokens are queries for the first four
    statistics and for no share but ``"self"``, ``"first"`` and ``"separator"``, since they have no place in the
    sentence.

    Attributes
    ----------
    values_of
        The statistics.
    uniform
        What a head that looks alike at all keys that its layer may look at has, for each statistic and layer: a share
        means something beside it.
    error
        How far each may be off by chance, at 95%: over texts, whose queries hang together, and over the queries of a
        single text. Infinite where there are fewer than two of these.
    queries
        How many queries each statistic is the average over.
    texts
        How many texts were read.
    """

    values_of: Mapping[str, Float32[np.ndarray, "layer head"]]
    uniform: Mapping[str, Float32[np.ndarray, " layer"]]
    error: Mapping[str, Float32[np.ndarray, "layer head"]]
    queries: Mapping[str, int]
    texts: int

    # One result is not another, as for all results; a Mapping would compare its arrays.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, statistic: str) -> Float32[np.ndarray, "layer head"]:
        return self.values_of[statistic]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_of)

    def __len__(self) -> int:
        return len(self.values_of)


class Rule(NamedTuple):
    """When a head gets a name: a statistic is at least so large, and clearly more than uniform (`clearly`), for sure.

    It is the lower end of the 95% interval (`HeadStatistics.error`) that must be.
    """

    pattern: str
    statistic: str
    least: float


# The first that holds gives the name. "More than half of the weight" is the measure by which Clark et al. (2019, sec.
# 3.1) speak of heads for the previous and the next token; here it is used for every kind of key. Diagonals, verticals
# ([CLS], [SEP], punctuation) and blocks (within a segment) are the shapes of Kovaleva et al. (2019, sec. 4.1).
RULES = (
    Rule("previous token", "previous", 0.5),
    Rule("next token", "next", 0.5),
    Rule("same token", "self", 0.5),
    Rule("own word", "own word", 0.5),
    Rule("same token elsewhere", "same token", 0.5),
    Rule("first token", "first", 0.5),
    Rule("separator", "separator", 0.5),
    Rule("punctuation", "punctuation", 0.5),
    Rule("own segment", "own segment", 0.5),
    Rule("other segment", "other segment", 0.5),
    Rule("broad", "evenness", 0.9),
)


def clearly(share: float, uniform: float) -> bool:
    """Tell whether a share is a third of the way or more from what a uniform head has to everything.

    It keeps a text of four tokens, or of two segments, from making every head a head for something.
    """
    return share >= uniform + (1 - uniform) / 3


def pattern_names(statistics: HeadStatistics) -> tuple[tuple[str | None, ...], ...]:
    """Name each head, as ``names[layer][head]``, by the first of `RULES` that holds, or None where none does.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> names = it.attention.pattern_names(it.attention.head_statistics(trace))
    >>> len(names), len(names[0])
    (6, 12)
    >>> sorted({name for layer in names for name in layer if name})
    ['first token', 'previous token']
    """
    layers, heads = statistics["entropy"].shape
    return tuple(tuple(_name(statistics, layer, head) for head in range(heads)) for layer in range(layers))


def _name(statistics: HeadStatistics, layer: int, head: int) -> str | None:
    for pattern, name, least in RULES:
        value = float(statistics[name][layer, head] - statistics.error[name][layer, head])
        # NaN is never enough.
        if value >= least and (name == "evenness" or clearly(value, float(statistics.uniform[name][layer]))):
            return pattern
    return None


def head_statistics(trace: Trace) -> HeadStatistics:
    """Measure where each head looks in one text.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> statistics = it.attention.head_statistics(trace)
    >>> previous = statistics["previous"]  # layer head
    >>> layer, head = divmod(int(previous.argmax()), encoder.heads)
    >>> layer, head, round(float(previous.max()), 1)
    (0, 2, 1.0)
    """
    sums = _Sums(trace.attention.shape[0], trace.attention.shape[1])
    sums.add(trace)
    return sums.result()


def corpus_head_statistics(
    encoder: Encoder, texts: Sequence[tuple[str, str | None]], progress: Callable[[int, int, str], None] | None = None
) -> HeadStatistics:
    """Measure where each head looks in many texts, every query counted alike.

    Parameters
    ----------
    texts
        Each with its pair or None.
    progress
        Called as ``progress(texts done, texts in all, "")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there is no text, or one that the model cannot read.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = [("The bank was steep.", None), ("Who lent money?", "The bank did.")]
    >>> statistics = it.attention.corpus_head_statistics(encoder, texts)
    >>> statistics.texts, statistics["previous"].shape  # layer head
    (2, (6, 12))
    """
    if not texts:
        raise InputError("There are no texts. Choose a file that contains some.")
    sums = _Sums(encoder.layers, encoder.heads)
    done = 0
    if progress is not None:
        # To cut many texts into tokens takes a while already.
        progress(0, len(texts), "")
    for some in batches(encoder, texts):
        for one in trace_batch(encoder, [texts[i] for i in some]):
            sums.add(one)
        done += len(some)
        if progress is not None:
            progress(done, len(texts), "")
    return sums.result()


class _Sums:
    """Sums over queries, text by text: float64, so that many texts lose nothing."""

    def __init__(self, layers: int, heads: int) -> None:
        self.values = {name: np.zeros((layers, heads)) for name in STATISTICS}
        self.uniform = {name: np.zeros(layers) for name in STATISTICS}
        self.queries = dict.fromkeys(STATISTICS, 0)
        # Over texts the sums of squared values, of values times queries, and of squared queries: all that the variance
        # of a ratio takes. And in how many texts there is such a query.
        self.squares = {name: np.zeros((layers, heads)) for name in STATISTICS}
        self.products = {name: np.zeros((layers, heads)) for name in STATISTICS}
        self.squared_queries = dict.fromkeys(STATISTICS, 0)
        self.clusters = dict.fromkeys(STATISTICS, 0)
        self.texts = 0
        self.only: Trace | None = None

    def add(self, trace: Trace) -> None:
        attention = trace.attention
        n = attention.shape[-1]
        self.texts += 1
        self.only = trace if self.texts == 1 else None
        # A float32 weight can be zero; its part of the entropy then is too.
        logarithm = np.log(attention, out=np.zeros_like(attention), where=attention > 0)
        entropy = -np.einsum("lhqk,lhqk->lhq", attention, logarithm, dtype=np.float64)
        allowed = np.ones((1, n, n)) if trace.mask is None else trace.mask.astype(np.float64)
        count = allowed.sum(-1)
        most = np.log(count)
        even = np.divide(entropy, most[:, None], out=np.ones_like(entropy), where=most[:, None] > 0)
        self._count("entropy", entropy.sum(-1), most.sum(-1), n)
        self._count("evenness", even.sum(-1), np.array([float(n)]), n)
        self._count("confidence", attention.max(-1).sum(-1, dtype=np.float64), (1 / count).sum(-1), n)
        position = np.arange(n)
        kinds = key_kinds(trace.tokens)
        # One matrix product for all of them: weights of each head times what each key is worth to each query.
        worth = np.stack([abs(position[:, None] - position), *kinds.values()], dtype=np.float32, casting="same_kind")
        worth = worth.reshape(len(worth), -1)
        found = np.einsum("lhx,sx->slh", attention.reshape(*attention.shape[:2], -1), worth, optimize=True)
        alike = np.einsum("lx,sx->sl", (allowed / count[..., None]).reshape(len(allowed), -1), worth, optimize=True)
        self._count("distance", found[0], alike[0], n)
        for index, (name, keys) in enumerate(kinds.items(), 1):
            self._count(name, found[index], alike[index], int(keys.any(axis=1).sum()))

    def _count(
        self,
        name: str,
        values: Float[np.ndarray, "layer head"],
        uniform: Float[np.ndarray, "#layer"],
        queries: int,
    ) -> None:
        self.values[name] += values
        self.uniform[name] += uniform
        self.queries[name] += queries
        self.squares[name] += np.square(values)
        self.products[name] += values * queries
        self.squared_queries[name] += queries**2
        self.clusters[name] += queries > 0

    def errors(self) -> dict[str, Float[np.ndarray, "layer head"]]:
        if self.only is not None:
            return _over_queries(self.only)
        found = {}
        for name, count in self.queries.items():
            ratio = self.values[name] / max(count, 1)
            spread = self.squares[name] - 2 * ratio * self.products[name] + ratio**2 * self.squared_queries[name]
            found[name] = _half(name, ratio, spread / max(count, 1) ** 2, self.clusters[name])
        return found

    def result(self) -> HeadStatistics:
        # Multiplied, so that what no query could show becomes NaN without a warning.
        share = {name: 1 / count if count else np.nan for name, count in self.queries.items()}
        return HeadStatistics(
            MappingProxyType({name: read_only(total * share[name], np.float32) for name, total in self.values.items()}),
            MappingProxyType(
                {name: read_only(total * share[name], np.float32) for name, total in self.uniform.items()}
            ),
            MappingProxyType({name: read_only(one, np.float32) for name, one in self.errors().items()}),
            MappingProxyType(dict(self.queries)),
            self.texts,
        )


def _over_queries(trace: Trace) -> dict[str, Float[np.ndarray, "layer head"]]:
    """Return how far the statistics of one text may be off, were its queries drawn one by one."""
    attention = trace.attention.astype(np.float64)
    logarithm = np.log(attention, out=np.zeros_like(attention), where=attention > 0)
    entropy = -(attention * logarithm).sum(-1)
    n = attention.shape[-1]
    allowed = np.ones((1, n, n)) if trace.mask is None else trace.mask.astype(np.float64)
    most = np.log(allowed.sum(-1))[:, None]
    position = np.arange(n)
    values = {
        "entropy": entropy,
        "evenness": np.divide(entropy, most, out=np.ones_like(entropy), where=most > 0),
        "confidence": attention.max(-1),
        "distance": (attention * abs(position[:, None] - position)).sum(-1),
    }
    all_queries = np.ones(n, bool)
    found = {name: _alone(name, one, all_queries) for name, one in values.items()}
    for name, keys in key_kinds(trace.tokens).items():
        found[name] = _alone(name, (attention * keys).sum(-1), np.asarray(keys.any(axis=1)))
    return found


def _alone(
    name: str, values: Float[np.ndarray, "layer head query"], counted: Bool[np.ndarray, " query"]
) -> Float[np.ndarray, "layer head"]:
    some = values[..., counted]
    count = some.shape[-1]
    mean = some.mean(-1) if count else np.zeros(values.shape[:2])
    return _half(name, mean, np.square(some - mean[..., None]).sum(-1) / max(count, 1) ** 2, count)


def _half(
    name: str, mean: Float[np.ndarray, "layer head"], spread: Float[np.ndarray, "layer head"], clusters: int
) -> Float[np.ndarray, "layer head"]:
    """Return half of a 95% interval: Student's, and where nothing varies Wilson's, of a share of as many rows."""
    if clusters < 2:
        return np.full(mean.shape, np.inf)
    half = student(clusters) * np.sqrt(np.maximum(spread, 0) * clusters / (clusters - 1))
    if name in SHARES:
        flat = mean - np.vectorize(lambda one: wilson(float(np.clip(one, 0, 1)) * clusters, clusters)[0])(mean)
    else:
        # No share of rows, which Wilson's is for; of as few rows as tell nothing of a share, it tells nothing either.
        flat = np.full(mean.shape, 0.0 if wilson(clusters, clusters)[0] > 0.5 else np.inf)
    return np.where(spread > 1e-14, half, np.maximum(flat, 0))

"""Two models' vectors of the same texts: how alike their layers arrange them, and whose neighbours differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int

from interpret.core.accuracy import text_key
from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.intervals import cluster_bootstrap
from interpret.embeddings.cka import doubly_centred, gram
from interpret.embeddings.corpus import Embeddings
from interpret.embeddings.vectors import check_finite, unit_rows

# A Gram matrix of so many items has 8 MB.
_MOST_ITEMS = 1000
# The jackknife leaves one of so many groups out at a time.
_GROUPS = 10
# A block of cosines has at most this many numbers.
_BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class LayerSimilarity:
    """How alike each layer of one model and each of another arrange the same texts.

    Attributes
    ----------
    layers, other_layers
        As in `Embeddings`.
    cka
        Linear centred kernel alignment, estimated without bias (`interpret.embeddings.cka`): 1 for the same
        arrangement, 0 on average for two that have nothing to do with each other. NaN where a layer has no spread.
    error
        Its standard error over texts: the grouped jackknife, ten groups of texts left out in turn (Shao & Tu 1995,
        section 2.3). NaN where there are fewer than 40 texts.
    items, total
        How many texts were looked at, drawn with the seed, of how many. Texts that read the same count once.
    """

    layers: tuple[int, ...]
    other_layers: tuple[int, ...]
    cka: Float64[np.ndarray, "layer other_layer"]
    error: Float64[np.ndarray, "layer other_layer"]
    items: int
    total: int

    @property
    def interval(self) -> Float64[np.ndarray, "layer other_layer 2"]:
        """The 95% intervals: Student's, of nine degrees of freedom, and never beyond 1."""
        from scipy.stats import t

        half = float(t.ppf(0.975, _GROUPS - 1)) * self.error
        return read_only(np.minimum(np.stack([self.cka - half, self.cka + half], axis=-1), 1.0), np.float64)

    @property
    def most_similar(self) -> Int[np.ndarray, " layer"]:
        """For each layer the index of the other model's layer that is most like it."""
        return read_only(np.nan_to_num(self.cka, nan=-np.inf).argmax(axis=1), np.int64)


@dataclass(frozen=True, eq=False)
class NeighbourOverlap:
    """For each text, how many of its nearest neighbours two models agree on.

    Attributes
    ----------
    items
        The texts that are looked at, as indices: of those that read the same the first. Copies would be each other's
        nearest in any model.
    count
        How many neighbours of each are looked at.
    first, second
        The neighbours by each model's cosines, as indices of texts, the nearest first.
    shared
        How many of a text's neighbours both models have.
    """

    items: Int[np.ndarray, " item"]
    count: int
    first: Int[np.ndarray, "item neighbour"]
    second: Int[np.ndarray, "item neighbour"]
    shared: Int[np.ndarray, " item"]

    @property
    def share(self) -> float:
        """The mean share of neighbours that both have."""
        return float(self.shared.mean() / self.count)

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95% interval over items, by bootstrap. Neighbours are not looked for anew: see `intrinsic_dimension`."""
        return cluster_bootstrap(
            np.stack([self.shared, np.full(len(self.shared), self.count)], axis=1), lambda sums: sums[:, 0] / sums[:, 1]
        )

    @property
    def by_chance(self) -> float:
        """The share that two models would have in common which know nothing of each other."""
        return self.count / (len(self.shared) - 1)


def layer_similarity(
    first: Embeddings, second: Embeddings, seed: int = 0, progress: Progress | None = None
) -> LayerSimilarity:
    """Compare each layer of one model with each of another.

    Parameters
    ----------
    first, second
        Vectors of the same whole texts.
    seed
        Of the texts that are looked at where there are more than 1,000, and of the jackknife's groups.
    progress
        Called as ``progress(rounds done, rounds in all, "layers")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If the texts differ, or there are fewer than 4.

    References
    ----------
    Kornblith et al. (2019), https://arxiv.org/abs/1905.00414; Nguyen et al. (2021), equation 3,
    https://arxiv.org/abs/2010.15327.

    Examples
    --------
    >>> import interpret as it
    >>> texts = ["The court heard the appeal.", "The judge dismissed the case.", "The lawyer read the law."]
    >>> texts += ["The team won the match.", "The striker scored a goal.", "The coach praised the players."]
    >>> minilm, small = (it.embed(it.load_encoder(name), texts) for name in ("minilm", "minilm-l3"))
    >>> similarity = it.embeddings.layer_similarity(minilm, small)
    >>> similarity.cka.shape  # layer other_layer
    (7, 4)
    >>> similarity.most_similar.shape
    (7,)
    """
    _check_same(first, second)
    random = np.random.default_rng(seed)
    different = _different(first.texts)
    chosen = np.sort(random.permutation(different)[:_MOST_ITEMS])
    if len(chosen) < 4:
        raise InputError(
            "The comparison of layers needs at least 4 texts that read differently; found: {count}. Provide more.",
            count=len(chosen),
        )
    one, other = ([_gram(found, layer, chosen) for layer in found.layers] for found in (first, second))
    groups = random.permutation(np.arange(len(chosen)) % _GROUPS) if len(chosen) >= 4 * _GROUPS else None
    rounds = 1 if groups is None else 1 + _GROUPS
    whole = _similarities(one, other)
    left_out = []
    for done in range(1, rounds):
        if progress is not None:
            progress(done, rounds, "layers")
        kept = np.flatnonzero(groups != done - 1)
        left_out.append(_similarities(*([gram[np.ix_(kept, kept)] for gram in some] for some in (one, other))))
    error = np.full_like(whole, np.nan)
    if left_out:
        error = np.sqrt((_GROUPS - 1) / _GROUPS * ((left_out - np.mean(left_out, axis=0)) ** 2).sum(axis=0))
    return LayerSimilarity(
        first.layers,
        second.layers,
        read_only(whole, np.float64),
        read_only(error, np.float64),
        len(chosen),
        len(first),
    )


def neighbour_overlap(
    first: Embeddings, second: Embeddings, layer: int = -1, other_layer: int = -1, count: int = 10
) -> NeighbourOverlap:
    """Find the nearest neighbours of every item by two models' vectors, and which of them are the same.

    Parameters
    ----------
    first, second
        Vectors of the same whole texts.
    layer, other_layer
        Which layer of each: a number as in `Embeddings.layers`, or -1 for the last that was kept.
    count
        How many neighbours; fewer where there are not so many texts.

    Raises
    ------
    InputError
        If the texts differ, or there are fewer than 3.

    Examples
    --------
    >>> import interpret as it
    >>> texts = ["The court heard the appeal.", "The judge dismissed the case.", "The lawyer read the law."]
    >>> texts += ["The team won the match.", "The striker scored a goal.", "The coach praised the players."]
    >>> minilm, small = (it.embed(it.load_encoder(name), texts) for name in ("minilm", "minilm-l3"))
    >>> overlap = it.embeddings.neighbour_overlap(minilm, small, count=2)
    >>> overlap.first.shape  # item neighbour
    (6, 2)
    >>> overlap.share > overlap.by_chance
    True
    """
    _check_same(first, second)
    items = _different(first.texts)
    if len(items) < 3:
        raise InputError(
            "Neighbours are compared among at least 3 texts that read differently; found: {count}.", count=len(items)
        )
    count = min(count, len(items) - 2)
    one, other = (
        _neighbours(found.at(found.layers[-1] if wanted == -1 else wanted)[items], count)
        for found, wanted in ((first, layer), (second, other_layer))
    )
    shared = (one[:, :, None] == other[:, None, :]).any(axis=2).sum(axis=1)
    return NeighbourOverlap(
        read_only(items), count, read_only(items[one]), read_only(items[other]), read_only(shared, np.int64)
    )


def _different(texts: Sequence[str]) -> Int[np.ndarray, " item"]:
    """Return the indices of texts, without those that read the same as an earlier one."""
    first: dict[str, int] = {}
    for index, text in enumerate(texts):
        first.setdefault(text_key(text), index)
    return np.array(list(first.values()), np.int64)


def _check_same(first: Embeddings, second: Embeddings) -> None:
    if first.level != "texts" or second.level != "texts" or first.texts != second.texts:
        raise InputError(
            "The two sets of vectors are not of the same whole texts. Embed one list of texts with both models."
        )


def _gram(embeddings: Embeddings, layer: int, chosen: np.ndarray) -> Float64[np.ndarray, "item other"]:
    vectors = np.asarray(embeddings.at(layer)[chosen], np.float32)
    check_finite(vectors)
    return gram(vectors)


def _similarities(
    one: list[Float64[np.ndarray, "item other"]], other: list[Float64[np.ndarray, "item other"]]
) -> Float64[np.ndarray, "layer other_layer"]:
    first, second = (np.stack([doubly_centred(gram).ravel() for gram in grams]) for grams in (one, other))
    # A product of matrices is all their products at once.
    lengths = np.sqrt((first**2).sum(axis=1))[:, None] * np.sqrt((second**2).sum(axis=1))
    return np.divide(first @ second.T, lengths, out=np.full(lengths.shape, np.nan), where=lengths > 0)


def _neighbours(vectors: np.ndarray, count: int) -> Int[np.ndarray, "item neighbour"]:
    unit: Float32[np.ndarray, "item width"] = unit_rows(np.asarray(vectors, np.float32))
    found = np.empty((len(unit), count), np.int64)
    step = max(1, _BLOCK // len(unit))
    for begin in range(0, len(unit), step):
        some = np.arange(begin, min(begin + step, len(unit)))
        cosines = unit[some] @ unit.T
        cosines[np.arange(len(some)), some] = -np.inf
        found[some] = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return found

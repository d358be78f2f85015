"""The shape of each layer's space: how narrow its cone is, how much context changes a word, how alike layers are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.intervals import cluster_bootstrap
from interpret.core.scripts import fold
from interpret.embeddings.cka import alignment, doubly_centred, gram
from interpret.embeddings.corpus import Embeddings
from interpret.embeddings.vectors import check_finite, unit_rows

_MOST_ITEMS = 50_000
_MOST_FOR_GRAM = 1500
_MOST_FOR_DIMENSION = 4000
# Ethayarajh (2019), section 3.3, leaves words in fewer contexts out.
LEAST_CONTEXTS = 5


@dataclass(frozen=True, eq=False)
class Geometry:
    """Measures of each layer's space, each beside what random vectors of that layer give.

    Attributes
    ----------
    layers
        As in `Embeddings`.
    anisotropy, anisotropy_error
        The mean cosine of all pairs of items of different texts (of all items where there is one text): 0 where
        directions are even, 1 where all vectors point the same way (Ethayarajh 2019, section 3.4). Its standard error
        is that of drawing these texts, by the first term of the variance of a U-statistic (Hoeffding 1948).
    self_similarity
        The mean cosine between a word's occurrences, over words (section 3.2, definition 1). Its random baseline is
        ``anisotropy``. None, like the next two, where the items are whole texts or no word is frequent enough.
    explained
        The share of a word's occurrence matrix, uncentred, that its first singular vector explains (definition 3):
        the most that any static embedding of the word could keep.
    explained_baseline
        The same of as many random items.
    intra_similarity
        The mean cosine between a text's words and their mean (definition 2).
    intra_baseline
        The same of as many random items of other texts. The paper takes ``anisotropy``, but the mean holds the word
        itself: of ``n`` unrelated words each has a cosine of about 1/√n with it. Both are None where the items are
        whole texts, or no text has two.
    dimension, dimension_interval
        The intrinsic dimension by the ratio of the distances to the two nearest neighbours (Facco et al. 2017), and
        its 95% interval by text (`intrinsic_dimension`); NaN where there are too few different points, or texts.
    similarity
        Linear centred kernel alignment between layers (`cka`); NaN where there are fewer than 4 items.
    words, word_texts, word_similarity
        The words counted, in how many texts each is, and its self-similarity at each layer.
    items, total
        How many items were looked at, drawn text by text with the seed, of how many.
    """

    layers: tuple[int, ...]
    anisotropy: Float64[np.ndarray, " layer"]
    anisotropy_error: Float64[np.ndarray, " layer"]
    self_similarity: Float64[np.ndarray, " layer"] | None
    explained: Float64[np.ndarray, " layer"] | None
    explained_baseline: Float64[np.ndarray, " layer"] | None
    intra_similarity: Float64[np.ndarray, " layer"] | None
    intra_baseline: Float64[np.ndarray, " layer"] | None
    dimension: Float64[np.ndarray, " layer"]
    dimension_interval: Float64[np.ndarray, "layer 2"]
    similarity: Float64[np.ndarray, "layer layer"]
    words: tuple[str, ...]
    word_texts: Int[np.ndarray, " word"]
    word_similarity: Float32[np.ndarray, "layer word"]
    items: int
    total: int


def measure_geometry(embeddings: Embeddings, seed: int = 0, progress: Progress | None = None) -> Geometry:
    """Measure the space of each layer.

    Parameters
    ----------
    seed
        Of the random baselines and, where there are more than 50,000 items, of the texts looked at.
    progress
        Called as ``progress(layers done, layers in all, "geometry")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there are fewer than 2 items, or vectors with numbers that are none.

    References
    ----------
    Ethayarajh (2019), "How Contextual are Contextualized Word Representations?"; Kornblith et al. (2019), section 3;
    Facco et al. (2017), "Estimating the intrinsic dimension of datasets by a minimal neighborhood information".

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["The court heard the appeal.", "The judge dismissed the case.", "The lawyer read the law."]
    >>> texts += ["The team won the match.", "The striker scored a goal.", "The coach praised the players."]
    >>> embeddings = it.embed(encoder, texts)
    >>> geometry = it.embeddings.measure_geometry(embeddings)
    >>> geometry.layers, geometry.anisotropy.shape
    ((0, 1, 2, 3, 4, 5, 6), (7,))
    >>> bool(geometry.anisotropy[0] > geometry.anisotropy[6])  # the vectors of layer 6 point less one way
    True
    """
    random = np.random.default_rng(seed)
    chosen = _sample(embeddings.text, random)
    if len(chosen) < 2:
        raise InputError("Geometry compares vectors: it needs at least 2 items; found: {count}.", count=len(chosen))
    drawn = _draw(embeddings, chosen, random)
    rows, word_rows, grams = [], [], []
    for done, layer in enumerate(embeddings.layers):
        if progress is not None:
            progress(done, len(embeddings.layers), "geometry")
        vectors = np.asarray(embeddings.at(layer)[chosen], np.float32)
        check_finite(vectors)
        row, words = _measure_layer(vectors, drawn)
        rows.append(row)
        word_rows.append(words)
        grams.append(doubly_centred(gram(vectors[drawn.for_gram])))
    columns = read_only(rows, np.float64).T
    # Where one layer has no number, as where no word is frequent, none has.
    per_word = [None if np.isnan(column).any() else read_only(column) for column in columns[2:7]]
    return Geometry(
        layers=embeddings.layers,
        anisotropy=read_only(columns[0]),
        anisotropy_error=read_only(columns[1]),
        self_similarity=per_word[0],
        explained=per_word[1],
        explained_baseline=per_word[2],
        intra_similarity=per_word[3],
        intra_baseline=per_word[4],
        dimension=read_only(columns[7]),
        dimension_interval=read_only(columns[8:10].T),
        similarity=read_only([[alignment(one, other) for other in grams] for one in grams], np.float64),
        words=tuple(drawn.words),
        word_texts=read_only([len(np.unique(drawn.text[indices])) for indices in drawn.words.values()], np.int64),
        word_similarity=read_only(word_rows, np.float32),
        items=len(chosen),
        total=len(embeddings),
    )


class _Drawn(NamedTuple):
    """Which of the items each measure looks at, the same at every layer, as places among those looked at."""

    # Of each item.
    text: np.ndarray
    # Each frequent word's items, and each text's, with as many random ones.
    words: dict[str, np.ndarray]
    texts: list[np.ndarray]
    random_words: list[np.ndarray]
    random_texts: list[np.ndarray]
    for_gram: np.ndarray
    for_dimension: np.ndarray


def _draw(embeddings: Embeddings, chosen: np.ndarray, random: np.random.Generator) -> _Drawn:
    text, count = embeddings.text[chosen], len(chosen)
    words = _frequent_words(embeddings, chosen) if embeddings.level != "texts" else {}
    texts = list(_texts_of(text)) if embeddings.level != "texts" else []
    return _Drawn(
        text,
        words,
        texts,
        [random.choice(count, len(indices), replace=False) for indices in words.values()],
        [random.choice(count, len(indices), replace=False) for indices in texts],
        np.sort(random.choice(count, min(_MOST_FOR_GRAM, count), replace=False)),
        np.sort(random.choice(count, min(_MOST_FOR_DIMENSION, count), replace=False)),
    )


def _measure_layer(vectors: np.ndarray, drawn: _Drawn) -> tuple[list[float], list[float]]:
    """Return a layer's measures in the order of `Geometry`, NaN for what it lacks, and each word's self-similarity."""
    unit = unit_rows(vectors)
    filled, ends = intrinsic_dimension(vectors[drawn.for_dimension], drawn.text[drawn.for_dimension])
    words = [_mean_cosine(unit[indices]) for indices in drawn.words.values()]
    row = [
        *mean_cosine_between(unit, drawn.text),
        float(np.mean(words)) if words else np.nan,
        _mean(_first_share(vectors[indices]) for indices in drawn.words.values()),
        _mean(_first_share(vectors[indices]) for indices in drawn.random_words),
        _mean(_to_mean(vectors[indices]) for indices in drawn.texts),
        _mean(_to_mean(vectors[indices]) for indices in drawn.random_texts),
        filled,
        *ends,
    ]
    return row, words


def _sample(text: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return all items, or those of whole texts in random order as far as they fit; of a single long text, some."""
    if len(text) <= _MOST_ITEMS:
        return np.arange(len(text))
    counts = np.bincount(text)
    kept, room = [], _MOST_ITEMS
    for one in random.permutation(len(counts)):
        if counts[one] <= room:
            kept.append(one)
            room -= counts[one]
    if room > _MOST_ITEMS // 2:
        return np.sort(random.choice(len(text), _MOST_ITEMS, replace=False))
    return np.flatnonzero(np.isin(text, kept))


def mean_cosine_between(unit: np.ndarray, text: np.ndarray) -> tuple[float, float]:
    """Average the cosines of all pairs of unit vectors of different texts; returns the mean and its standard error.

    The squared length of the sum of all vectors holds every pair twice; those within a text are taken out again.
    """
    _names, owner = np.unique(text, return_inverse=True)
    if owner.max() == 0:
        owner = np.arange(len(unit))
    sizes = np.bincount(owner).astype(np.float64)
    sums = np.zeros((len(sizes), unit.shape[1]))
    np.add.at(sums, owner, unit)
    whole = sums.sum(axis=0)
    # Each text's own mean cosine with what is not in it.
    across = sums @ whole - (sums**2).sum(axis=1)
    pairs = sizes * (len(unit) - sizes)
    mean = across.sum() / pairs.sum()
    error = 2 * np.std(across / pairs) / np.sqrt(len(sizes))
    return float(mean), float(error)


def _frequent_words(embeddings: Embeddings, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Return where each word stands that is in enough texts, the most frequent 500 of them."""
    indices: dict[str, list[int]] = {}
    for index, item in enumerate(chosen):
        indices.setdefault(fold(embeddings.item(int(item))), []).append(index)
    text = embeddings.text[chosen]
    found = {word: np.array(one) for word, one in indices.items() if len(one) >= LEAST_CONTEXTS}
    found = {
        word: one
        for word, one in found.items()
        if any(c.isalnum() for c in word) and len(np.unique(text[one])) >= LEAST_CONTEXTS
    }
    return dict(sorted(found.items(), key=lambda pair: -len(pair[1]))[:500])


def _texts_of(text: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the items of each text that has two at least."""
    order = np.argsort(text, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(text[order])) + 1):
        if len(part) > 1:
            yield part


def _mean(numbers: Iterator[float]) -> float:
    found = list(numbers)
    return float(np.mean(found)) if found else float("nan")


def _mean_cosine(unit: np.ndarray) -> float:
    """Average the cosines of all pairs: the sum's squared length holds each pair twice, and each one itself."""
    count = len(unit)
    total = unit.sum(axis=0, dtype=np.float64)
    return float((total @ total - (unit.astype(np.float64) ** 2).sum()) / (count * (count - 1)))


def _first_share(vectors: np.ndarray) -> float:
    values = np.linalg.svd(vectors.astype(np.float64), compute_uv=False) ** 2
    return float(values[0] / max(values.sum(), 1e-30))


def _to_mean(vectors: np.ndarray) -> float:
    centre = unit_rows(vectors.mean(axis=0, keepdims=True))[0]
    return float((unit_rows(vectors) @ centre).mean())


def intrinsic_dimension(
    vectors: np.ndarray, texts: np.ndarray | None = None, seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """Estimate how many dimensions points fill near each of them, with its 95% interval.

    ``d = (n − 1) / Σ ln(r₂ / r₁)``, with ``r₁`` and ``r₂`` the distances to the nearest neighbour and to the next: the
    unbiased form of the maximum-likelihood estimate under equation 3 of Facco et al. (2017). Points that are there
    twice, up to the rounding of another batch, count once. NaN for fewer than 10 different points.

    The paper's error, ``d / √n``, takes points for independent; words of one text are not. The interval is a bootstrap
    over texts of the points' own ``ln(r₂ / r₁)``. It does not look for neighbours anew: among points drawn twice the
    nearest would be the point itself, at distance 0.

    Parameters
    ----------
    texts
        Which text each point is of; by default each is its own. Of a single text the interval is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> plane = np.random.default_rng(0).uniform(size=(500, 2))
    >>> vectors = plane @ np.random.default_rng(1).normal(size=(2, 10))  # a plane in ten dimensions
    >>> dimension, (lower, upper) = it.embeddings.intrinsic_dimension(vectors)
    >>> round(dimension), lower < 2 < upper
    (2, True)
    """
    from sklearn.neighbors import NearestNeighbors

    nothing = float("nan"), (float("nan"), float("nan"))
    points = np.asarray(vectors, np.float32).astype(np.float64)
    kept = _different(points)
    if len(kept) < 10:
        return nothing
    different = points[kept] - points[kept].mean(axis=0)
    distances, _indices = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(different).kneighbors(different)
    nearest, next_one = distances[:, 1], distances[:, 2]
    apart = nearest > 0
    logs = np.log(next_one[apart] / nearest[apart])
    if not logs.sum() > 0:
        return nothing
    owner = np.arange(len(points)) if texts is None else np.asarray(texts)
    _names, owner = np.unique(owner[kept][apart], return_inverse=True)
    parts = np.stack([np.bincount(owner, logs), np.bincount(owner)], axis=1)
    dimension = float((len(logs) - 1) / logs.sum())
    if len(parts) < 2:
        return dimension, nothing[1]
    return dimension, cluster_bootstrap(parts, lambda sums: (sums[:, 1] - 1) / sums[:, 0], seed)


def _different(points: np.ndarray) -> np.ndarray:
    """Return the indices of points, without those that lie where an earlier one does, up to rounding in float32."""
    from sklearn.neighbors import NearestNeighbors

    points, indices = np.unique(points, axis=0, return_index=True)
    near = 3e-6 * float(np.sqrt((points**2).sum(axis=1).mean()))
    # Far from zero the distances of near points would lose their digits.
    points -= points.mean(axis=0)
    # scikit-learn's brute distances of near points come of differences of squares: of a tree they are exact.
    graph = NearestNeighbors(radius=near, algorithm="ball_tree").fit(points).radius_neighbors_graph(points).tocoo()
    later = graph.row > graph.col
    return np.delete(indices, np.unique(graph.row[later]))

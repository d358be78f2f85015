"""The shape of each layer's space: how narrow its cone is, how much context changes a word, how alike layers are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int

from interpret.arrays import read_only
from interpret.embeddings.corpus import Embeddings
from interpret.embeddings.projection import check_finite, unit_rows
from interpret.errors import InputError

Progress = Callable[[int, int, str], None]

_PAIRS = 20_000
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
        The mean cosine of random pairs of items, from different texts where there are several, and its standard
        error: 0 where directions are even, 1 where all vectors point the same way (Ethayarajh 2019, section 3.4).
    self_similarity
        The mean cosine between a word's occurrences, over words (section 3.2, definition 1). Its random baseline is
        ``anisotropy``. None, like the next three, where the items are whole texts or no word is frequent enough.
    explained
        The share of a word's occurrence matrix, uncentred, that its first singular vector explains (definition 3):
        the most that any static embedding of the word could keep.
    explained_baseline
        The same of as many random items.
    intra_similarity
        The mean cosine between a text's words and their mean (definition 2). Its baseline is ``anisotropy``, too.
        None where the items are whole texts.
    dimension, dimension_error
        The intrinsic dimension by the ratio of the distances to the two nearest neighbours, and its standard error
        (Facco et al. 2017); NaN where there are too few different points.
    similarity
        Linear centred kernel alignment between layers (`cka`); NaN where there are fewer than 4 items.
    words, word_texts, word_similarity
        The words counted, in how many texts each is, and its self-similarity at each layer.
    items, total
        How many items were looked at, drawn text by text with the seed, of how many.
    """

    layers: tuple[int, ...]
    anisotropy: Float64[np.ndarray, "layer"]
    anisotropy_error: Float64[np.ndarray, "layer"]
    self_similarity: Float64[np.ndarray, "layer"] | None
    explained: Float64[np.ndarray, "layer"] | None
    explained_baseline: Float64[np.ndarray, "layer"] | None
    intra_similarity: Float64[np.ndarray, "layer"] | None
    dimension: Float64[np.ndarray, "layer"]
    dimension_error: Float64[np.ndarray, "layer"]
    similarity: Float64[np.ndarray, "layer layer"]
    words: tuple[str, ...]
    word_texts: Int[np.ndarray, "word"]
    word_similarity: Float32[np.ndarray, "layer word"]
    items: int
    total: int


def measure_geometry(embeddings: Embeddings, seed: int = 0, progress: Progress | None = None) -> Geometry:
    """Measure the space of each layer.

    Parameters
    ----------
    seed
        Of the pairs, of the random baselines and, where there are more than 50,000 items, of the texts looked at.
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
    """
    random = np.random.default_rng(seed)
    chosen = _sample(embeddings.text, random)
    if len(chosen) < 2:
        raise InputError(
            "Geometry is between vectors: it needs 2 items at least, and there is {count}.", count=len(chosen)
        )
    text = embeddings.text[chosen]
    left, right = _pairs(text, random)
    groups = _frequent_words(embeddings, chosen) if embeddings.level != "texts" else {}
    draws = {word: random.choice(len(chosen), len(places), replace=False) for word, places in groups.items()}
    texts = list(_texts_of(text)) if embeddings.level != "texts" else []
    for_gram = np.sort(random.choice(len(chosen), min(_MOST_FOR_GRAM, len(chosen)), replace=False))
    for_dimension = np.sort(random.choice(len(chosen), min(_MOST_FOR_DIMENSION, len(chosen)), replace=False))
    rows: list[list[float]] = []
    word_rows = []
    grams = []
    for done, layer in enumerate(embeddings.layers):
        if progress is not None:
            progress(done, len(embeddings.layers), "geometry")
        vectors = np.asarray(embeddings.at(layer)[chosen], np.float32)
        check_finite(vectors)
        unit = unit_rows(vectors)
        cosines = np.einsum("pw,pw->p", unit[left], unit[right], dtype=np.float64)
        words = [_mean_cosine(unit[places]) for places in groups.values()]
        word_rows.append(words)
        rows.append(
            [
                float(cosines.mean()),
                float(cosines.std() / np.sqrt(len(cosines))),
                float(np.mean(words)) if words else np.nan,
                _mean(_first_share(vectors[places]) for places in groups.values()),
                _mean(_first_share(vectors[places]) for places in draws.values()),
                _mean(_to_mean(vectors[places]) for places in texts),
                *intrinsic_dimension(vectors[for_dimension]),
            ]
        )
        grams.append(_gram(vectors[for_gram]))
    columns = read_only(rows, np.float64).T
    # Where one layer has no number, as where no word is frequent, none has.
    per_word = [None if np.isnan(column).any() else read_only(column) for column in columns[2:6]]
    return Geometry(
        layers=embeddings.layers,
        anisotropy=read_only(columns[0]),
        anisotropy_error=read_only(columns[1]),
        self_similarity=per_word[0],
        explained=per_word[1],
        explained_baseline=per_word[2],
        intra_similarity=per_word[3],
        dimension=read_only(columns[6]),
        dimension_error=read_only(columns[7]),
        similarity=read_only([[_alignment(one, other, True) for other in grams] for one in grams], np.float64),
        words=tuple(groups),
        word_texts=read_only([len(np.unique(text[places])) for places in groups.values()], np.int64),
        word_similarity=read_only(word_rows, np.float32),
        items=len(chosen),
        total=len(embeddings),
    )


def _sample(text: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return all items, or those of whole texts in random order until there are enough."""
    if len(text) <= _MOST_ITEMS:
        return np.arange(len(text))
    order = random.permutation(int(text.max()) + 1)
    counts = np.bincount(text)[order]
    kept = order[np.cumsum(counts) <= _MOST_ITEMS]
    return np.flatnonzero(np.isin(text, kept))


def _pairs(text: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs of items of different texts, or of different items where all are of one text."""
    left, right = random.integers(len(text), size=(2, _PAIRS))
    apart = text[left] != text[right]
    if not apart.any():
        apart = left != right
    return left[apart], right[apart]


def _frequent_words(embeddings: Embeddings, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Return where each word stands that is in enough texts, the most frequent 500 of them."""
    places: dict[str, list[int]] = {}
    for index, item in enumerate(chosen):
        places.setdefault(embeddings.item(int(item)).casefold(), []).append(index)
    text = embeddings.text[chosen]
    found = {word: np.array(one) for word, one in places.items() if len(one) >= LEAST_CONTEXTS}
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


def intrinsic_dimension(vectors: np.ndarray) -> tuple[float, float]:
    """Estimate how many dimensions points fill near each of them, with its standard error.

    ``d = (n − 1) / Σ ln(r₂ / r₁)``, with ``r₁`` and ``r₂`` the distances to the nearest neighbour and to the next: the
    unbiased form of the maximum-likelihood estimate under equation 3 of Facco et al. (2017). Points that are there
    twice count once. NaN for fewer than 10 different points.
    """
    from sklearn.neighbors import NearestNeighbors

    different = np.unique(np.asarray(vectors, np.float32), axis=0).astype(np.float64)
    if len(different) < 10:
        return float("nan"), float("nan")
    # Far from zero the distances of near points would lose their digits.
    different -= different.mean(axis=0)
    distances, _places = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(different).kneighbors(different)
    nearest, next_one = distances[:, 1], distances[:, 2]
    apart = nearest > 0
    logs = np.log(next_one[apart] / nearest[apart])
    if not logs.sum() > 0:
        return float("nan"), float("nan")
    dimension = (len(logs) - 1) / logs.sum()
    return float(dimension), float(dimension / np.sqrt(len(logs)))


def cka(one: np.ndarray, other: np.ndarray, debiased: bool = True) -> float:
    """Compare two sets of vectors of the same items: linear centred kernel alignment.

    ``HSIC(K, L) / √(HSIC(K, K) · HSIC(L, L))`` with ``K = X·Xᵀ`` and ``L = Y·Yᵀ`` (Kornblith et al. 2019, section 3):
    1 for the same configuration of points, whatever its rotation, reflection or scale.

    Parameters
    ----------
    one, other
        ``(item, width)``; the widths may differ.
    debiased
        Whether HSIC is estimated without bias (Song et al. 2012, equation 5; Nguyen et al. 2021, equation 3). The
        plain estimate comes near 1 for any two sets where there are fewer items than dimensions.

    Raises
    ------
    InputError
        If the sets differ in length, or there are fewer than 4 items.
    """
    if len(one) != len(other) or len(one) < 4:
        raise InputError(
            "Two sets of vectors of the same items are compared, 4 at least. There are {one} and {other}.",
            one=len(one),
            other=len(other),
        )
    return _alignment(_gram(one), _gram(other), debiased)


def _gram(vectors: np.ndarray) -> np.ndarray:
    """Return the inner products of centred vectors, in float64 and at a scale that squares do not overflow."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    centred /= max(float(np.abs(centred).max()), 1e-30)
    return centred @ centred.T


def _alignment(one: np.ndarray, other: np.ndarray, debiased: bool) -> float:
    hsic = _unbiased if debiased else _plain
    if len(one) < 4:
        return float("nan")
    scale = hsic(one, one) * hsic(other, other)
    return float(hsic(one, other) / np.sqrt(scale)) if scale > 0 else float("nan")


def _plain(one: np.ndarray, other: np.ndarray) -> float:
    # The Gram matrices are of centred vectors, and so centred themselves.
    return float((one * other).sum())


def _unbiased(one: np.ndarray, other: np.ndarray) -> float:
    n = len(one)
    off = ~np.eye(n, dtype=bool)
    one, other = one * off, other * off
    rows, columns = one.sum(axis=1), other.sum(axis=1)
    trace = (one * other).sum()
    corrected = trace + rows.sum() * columns.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (rows @ columns)
    return float(corrected / (n * (n - 3)))

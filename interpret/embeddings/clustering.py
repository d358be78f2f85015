"""Groups of vectors, how much they are more than chance, and the words that mark each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.core.arrays import read_only
from interpret.core.clustered_intervals import drawn_interval, ratio_interval
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.embeddings.projection import principal_components
from interpret.embeddings.vectors import check_finite, unit_rows

CLUSTERINGS = ("kmeans", "hdbscan")
MOST_POINTS = 20_000
# Densities are hardly to be told apart in hundreds of dimensions.
_DENSE_DIMENSIONS = 15
_SURE = 3
# Enough for the largest score of 95 of 100 to be known to some tenths.
_SHUFFLES = 200
_UNKNOWN = (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which group each vector is in.

    Attributes
    ----------
    cluster
        The group of each point, the largest first, and -1 for points in none.
    count
        How many groups there are.
    silhouette
        How much nearer points are to their own group than to the next one: 1 for groups far apart, 0 for none to
        speak of (Rousseeuw 1987); mean over up to 2,000 points. NaN where there is one group or none.
    stability
        The adjusted Rand index between this and two runs from other seeds, averaged: 1 where the groups come out the
        same. None for HDBSCAN, which draws nothing at random.
    silhouette_interval, stability_interval
        Their 95% intervals over texts, whose points hang together. Groups and distances stay as they are: how other
        texts would have been grouped is not in them. k-means cuts a cloud without groups too, and its silhouette is
        then above 0, surely: the interval says how well the number is known, not that there are groups.
    silhouette_points, silhouette_texts
        Over how many points of how many texts the silhouette is the mean.
    """

    cluster: Int[np.ndarray, " point"]
    count: int
    silhouette: float
    stability: float | None
    silhouette_interval: tuple[float, float] = _UNKNOWN
    stability_interval: tuple[float, float] = _UNKNOWN
    silhouette_points: int = 0
    silhouette_texts: int = 0


def cluster(
    vectors: np.ndarray,
    method: str = "kmeans",
    count: int = 8,
    seed: int = 0,
    *,
    metric: str = "cosine",
    least: int = 10,
    texts: Int[np.ndarray, " point"] | None = None,
    progress: Progress | None = None,
) -> Clusters:
    """Group vectors.

    Parameters
    ----------
    vectors
        ``(point, width)``. k-means works on all of the width, HDBSCAN on the first 15 principal components.
    count
        k-means: how many groups.
    least
        HDBSCAN: how many points a group has at least.
    texts
        Which text each point is of, for the intervals. By default each is its own.
    progress
        Called as ``progress(runs done, runs in all, "cluster")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there are fewer different points than groups, or more than 20,000 points.

    References
    ----------
    Lloyd (1982) with the start of Arthur & Vassilvitskii (2007); Campello et al. (2013).

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> centres = np.repeat([[1.0, 0.0], [0.0, 1.0]], [20, 10], axis=0)
    >>> vectors = centres + np.random.default_rng(0).normal(size=(30, 2), scale=0.02)
    >>> clusters = it.embeddings.cluster(vectors, count=2)
    >>> clusters.cluster.tolist()  # the largest is 0
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    >>> round(clusters.silhouette, 1), round(clusters.stability, 1)
    (1.0, 1.0)
    """
    from sklearn.cluster import HDBSCAN

    if method not in CLUSTERINGS:
        raise InputError("“{value}” is not one of: {known}.", value=method, known=", ".join(CLUSTERINGS))
    check_finite(vectors)
    points = unit_rows(vectors) if metric == "cosine" else np.asarray(vectors, np.float32)
    fewest = count if method == "kmeans" else least
    different = len(np.unique(points, axis=0))
    if not 2 <= fewest <= different or len(points) > MOST_POINTS:
        raise InputError(
            "A number of clusters or a minimum cluster size of {count} is not possible here. Points: {points}; "
            "different ones: {different}. Choose from 2 to {different}, and at most {most} points.",
            count=fewest,
            points=len(points),
            different=different,
            most=MOST_POINTS,
        )
    _texts, owner = np.unique(np.arange(len(points)) if texts is None else texts, return_inverse=True)
    stability, stability_interval = None, _UNKNOWN
    if method == "kmeans":
        found, stability, stability_interval = _kmeans(points, count, owner, seed, progress)
    else:
        reduced = principal_components(points, _DENSE_DIMENSIONS)[0]
        found = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(reduced)
    sizes = Counter(int(one) for one in found if one >= 0)
    order = {old: new for new, (old, _size) in enumerate(sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])))}
    named = np.array([order.get(int(one), -1) for one in found])
    silhouette, interval, of = _silhouette(points, named, owner, seed)
    return Clusters(read_only(named, np.int64), len(order), silhouette, stability, interval, stability_interval, *of)


def _kmeans(
    points: np.ndarray, count: int, owner: np.ndarray, seed: int, progress: Progress | None
) -> tuple[np.ndarray, float, tuple[float, float]]:
    """Return the group of each point, how much two runs from other seeds agree with it, and the interval of that."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    runs = []
    for i in range(3):
        if progress is not None:
            progress(i, 3, "cluster")
        runs.append(KMeans(count, n_init=3, random_state=seed + i).fit_predict(points))
    found = runs[0]
    stability = float(np.mean([adjusted_rand_score(found, other) for other in runs[1:]]))
    drawn = np.mean([_drawn_rand(found, other, owner, seed) for other in runs[1:]], axis=0)
    return found, stability, _ends(stability, drawn, owner)


def _silhouette(
    points: np.ndarray, named: np.ndarray, owner: np.ndarray, seed: int
) -> tuple[float, tuple[float, float], tuple[int, int]]:
    """Return the mean silhouette with its interval, and over how many points of how many texts it is the mean."""
    from sklearn.metrics import silhouette_samples

    inside, groups = named >= 0, int(named.max()) + 1
    if groups < 2 or inside.sum() <= groups:
        return float("nan"), _UNKNOWN, (0, 0)
    some = _of_every_group(np.flatnonzero(inside), named, seed)
    each = silhouette_samples(points[some], named[some])
    _texts, text = np.unique(owner[some], return_inverse=True)
    ends = ratio_interval(np.bincount(text, each), np.bincount(text).astype(float)).clip(-1, 1)
    return float(each.mean()), (float(ends[0]), float(ends[1])), (len(some), int(text.max()) + 1)


def _of_every_group(indices: np.ndarray, named: np.ndarray, seed: int) -> np.ndarray:
    """Draw points, two of each group at least: a group that is missed would count for nothing."""
    order = np.random.default_rng(seed).permutation(indices)
    rank = np.zeros(len(order), int)
    for group in np.unique(named[order]):
        members = named[order] == group
        rank[members] = np.arange(members.sum())
    first = np.argsort(rank >= 2, kind="stable")
    return order[first[: max(2000, int((rank < 2).sum()))]]


def cluster_agreement(
    clusters: Clusters, labels: Sequence[str], texts: Int[np.ndarray, " point"] | None = None, seed: int = 0
) -> tuple[float, float]:
    """Compare groups with labels: the adjusted Rand index, 1 for the same (Hubert & Arabie 1985).

    Points in no group are one more group.

    Parameters
    ----------
    texts
        Which text each point is of: its points have one label, and are shuffled together. By default each is its own.

    Returns
    -------
    The index, and what 95 of 100 shuffles of the labels among the texts stay below: only what is above it says
    something.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> centres = np.repeat([[1.0, 0.0], [0.0, 1.0]], [20, 10], axis=0)
    >>> vectors = centres + np.random.default_rng(0).normal(size=(30, 2), scale=0.02)
    >>> clusters = it.embeddings.cluster(vectors, count=2)
    >>> index, chance = it.embeddings.cluster_agreement(clusters, ["law"] * 20 + ["sport"] * 10)
    >>> round(index, 2), chance < 0.3
    (1.0, True)
    """
    _names, numbers = np.unique(list(labels), return_inverse=True)
    _texts, first, owner = np.unique(
        np.arange(len(numbers)) if texts is None else texts, return_index=True, return_inverse=True
    )
    random = np.random.default_rng(seed)
    of_text = numbers[first]
    groups = clusters.cluster + 1
    shuffled = [_adjusted_rand(random.permutation(of_text)[owner], groups) for _ in range(_SHUFFLES)]
    return _adjusted_rand(numbers, groups), float(np.quantile(shuffled, 0.95))


def cluster_agreement_interval(
    clusters: Clusters, labels: Sequence[str], texts: Int[np.ndarray, " point"] | None = None, seed: int = 0
) -> tuple[float, float]:
    """Return the 95% interval of `cluster_agreement` over texts, by bootstrap; the groups stay as they are.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> centres = np.repeat([[1.0, 0.0], [0.0, 1.0]], [20, 10], axis=0)
    >>> vectors = centres + np.random.default_rng(0).normal(size=(30, 2), scale=0.02)
    >>> clusters = it.embeddings.cluster(vectors, count=2)
    >>> lower, upper = it.embeddings.cluster_agreement_interval(clusters, ["law"] * 18 + ["sport"] * 12)
    >>> 0.3 < lower < it.embeddings.cluster_agreement(clusters, ["law"] * 18 + ["sport"] * 12)[0] < upper <= 1
    True
    """
    _names, numbers = np.unique(list(labels), return_inverse=True)
    _texts, owner = np.unique(np.arange(len(numbers)) if texts is None else texts, return_inverse=True)
    groups = clusters.cluster + 1
    return _ends(_adjusted_rand(numbers, groups), _drawn_rand(numbers, groups, owner, seed), owner)


def _drawn_rand(one: np.ndarray, other: np.ndarray, owner: np.ndarray, seed: int) -> np.ndarray:
    """Return the adjusted Rand index over texts drawn with replacement.

    A point that is drawn twice makes no pair with itself, or every draw would agree more than what it is drawn from.
    """
    random, count = np.random.default_rng(seed), int(owner.max()) + 1
    groupings = one * (int(other.max()) + 1) + other, one, other
    found = []
    for _draw in range(_SHUFFLES):
        times = np.bincount(random.integers(count, size=count), minlength=count)[owner].astype(float)
        pairs = [(np.bincount(names, times) ** 2 - np.bincount(names, times**2)).sum() / 2 for names in groupings]
        every = (times.sum() ** 2 - np.square(times).sum()) / 2
        both, rows, columns = pairs
        chance, most = rows * columns / max(every, 1), (rows + columns) / 2
        found.append((both - chance) / (most - chance) if most != chance else 1.0)
    return np.array(found)


def _ends(value: float, drawn: np.ndarray, owner: np.ndarray) -> tuple[float, float]:
    """Return the ends of the 95% interval of an index from -1 to 1, which has a width at 1 too."""
    low, high = drawn_interval((value + 1) / 2, (drawn + 1) / 2, int(owner.max()) + 1)
    return 2 * low - 1, 2 * high - 1


def _adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Return the adjusted Rand index by its contingency table (Hubert & Arabie 1985, equation 5)."""
    table = np.bincount(one * (other.max() + 1) + other).astype(float)
    both, rows, columns = ((sizes * (sizes - 1) / 2).sum() for sizes in (table, np.bincount(one), np.bincount(other)))
    chance = rows * columns / max(len(one) * (len(one) - 1) / 2, 1)
    most = (rows + columns) / 2
    return float((both - chance) / (most - chance)) if most != chance else 1.0

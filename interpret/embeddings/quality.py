"""How far a map can be trusted: which neighbours it keeps, which it makes up, which distances it tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from interpret.core.arrays import read_only
from interpret.core.intervals import share_intervals
from interpret.core.rank_correlation import pairs_interval

_QUERIES = 1000
_PAIRS = 20_000


@dataclass(frozen=True, eq=False)
class MapQuality:
    """How well a map keeps the neighbourhoods of the space it is a map of.

    Attributes
    ----------
    trustworthiness
        1 if every neighbour on the map is one in the space; what is made up lowers it by how far away it is in truth
        (Venna & Kaski 2001, equation 2).
    continuity
        1 if every neighbour in the space is one on the map; what is torn apart lowers it (the same, equation 3).
    overlap
        The share of a point's nearest neighbours in the space that are among those on the map.
    chance
        What the overlap of a random map would be.
    distances
        Spearman's rank correlation between distances on the map and in the space, over random pairs; over all pairs
        where there are no more than 20,000.
    distances_interval
        Its 95% interval over points: how far as many other points of the kind would give another, see
        `interpret.core.rank_correlation.pairs_interval`. NaN where the map or the space is a single point.
    pairs
        How many pairs that is over.
    neighbours
        How many nearest neighbours are compared.
    queries, points
        How many points the numbers are averages over, drawn at random with the seed, and among how many.
    interval
        The 95% intervals of trustworthiness, continuity and overlap that come from drawing points, the lower end
        first: see `interpret.core.intervals.share_interval`. NaN where all points were looked at.
    """

    trustworthiness: float
    continuity: float
    overlap: float
    chance: float
    distances: float
    distances_interval: tuple[float, float]
    pairs: int
    neighbours: int
    queries: int
    points: int
    interval: Float32[np.ndarray, "measure 2"]


def map_quality(
    vectors: np.ndarray, points: np.ndarray, neighbours: int = 10, queries: int = _QUERIES, seed: int = 0
) -> MapQuality:
    """Compare a map with the space it is a map of, by Euclidean distances in both.

    Ranks are exact, among all points; only the points whose neighbourhoods are looked at are drawn, where there are
    more than ``queries``.

    Parameters
    ----------
    vectors, points
        ``(point, width)`` and ``(point, dim)``, in the same order.
    neighbours
        How many nearest ones are compared; a quarter of the points if that is less.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> vectors = np.random.default_rng(0).normal(size=(100, 2))
    >>> quality = it.embeddings.map_quality(vectors, 3 * vectors)
    >>> quality.trustworthiness, quality.continuity, quality.overlap
    (1.0, 1.0, 1.0)
    >>> torn = it.embeddings.map_quality(vectors, vectors[::-1])
    >>> 0.4 < torn.trustworthiness < 0.6, torn.overlap < 0.3  # points in another order
    (True, True)
    """
    from scipy.stats import spearmanr

    count = len(vectors)
    # The scale of both measures holds up to half of the points.
    k = max(1, min(neighbours, count // 4))
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(count, min(queries, count), replace=False))
    space, plane = (np.asarray(one, np.float32) for one in (vectors, points))
    # Norms of differences lose digits where vectors lie far from zero and near each other.
    space, plane = space - space.mean(axis=0), plane - plane.mean(axis=0)
    scores = []
    for begin in range(0, len(chosen), 64):
        some = chosen[begin : begin + 64]
        far, near = _squared(space, some), _squared(plane, some)
        scores.append(_neighbourhoods(far, near, k))
    intrusions, extrusions, kept = (np.concatenate(part) for part in zip(*scores, strict=True))
    # The most that either sum can be, for one point.
    worst = k * (2 * count - 3 * k - 1) / 2
    each = np.stack([1 - intrusions / worst, 1 - extrusions / worst, kept / k])
    if count * (count - 1) // 2 <= _PAIRS:
        pairs = np.stack(np.triu_indices(count, 1))
    else:
        pairs = random.integers(count, size=(2, _PAIRS))
        pairs = pairs[:, pairs[0] != pairs[1]]
    lengths = [np.linalg.norm(one[pairs[0]] - one[pairs[1]], axis=1) for one in (space, plane)]
    varied = all(np.ptp(one) > 0 for one in lengths)
    rank = float(spearmanr(*lengths).statistic) if varied else 0.0
    drawn = len(chosen) < count
    interval = share_intervals(each.T, np.ones_like(each.T)) if drawn else np.full((3, 2), np.nan)
    return MapQuality(
        trustworthiness=float(each[0].mean()),
        continuity=float(each[1].mean()),
        overlap=float(each[2].mean()),
        chance=k / (count - 1),
        distances=rank,
        distances_interval=pairs_interval(lengths[0], lengths[1], pairs, count, seed)
        if varied
        else (float("nan"), float("nan")),
        pairs=pairs.shape[1],
        neighbours=k,
        queries=len(chosen),
        points=count,
        interval=read_only(interval, np.float32),
    )


def _squared(vectors: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Return squared distances from some points to all, with each point infinitely far from itself."""
    norms = (vectors**2).sum(axis=1)
    squared = norms[some][:, None] + norms - 2 * vectors[some] @ vectors.T
    squared[np.arange(len(some)), some] = np.inf
    return squared


def _neighbourhoods(far: np.ndarray, near: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each point, the ranks made up, the ranks torn apart, and the neighbours kept."""
    in_space = np.argpartition(far, k - 1, axis=1)[:, :k]
    on_map = np.argpartition(near, k - 1, axis=1)[:, :k]
    intrusions, extrusions, kept = (np.zeros(len(far)) for _ in range(3))
    for i in range(len(far)):
        # A neighbour's rank is how many points are nearer, and itself.
        for ranks, distances, indices in ((intrusions, far[i], on_map[i]), (extrusions, near[i], in_space[i])):
            rank = (distances[None, :] < distances[indices][:, None]).sum(axis=1) + 1
            ranks[i] = np.maximum(rank - k, 0).sum()
        kept[i] = len(np.intersect1d(in_space[i], on_map[i], assume_unique=True))
    return intrusions, extrusions, kept

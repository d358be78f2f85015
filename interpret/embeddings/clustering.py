"""Groups of vectors, how real they are, and the words that mark each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.arrays import read_only
from interpret.embeddings.projection import check_finite, principal_components, unit_rows
from interpret.errors import InputError
from interpret.hub import Progress
from interpret.spelling import fold, marks

CLUSTERINGS = ("kmeans", "hdbscan")
MOST_POINTS = 20_000
# Densities are hardly to be told apart in hundreds of dimensions.
_DENSE_DIMENSIONS = 15
_SURE = 3


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
    """

    cluster: Int[np.ndarray, "point"]
    count: int
    silhouette: float
    stability: float | None


def cluster(
    vectors: np.ndarray,
    method: str = "kmeans",
    count: int = 8,
    seed: int = 0,
    *,
    metric: str = "cosine",
    least: int = 10,
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
    progress
        Called as ``progress(runs done, runs in all, "cluster")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there are fewer different points than groups, or more than 20,000 points.

    References
    ----------
    Lloyd (1982) with the start of Arthur & Vassilvitskii (2007); Campello et al. (2013).
    """
    from sklearn.cluster import HDBSCAN, KMeans
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    if method not in CLUSTERINGS:
        raise InputError("“{value}” is not one of: {known}.", value=method, known=", ".join(CLUSTERINGS))
    check_finite(vectors)
    points = unit_rows(vectors) if metric == "cosine" else np.asarray(vectors, np.float32)
    fewest = count if method == "kmeans" else least
    different = len(np.unique(points, axis=0))
    if not 2 <= fewest <= different or len(points) > MOST_POINTS:
        raise InputError(
            "{count} groups, or points in a group, do not go with {points} points, {different} of them different. "
            "Choose from 2 to {different}, and at most {most} points.",
            count=fewest,
            points=len(points),
            different=different,
            most=MOST_POINTS,
        )
    stability = None
    if method == "kmeans":
        runs = []
        for i in range(3):
            if progress is not None:
                progress(i, 3, "cluster")
            runs.append(KMeans(count, n_init=3, random_state=seed + i).fit_predict(points))
        found = runs[0]
        stability = float(np.mean([adjusted_rand_score(found, other) for other in runs[1:]]))
    else:
        reduced = principal_components(points, _DENSE_DIMENSIONS)[0]
        found = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(reduced)
    sizes = Counter(int(one) for one in found if one >= 0)
    order = {old: new for new, (old, _size) in enumerate(sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])))}
    named = np.array([order.get(int(one), -1) for one in found])
    inside = named >= 0
    silhouette = float("nan")
    if len(order) > 1 and inside.sum() > len(order):
        some = _of_every_group(np.flatnonzero(inside), named, seed)
        silhouette = float(silhouette_score(points[some], named[some]))
    return Clusters(read_only(named, np.int64), len(order), silhouette, stability)


def _of_every_group(places: np.ndarray, named: np.ndarray, seed: int) -> np.ndarray:
    """Draw points, two of each group at least: a group that is missed would count for nothing."""
    order = np.random.default_rng(seed).permutation(places)
    rank = np.zeros(len(order), int)
    for group in np.unique(named[order]):
        members = named[order] == group
        rank[members] = np.arange(members.sum())
    first = np.argsort(rank >= 2, kind="stable")
    return order[first[: max(2000, int((rank < 2).sum()))]]


def agreement(clusters: Clusters, labels: Sequence[str]) -> float:
    """Compare groups with labels: the adjusted Rand index, 0 by chance and 1 for the same (Hubert & Arabie 1985).

    Points in no group are one more group.
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(list(labels), clusters.cluster))


def marking_words(texts: Sequence[str], clusters: Clusters, most: int = 8) -> tuple[tuple[tuple[str, float], ...], ...]:
    """Return the words that mark each group, with how surely: standard scores of at least 3.

    They are log-odds ratios, group against the rest, with a Dirichlet prior from all texts, divided by their standard
    error (Monroe et al. 2008, equations 15, 16, 20 and 22). Chinese and Japanese texts, written without spaces, are
    counted by pairs of characters. A word counts once for each text that has points in the group. Of words that mark
    nothing, one in 740 has such a score by chance.
    """
    everything: Counter[str] = Counter()
    inside: list[Counter[str]] = [Counter() for _ in range(clusters.count)]
    for text, place in dict.fromkeys(zip(texts, clusters.cluster.tolist(), strict=True)):
        words = words_in(text)
        everything.update(words)
        if place >= 0:
            inside[place].update(words)
    names = [word for word, count in everything.items() if count > 1]
    whole = np.array([everything[word] for word in names], float)
    found = []
    for counts in inside:
        here = np.array([counts[word] for word in names], float)
        found.append(_marked(names, here, whole - here, whole, most))
    return tuple(found)


def _marked(
    names: list[str], here: np.ndarray, rest: np.ndarray, whole: np.ndarray, most: int
) -> tuple[tuple[str, float], ...]:
    # A word that is alone in all texts tells no group from another.
    if len(names) < 2 or not here.sum() or not rest.sum():
        return ()
    # A prior worth as much as the smaller side, so that rare words are drawn towards no difference.
    prior = whole / whole.sum() * min(here.sum(), rest.sum())
    odds = []
    for counts in (here, rest):
        total = counts.sum() + prior.sum()
        odds.append(np.log((counts + prior) / (total - counts - prior)))
    score = (odds[0] - odds[1]) / np.sqrt(1 / (here + prior) + 1 / (rest + prior))
    best = np.argsort(-score, kind="stable")[:most]
    return tuple((names[i], float(score[i])) for i in best if score[i] >= _SURE)


def words_in(text: str) -> set[str]:
    """Return a text's words, in lower case; pairs of neighbouring ideographs and kana count as words."""
    text = fold(text)
    # A letter and its marks: “मैं” is a word of one letter.
    words = {one for one in re.findall(rf"(?:[^\W\d_぀-ヿ㐀-鿿][{marks()}]*)+", text) if len(one) > 1}
    for run in re.findall(r"[぀-ヿ㐀-鿿]{2,}", text):
        words.update(run[i : i + 2] for i in range(len(run) - 1))
    return words

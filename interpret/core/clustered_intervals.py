"""How far numbers that are no shares may be off by chance, where rows come in clusters: texts, sentences, pairs."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from interpret.core.intervals import DRAWS


@lru_cache(maxsize=1024)
def student(clusters: int) -> float:
    """Return how many standard errors a 95% interval goes to either side; NaN for fewer than two clusters."""
    from scipy.stats import t

    return float(t.ppf(0.975, clusters - 1)) if clusters > 1 else float("nan")


def ratio_interval(
    tops: Float[np.ndarray, " cluster *more"], bottoms: Float[np.ndarray, "cluster *#more"]
) -> Float[np.ndarray, "*more 2"]:
    """Return the 95% interval of a ratio of sums over clusters, such as a mean over their rows.

    The linearised variance (Cochran 1977, eq. 6.13) with Student's t of the clusters: of two clusters hardly anything
    is known, and of one nothing (NaN).

    Examples
    --------
    >>> import numpy as np
    >>> [round(float(end), 2) for end in ratio_interval(np.array([1.0, 2.0, 3.0]), np.ones(3))]
    [-0.48, 4.48]
    """
    whole = np.where(bottoms.sum(axis=0) > 0, bottoms.sum(axis=0), np.nan)
    ratio = tops.sum(axis=0) / whole
    count = len(tops)
    if count < 2:
        return np.stack([np.full_like(ratio, np.nan)] * 2, axis=-1)
    spread = np.square(tops - ratio * bottoms).sum(axis=0) * count / (count - 1)
    half = student(count) * np.sqrt(spread) / whole
    return np.stack([ratio - half, ratio + half], axis=-1)


def sides(intervals: Float[np.ndarray, "*more 2"]) -> Int[np.ndarray, "*more"]:
    """Return 1 where an interval lies above 0, -1 where below, and 0 where 0 is in it or it is not known."""
    return (intervals[..., 0] > 0).astype(np.int64) - (intervals[..., 1] < 0)


def auroc(true: Float[np.ndarray, " pair"], other: Float[np.ndarray, " pair"]) -> float:
    """Return how often one of the first is larger than one of the second, ties at half (Hanley & McNeil 1982)."""
    return float(_weighted_auroc(true, other, np.ones((1, len(true))))[0])


def auroc_draws(
    true: Float[np.ndarray, " pair"], other: Float[np.ndarray, " pair"], seed: int = 0
) -> Float[np.ndarray, " draw"]:
    """Return `auroc` over pairs drawn with replacement, each with both of its numbers: they hang together.

    The same seed draws the same pairs, so that two of these may be subtracted.
    """
    count = len(true)
    random = np.random.default_rng(seed)
    # Of many pairs the ends are known well enough by fewer draws.
    draws = DRAWS if count <= 2000 else DRAWS // 4
    some = max(1, 2_000_000 // count)
    found = [
        _weighted_auroc(true, other, random.multinomial(count, np.full(count, 1 / count), min(some, draws - begin)))
        for begin in range(0, draws, some)
    ]
    return np.concatenate(found)


def _weighted_auroc(true: np.ndarray, other: np.ndarray, times: np.ndarray) -> np.ndarray:
    values, rank = np.unique(np.concatenate([true, other]), return_inverse=True)
    first, second = rank[: len(true)], rank[len(true) :]
    order = np.argsort(second, kind="stable")
    below = np.concatenate([np.zeros((len(times), 1)), np.cumsum(times[:, order], axis=1)], axis=1)
    left, right = (np.searchsorted(second[order], np.arange(len(values)), side) for side in ("left", "right"))
    lower = (below[:, left[first]] + below[:, right[first]]) / 2
    return (times * lower).sum(axis=1) / np.square(times.sum(axis=1))


def drawn_interval(value: float, draws: Float[np.ndarray, " draw"], clusters: int) -> tuple[float, float]:
    """Return the 95% interval of a number from 0 to 1 that was drawn anew over so many clusters.

    Percentiles of the draws, at those of Student's t (Hesterberg 2015, "What teachers should know about the bootstrap",
    sec. 5.3), since the plain ones are too narrow for a handful; and never narrower than that of as many rows that are
    all alike (Clopper & Pearson 1934), since draws of a few rows that agree do not differ: below six clusters nothing
    is told from one half.
    """
    from scipy.stats import norm

    if clusters < 2:
        return float("nan"), float("nan")
    tail = float(norm.cdf(-student(clusters) * np.sqrt(clusters / (clusters - 1))))
    room = 1 - 0.025 ** (1 / clusters)
    low, high = (float(end) for end in np.quantile(draws, [tail, 1 - tail]))
    return max(0.0, min(low, value - room)), min(1.0, max(high, value + room))

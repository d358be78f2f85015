"""How far a number that was measured on some rows may be off by chance."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

DRAWS = 2000


def wilson(right: int | float, count: int | float, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share (Wilson 1927): 95% unless ``z`` says otherwise; NaN where nothing was counted.

    It has a width at 1 of 1 and at 10 of 10 too, where the normal approximation has none.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(10, 10)]
    [0.722, 1.0]
    """
    if not count:
        return float("nan"), float("nan")
    share = right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def paired_difference(
    first: Bool[np.ndarray, " row"], second: Bool[np.ndarray, " row"], z: float = 1.96
) -> tuple[float, float]:
    """Return the interval of how much oftener the first of two is right on the same rows.

    The square-and-add interval of Newcombe 1998 (Statistics in Medicine 17, 2635–2650, method 10,
    https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22%3C2635::AID-SIM954%3E3.0.CO;2-C): Wilson's intervals of both
    shares, put together by how far the two are right on the same rows, with his correction of that correlation.

    Parameters
    ----------
    first, second
        Of each row whether the first, and the second, is right.
    z
        1.96 for 95%.

    Returns
    -------
    The ends, between -1 and 1; NaN where there are no rows.

    Examples
    --------
    >>> first, second = np.repeat([1, 1, 0, 0], [60, 20, 5, 15]) > 0, np.repeat([1, 0, 1, 0], [60, 20, 5, 15]) > 0
    >>> [round(end, 3) for end in paired_difference(first, second)]
    [0.053, 0.244]
    """
    count = len(first)
    if not count:
        return float("nan"), float("nan")
    shares = float(first.mean()), float(second.mean())
    (low, high), (other_low, other_high) = (wilson(share * count, count, z) for share in shares)
    both, neither = float((first & second).sum()), float((~first & ~second).sum())
    one, other = float((first & ~second).sum()), float((~first & second).sum())
    product = (both + one) * (other + neither) * (both + other) * (one + neither)
    tendency = both * neither - one * other
    # His correction: what agrees by half a row or less is taken for no agreement.
    tendency = max(tendency - count / 2, 0.0) if tendency > 0 else tendency
    correlation = tendency / np.sqrt(product) if product else 0.0

    def added(below: float, above: float) -> float:
        return float(np.sqrt(max(below**2 - 2 * correlation * below * above + above**2, 0.0)))

    difference = shares[0] - shares[1]
    return (
        difference - added(shares[0] - low, other_high - shares[1]),
        difference + added(high - shares[0], shares[1] - other_low),
    )


def cluster_bootstrap(
    parts: Float[np.ndarray, "cluster part"] | Int[np.ndarray, "cluster part"],
    statistic: Callable[[Float[np.ndarray, "draw part"]], Float[np.ndarray, " draw"]],
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[float, float]:
    """Return the 95% percentile interval of a statistic over rows that hang together (Davison & Hinkley 1997, 3.8).

    Words of one sentence, or masked tokens of one passage, are not drawn by themselves: whole sentences are.

    Parameters
    ----------
    parts
        What the statistic is made of, summed over each cluster: for a share the right ones and all of them.
    statistic
        Makes the number of the sums over a draw, for all draws at once. A draw may hold nothing to divide by: NaN then,
        and the draw does not count.
    seed, draws
        Of the clusters drawn with replacement.

    Returns
    -------
    The ends; NaN where there are no clusters, or no draw gave a number.

    Examples
    --------
    >>> right_of_two = np.array([[2.0, 2.0], [0.0, 2.0]] * 50)
    >>> low, high = cluster_bootstrap(right_of_two, lambda sums: sums[:, 0] / sums[:, 1])
    >>> 0.38 < low < 0.42 < 0.58 < high < 0.62
    True
    """
    if not len(parts):
        return float("nan"), float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        found = statistic(drawn_sums(parts, seed, draws))
    return percentiles(found)


def percentiles(drawn: Float[np.ndarray, " draw"]) -> tuple[float, float]:
    """Return the 95% percentile interval of what draws gave; a draw that gave no number does not count.

    Examples
    --------
    >>> [round(end, 2) for end in percentiles(np.append(np.linspace(0, 1, 1001), np.nan))]
    [0.03, 0.97]
    """
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return float("nan"), float("nan")
    return float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def share_interval(
    right: Float[np.ndarray, " cluster"] | Int[np.ndarray, " cluster"],
    counts: Float[np.ndarray, " cluster"] | Int[np.ndarray, " cluster"],
    seed: int = 0,
) -> tuple[float, float]:
    """Return the interval of a share whose rows come in clusters: `cluster_bootstrap`, never narrower than it can be.

    Where resampling has nothing to vary (all right, or one cluster), it is Wilson's with each cluster as one row: all
    rows of a cluster may be right or wrong together.

    Parameters
    ----------
    right, counts
        Of each cluster the right ones, and all.
    """
    kept = np.asarray(counts) > 0
    parts = np.stack([np.asarray(right, float)[kept], np.asarray(counts, float)[kept]], axis=1)
    total = parts.sum(axis=0)
    if not len(parts):
        return float("nan"), float("nan")
    low, high = cluster_bootstrap(parts, lambda sums: sums[:, 0] / sums[:, 1], seed)
    if high > low:
        return low, high
    return wilson(float(total[0] / total[1] * len(parts)), len(parts))


def share_intervals(
    right: Float[np.ndarray, "cluster share"] | Int[np.ndarray, "cluster share"],
    counts: Float[np.ndarray, "cluster share"] | Int[np.ndarray, "cluster share"],
    seed: int = 0,
) -> Float[np.ndarray, "share 2"]:
    """Return the intervals of several shares of the same clusters, from the same draws: see `share_interval`."""
    right, counts = np.asarray(right, float), np.asarray(counts, float)
    found = np.full((right.shape[1], 2), np.nan)
    if not right.size:
        return found
    drawn = drawn_sums(np.concatenate([right, counts], axis=1), seed, DRAWS)
    for index in range(len(found)):
        some, all_of_them = drawn[:, index], drawn[:, index + len(found)]
        shares = some[all_of_them > 0] / all_of_them[all_of_them > 0]
        if len(shares) and np.ptp(shares):
            found[index] = np.quantile(shares, (0.025, 0.975))
        if not found[index, 1] > found[index, 0]:
            clusters, total = int((counts[:, index] > 0).sum()), counts[:, index].sum()
            found[index] = wilson(float(right[:, index].sum() / total * clusters) if clusters else 0, clusters)
    return found


def drawn_sums(
    parts: Float[np.ndarray, "cluster part"] | Int[np.ndarray, "cluster part"], seed: int = 0, draws: int = DRAWS
) -> Float[np.ndarray, "draw part"]:
    """Return the sums over clusters that are drawn with replacement, as many as there are."""
    random, count = np.random.default_rng(seed), len(parts)
    drawn = np.empty((draws, parts.shape[1]))
    # In portions, so that a draw of 100,000 sentences takes megabytes and not gigabytes.
    some = max(1, 4_000_000 // count)
    for begin in range(0, draws, some):
        end = min(draws, begin + some)
        times = random.multinomial(count, np.full(count, 1 / count), size=end - begin)
        drawn[begin:end] = times @ np.asarray(parts, float)
    return drawn


def drawn_groups(
    columns: Sequence[tuple[np.ndarray, np.ndarray | float]], owner: np.ndarray, widths: Sequence[int]
) -> list[np.ndarray]:
    """Return groups of sums over clusters drawn with replacement: each of indices and what is summed up there."""
    clusters = int(owner.max()) + 1
    parts = np.zeros((clusters, sum(widths)))
    begins = np.cumsum([0, *widths])
    for begin, (index, value) in zip(begins, columns, strict=False):
        np.add.at(parts, (owner, begin + index), value)
    # Of many clusters the ends are known well enough by fewer draws.
    draws = drawn_sums(parts, 0, DRAWS if clusters <= 2000 else DRAWS // 4)
    return [draws[:, begin:end] for begin, end in pairwise(begins)]

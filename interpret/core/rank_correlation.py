"""How far a rank correlation may be off by chance: over rows, and over pairs of points that share their points."""

import numpy as np
from jaxtyping import Float, Int

# The standard error of Fisher's z is known to a twentieth of itself from so many.
_DRAWS = 200
_NEAREST = 1 - 1e-9


def spearman_interval(value: float, rows: int) -> tuple[float, float]:
    """Return the 95% interval of Spearman's rank correlation over so many rows.

    By Fisher's transformation, with the error that ranks have: ``tanh(artanh r ± 1.96 √((1 + r²/2) / (n − 3)))``
    (Bonett & Wright 2000, eq. 3, https://doi.org/10.1007/BF02294183). Made for rows that are drawn one by one; where
    they are the words or heads of one text or model, it says what as many others would give. Below five rows nothing is
    known: -1 to 1.
    """
    if not np.isfinite(value):
        return float("nan"), float("nan")
    if rows < 5:
        return -1.0, 1.0
    half = 1.96 * np.sqrt((1 + value**2 / 2) / (rows - 3))
    middle = np.arctanh(np.clip(value, -_NEAREST, _NEAREST))
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def pairs_interval(
    one: Float[np.ndarray, " pair"],
    other: Float[np.ndarray, " pair"],
    ends: Int[np.ndarray, "side pair"],
    points: int,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95% interval of Spearman's rank correlation of two numbers of each pair of points.

    Pairs share their points, so points are drawn with replacement, 200 times, and a pair counts as often as both of its
    points were drawn together (Snijders & Borgatti 1999, "Non-parametric standard errors and tests for network
    statistics"). Ranks are made anew in each draw. The ends are 1.96 standard errors of Fisher's z to either side.

    Parameters
    ----------
    one, other
        Of each pair, such as its distance in a space and on a map.
    ends
        The two points of each pair, which are never the same.
    points
        How many there are.
    seed
        Of the draws.
    """
    random = np.random.default_rng(seed)
    drawn = []
    for _draw in range(_DRAWS):
        times = np.bincount(random.integers(points, size=points), minlength=points)
        drawn.append(times[ends[0]] * times[ends[1]])
    values = weighted_spearman(one, other, np.stack(drawn))
    value = weighted_spearman(one, other, np.ones((1, len(one))))[0]
    if not np.isfinite(value) or np.isfinite(values).sum() < _DRAWS // 2:
        return float("nan"), float("nan")
    spread = np.arctanh(np.clip(values[np.isfinite(values)], -_NEAREST, _NEAREST)).std(ddof=1)
    middle = np.arctanh(np.clip(value, -_NEAREST, _NEAREST))
    return float(np.tanh(middle - 1.96 * spread)), float(np.tanh(middle + 1.96 * spread))


def weighted_spearman(
    one: Float[np.ndarray, " row"], other: Float[np.ndarray, " row"], times: Float[np.ndarray, "draw row"] | np.ndarray
) -> Float[np.ndarray, " draw"]:
    """Return Spearman's rank correlation of rows that count so many times each, ties at their middle rank.

    As of rows written out as often; NaN where a draw has no order.
    """
    found = np.empty(len(times))
    sorted_by = [_groups(values) for values in (one, other)]
    for draw, weights in enumerate(np.asarray(times, float)):
        total = weights.sum()
        deviations = []
        for order, group, size in sorted_by:
            ends = np.cumsum(np.bincount(group, weights[order], minlength=size))
            ranks = np.empty(len(weights))
            ranks[order] = ((ends + np.concatenate([[0.0], ends[:-1]])) / 2)[group]
            deviations.append(ranks - total / 2)
        left, right = deviations
        spreads = (weights * left * left).sum() * (weights * right * right).sum()
        found[draw] = (weights * left * right).sum() / np.sqrt(spreads) if spreads > 0 else np.nan
    return found


def _groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the rows' order, and in that order which of the different values each has."""
    order = np.argsort(values, kind="stable")
    group = np.cumsum(np.concatenate([[0], np.diff(values[order]) > 0]))
    return order, group, int(group[-1]) + 1

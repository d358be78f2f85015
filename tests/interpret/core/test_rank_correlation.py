"""Intervals of rank correlations: against rows written out, SciPy, and what other draws really give."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import norm, spearmanr

from interpret.core.rank_correlation import pairs_interval, spearman_interval, weighted_spearman
from interpret.embeddings.quality import map_quality


def test_rows_that_count_several_times_are_as_if_written_out():
    random = np.random.default_rng(0)
    one, other = random.integers(6, size=(2, 40)).astype(float)
    times = random.integers(4, size=(5, 40))
    expected = [spearmanr(np.repeat(one, row), np.repeat(other, row)).statistic for row in times]
    np.testing.assert_allclose(weighted_spearman(one, other, times), expected, atol=1e-12)


def test_the_interval_over_rows_holds_the_truth_as_often_as_it_says():
    """Of bivariate normals the true rank correlation is 6/π asin(r/2) (Pearson 1907): 95 of 100 intervals hold it."""
    assert spearman_interval(0.5, 28) == pytest.approx(np.tanh(np.arctanh(0.5) + np.array([-1, 1]) * 1.96 * 0.2121320))
    assert spearman_interval(0.9, 4) == (-1, 1)
    assert all(np.isnan(spearman_interval(float("nan"), 40)))
    random = np.random.default_rng(1)
    for correlation in (0.0, 0.6):
        true = 6 / np.pi * np.arcsin(correlation / 2)
        held = 0
        for _draw in range(400):
            one, other = random.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], 25).T
            low, high = spearman_interval(float(spearmanr(one, other).statistic), 25)
            held += low <= true <= high
        assert abs(held / 400 - 0.95) < norm.ppf(0.999) * np.sqrt(0.95 * 0.05 / 400) + 0.01


def planted(seed, points=40, noise=2.0):
    random = np.random.default_rng(seed)
    space = random.normal(size=(points, 2))
    return space, space + noise * random.normal(size=space.shape)


def test_pairs_that_share_points_say_less_than_as_many_rows():
    """The spread of the number over 150 other sets of points is what the interval's width says, and not the rows'."""
    pairs = np.stack(np.triu_indices(40, 1))
    others = [spearmanr(*map(pdist, planted(seed))).statistic for seed in range(150)]
    widths = [np.ptp(pairs_interval(*map(pdist, planted(seed)), pairs, 40)) / 2 for seed in range(8)]
    assert np.mean(widths) == pytest.approx(1.96 * np.std(others), rel=0.3)
    assert np.ptp(spearman_interval(float(np.mean(others)), pairs.shape[1])) / 2 < 0.7 * np.mean(widths)


def test_a_maps_rank_correlation_says_how_sure_it_is():
    space, plane = planted(0, noise=0.7)
    found = map_quality(space, plane)
    assert found.pairs == 780
    assert found.distances == pytest.approx(spearmanr(pdist(space), pdist(plane)).statistic)
    low, high = found.distances_interval
    assert 0 < low < found.distances < high < 1
    # A map of noise is told from nothing in one seed of twenty or so, a planted one always.
    told = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        low, high = map_quality(random.normal(size=(40, 5)), random.normal(size=(40, 2))).distances_interval
        told += low > 0 or high < 0
    assert told <= 3
    assert map_quality(*planted(3, 60, 0.3)).distances_interval[0] > 0
    assert all(np.isnan(map_quality(space, np.zeros((40, 2))).distances_interval))

"""Intervals: SciPy's own for single rows, closed forms for rows that hang together."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from interpret.core.intervals import cluster_bootstrap, paired_difference, share_interval, wilson


@pytest.mark.parametrize("right, count", [(0, 1), (1, 1), (10, 10), (0, 10), (7, 9), (430, 1000)])
def test_wilson_equals_scipy(right, count):
    other = binomtest(right, count).proportion_ci(method="wilson")
    exact = norm.ppf(0.975)
    assert wilson(right, count, exact) == pytest.approx((other.low, other.high), abs=1e-12)
    assert wilson(right, count)[1] - wilson(right, count)[0] > 0.1 * (count < 100)


def test_nothing_counted_has_no_interval():
    assert np.isnan(wilson(0, 0)).all()
    assert np.isnan(share_interval(np.zeros(0), np.zeros(0))).all()


def test_rows_that_hang_together_count_as_one():
    """100 clusters, each wholly right or wrong: the standard error is that of 100 draws and not of 1,000."""
    right = np.repeat([10.0, 0.0], 50)
    low, high = share_interval(right, np.full(100, 10.0))
    # sqrt(p (1 - p) / clusters) = 0.05; the quantiles of 2,000 draws are known to about 0.003.
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.05, 0.5 + 1.96 * 0.05), abs=0.012)
    alone = share_interval(np.repeat([1.0, 0.0], 500), np.ones(1000))
    assert alone[1] - alone[0] == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 1000), abs=0.008)


@pytest.mark.parametrize("clusters", [1, 4])
def test_where_nothing_varies_the_interval_still_has_a_width(clusters):
    """Ten right words of one sentence are one observation: Wilson at 1 of 1."""
    assert share_interval(np.full(clusters, 10), np.full(clusters, 10)) == wilson(clusters, clusters)


def test_draws_with_nothing_to_divide_by_do_not_count():
    parts = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    low, high = cluster_bootstrap(parts, lambda sums: sums[:, 0] / sums[:, 1])
    assert (low, high) == (1.0, 1.0)


def repeated(both, first, second, neither):
    """Return of so many rows whether the first and whether the second is right."""
    counts = [both, first, second, neither]
    return np.repeat([1, 1, 0, 0], counts) > 0, np.repeat([1, 0, 1, 0], counts) > 0


def test_a_paired_difference_is_newcombes():
    """Airway hyper-responsiveness of 21 children before and after (Bentur et al. 2009).

    The example of `Newcombe_square_and_add_CI_paired_2x2` in R's contingencytables (Fagerland et al. 2017, ch. 8).
    """
    found = paired_difference(*repeated(1, 1, 7, 12))
    assert found == pytest.approx((-0.507, -0.026), abs=5e-4)


def test_a_paired_difference_turns_round_and_keeps_within_its_range():
    one, other = repeated(40, 9, 3, 8)
    low, high = paired_difference(one, other)
    assert paired_difference(other, one) == pytest.approx((-high, -low))
    assert low < (9 - 3) / 60 < high
    # Right on the same rows, they differ less surely by chance than on rows that have nothing to do with each other.
    apart = paired_difference(*repeated(36, 13, 7, 4))
    assert high - low < apart[1] - apart[0]
    for counts in ((5, 0, 0, 0), (0, 5, 0, 0), (0, 0, 5, 0), (0, 0, 0, 5)):
        low, high = paired_difference(*repeated(*counts))
        assert -1 <= low < high <= 1
    assert np.isnan(paired_difference(np.zeros(0, bool), np.zeros(0, bool))).all()


def test_a_paired_difference_of_none_covers_zero_as_often_as_it_says():
    """By simulation: two that are right with the same chance, and together more often than not."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        shared = random.random(80) < 0.6
        one, other = (np.where(shared, random.random(80) < 0.9, random.random(80) < 0.5) for _both in range(2))
        low, high = paired_difference(one, other)
        covered += low <= 0 <= high
    assert 0.92 < covered / 400 < 0.99

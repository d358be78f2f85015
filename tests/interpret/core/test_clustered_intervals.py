"""Intervals by cluster: closed forms, SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp
from sklearn.metrics import roc_auc_score

from interpret.core.clustered_intervals import auroc, auroc_draws, drawn_interval, ratio_interval, student


def test_a_mean_over_clusters_of_one_row_has_students_interval():
    values = np.random.default_rng(0).normal(3, 2, 12)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(ratio_interval(values, np.ones(12)), [expected.low, expected.high])


def test_rows_that_hang_together_count_as_one():
    """Each row ten times over is known no better; the interval of all rows as if alone would be 3 times narrower."""
    values = np.random.default_rng(0).normal(3, 2, (12, 4))
    once = ratio_interval(values, np.ones((12, 4)))
    np.testing.assert_allclose(ratio_interval(10 * values, np.full((12, 4), 10.0)), once)
    assert np.isnan(ratio_interval(values[:1], np.ones((1, 4)))).all()
    assert np.isnan(ratio_interval(values, np.zeros((12, 4)))).all()


def test_the_area_is_scikit_learns_ties_and_all():
    random = np.random.default_rng(1)
    true, other = random.integers(0, 9, 40) / 8, random.integers(0, 7, 40) / 8
    truth = np.repeat([1, 0], 40)
    assert auroc(true, other) == pytest.approx(roc_auc_score(truth, np.concatenate([true, other])), abs=1e-12)
    draws = auroc_draws(true, other, seed=3)
    random = np.random.default_rng(3)
    for found, times in zip(draws[:20], random.multinomial(40, np.full(40, 1 / 40), 2000)[:20], strict=True):
        weights = np.concatenate([times, times])
        scores = np.concatenate([true, other])
        assert found == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights), abs=1e-12)


def test_pairs_that_hang_together_are_drawn_together():
    """Each other number lies just below its own true one, and goes with it into every draw."""
    true = np.arange(50.0)
    draws = auroc_draws(true, true - 0.5)
    # By pair the standard error is that of the own pairs alone; drawn apart it would be sqrt(101 / 12) / 50 = 0.058.
    assert draws.std() < 0.01
    assert (draws > 0.5).all()


@pytest.mark.parametrize("clusters", [3, 5, 6, 20])
def test_where_no_draw_differs_the_interval_is_the_exact_one(clusters):
    expected = binomtest(clusters, clusters).proportion_ci(method="exact")
    assert drawn_interval(1.0, np.ones(2000), clusters) == pytest.approx((expected.low, 1.0), abs=1e-12)
    # Chance is left out from six pairs on: 2 · 0.5⁶ < 0.05.
    assert (expected.low > 0.5) == (clusters >= 6)


def test_few_clusters_have_a_wider_interval_than_the_plain_percentiles():
    draws = np.random.default_rng(0).normal(0.5, 0.001, 200_000)
    count = 10_000
    assert np.ptp(drawn_interval(0.5, draws, count)) == pytest.approx(2 * 1.96 * 0.001, rel=0.02)
    draws = np.random.default_rng(0).normal(0.5, 0.1, 200_000)
    wide = np.ptp(drawn_interval(0.5, draws, 20))
    assert wide == pytest.approx(2 * 0.1 * student(20) * np.sqrt(20 / 19), rel=0.03)
    assert np.isnan(drawn_interval(0.5, draws, 1)).all()

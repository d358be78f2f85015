"""Calibration: closed forms, a slow re-computation, and what rows that hang together are worth."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from interpret.core.calibration import LEAST_TEXTS, measure_calibration
from interpret.core.intervals import wilson


def drawn(count=200, classes=3, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.7), count)
    truth = np.array([random.choice(classes, p=some) for some in probabilities])
    return probabilities, truth


def test_the_error_is_that_of_a_slow_count():
    probabilities, truth = drawn()
    found = measure_calibration(probabilities, truth)
    error, listed = 0.0, []
    for low in range(10):
        rows = [i for i in range(200) if low / 10 <= probabilities[i].max() < (low + 1) / 10]
        if rows:
            sure = sum(probabilities[i].max() for i in rows) / len(rows)
            right = sum(probabilities[i].argmax() == truth[i] for i in rows)
            error += len(rows) / 200 * abs(sure - right / len(rows))
            listed.append((low, len(rows), sure, right / len(rows), *wilson(int(right), len(rows))))
    assert found.ece == pytest.approx(error)
    assert found.ranges.tolist() == [one[0] for one in listed]
    np.testing.assert_allclose(
        np.c_[found.counts, found.confidence, found.rightness, found.rightness_interval], [one[1:] for one in listed]
    )
    assert found.ece_interval[0] <= found.ece <= found.ece_interval[1]


def test_the_brier_score_of_two_classes_is_twice_scikit_learns():
    """Brier's own sum has a term for each class; scikit-learn's of two classes has one."""
    probabilities, truth = drawn(classes=2)
    found = measure_calibration(probabilities, truth)
    assert found.brier == pytest.approx(2 * brier_score_loss(truth, probabilities[:, 1], scale_by_half=True))
    share = truth.mean()
    assert found.brier_of_shares == pytest.approx(2 * share * (1 - share))
    assert found.brier_interval[0] < found.brier < found.brier_interval[1]


def test_who_is_right_as_often_as_said_has_no_error_and_who_is_not_is_seen():
    """Of 40 rows at 0.75 exactly 30 are right; at 0.95, the error is 0.2 in closed form."""
    truth = np.repeat([0, 1], [30, 10])
    exact = measure_calibration(np.tile([[0.75, 0.25]], (40, 1)), truth)
    assert exact.ece == pytest.approx(0, abs=1e-12)
    assert not exact.worse_than_chance
    assert exact.ece_p == 1
    # Brier: 0.75 times twice 0.25 squared, and 0.25 times twice 0.75 squared.
    assert exact.brier == pytest.approx(0.75 * 2 * 0.0625 + 0.25 * 2 * 0.5625)
    sure = measure_calibration(np.tile([[0.95, 0.05]], (40, 1)), truth)
    assert sure.ece == pytest.approx(0.2)
    assert sure.worse_than_chance
    # Binomial: 40 rows at 0.95 have an error of more than 0.075 in fewer than one draw in twenty.
    assert 0.03 < sure.ece_by_chance < 0.1


def test_a_calibrated_classifier_is_called_worse_than_chance_once_in_twenty_times():
    found = [measure_calibration(*drawn(60, 3, seed), seed=seed) for seed in range(120)]
    called = sum(one.worse_than_chance for one in found)
    # 6 expected; 1 to 14 is where 99.9% of binomial draws lie.
    assert 1 <= called <= 14


def test_the_same_text_again_is_no_second_observation():
    probabilities, truth = drawn(60)
    once = measure_calibration(probabilities, truth)
    twice = measure_calibration(
        np.repeat(probabilities, 4, axis=0), np.repeat(truth, 4), np.repeat(range(60), 4).tolist()
    )
    assert twice.texts == once.texts == 60
    assert twice.count == 240
    np.testing.assert_allclose(twice.rightness_interval, once.rightness_interval)
    assert twice.brier_interval == pytest.approx(once.brier_interval)
    assert twice.ece_by_chance == pytest.approx(once.ece_by_chance)


def test_too_few_texts_give_no_number():
    probabilities, truth = drawn(LEAST_TEXTS)
    assert measure_calibration(probabilities, truth) is not None
    assert measure_calibration(probabilities[1:], truth[1:]) is None
    assert measure_calibration(probabilities[:0], truth[:0]) is None
    assert measure_calibration(probabilities, truth, ["same"] * LEAST_TEXTS) is None

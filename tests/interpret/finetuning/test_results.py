"""Results beside scikit-learn's and scipy's, and calibration by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

import interpret as it
from interpret.finetuning.results import measure_results

LABELS = ("law", "medicine", "sport", "never")


@pytest.fixture(scope="module")
def drawn():
    random = np.random.default_rng(2)
    truth = random.choice(LABELS[:3], 200, p=[0.5, 0.3, 0.2])
    logits = random.normal(size=(200, 4)).astype(np.float32)
    logits[np.arange(200), [LABELS.index(one) for one in truth]] += 1.5
    logits[:, 3] -= 20
    return logits, [str(one) for one in truth]


def test_measures_are_those_of_scikit_learn(drawn):
    logits, truth = drawn
    found = measure_results(logits, truth, LABELS)
    given = [LABELS[i] for i in logits.argmax(axis=1)]
    np.testing.assert_array_equal(found.confusion, confusion_matrix(truth, given, labels=LABELS))
    expected = precision_recall_fscore_support(truth, given, labels=LABELS, zero_division=0)
    for mine, other in zip((found.precision, found.recall, found.f1), expected[:3], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6)
    assert found.macro_f1 == pytest.approx(expected[2][:3].mean())
    assert found.accuracy == np.mean(np.array(truth) == given)
    assert found.majority == max(truth.count(one) for one in LABELS) / 200
    interval = binomtest(round(found.accuracy * 200), 200).proportion_ci(method="wilson")
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-3)


def test_calibration_by_hand():
    # Two answers at 0.9, one of them right; two at 0.6, both right.
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    found = measure_results(np.log(chances).astype(np.float32), ["a", "b", "b", "b"], ("a", "b"))
    assert found.ece == pytest.approx(0.5 * abs(0.9 - 0.5) + 0.5 * abs(0.6 - 1.0), abs=1e-6)
    np.testing.assert_allclose(found.sureness, [0.6, 0.9], atol=1e-6)
    np.testing.assert_array_equal(found.rightness, [1, 0.5])
    np.testing.assert_array_equal(found.counts, [2, 2])
    np.testing.assert_array_equal(found.mistakes, [1])


def test_mistakes_come_the_surest_first(drawn):
    logits, truth = drawn
    found = measure_results(logits, truth, LABELS)
    assert len(found.mistakes) == round(200 * (1 - found.accuracy))
    assert np.all(np.diff(found.chances[found.mistakes]) <= 0)
    assert all(LABELS[found.answers[i]] != truth[i] for i in found.mistakes)


def test_very_sure_scores_are_no_overflow():
    found = measure_results(np.array([[1000, -1000], [-1000, 1000]], np.float32), ["a", "a"], ("a", "b"))
    assert found.accuracy == 0.5
    np.testing.assert_array_equal(found.chances, [1, 1])
    assert found.ece == pytest.approx(0.5)


def test_a_class_that_is_none_is_named(drawn):
    with pytest.raises(it.InputError, match="“finance” is no class of this classifier. It has: law, medicine"):
        measure_results(drawn[0][:1], ["finance"], LABELS)

"""Results beside scikit-learn's and scipy's, and calibration by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

import interpret as it
from interpret.core.intervals import wilson
from interpret.finetuning.pretraining_results import measure_pretraining
from interpret.finetuning.regression_results import measure_fit
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
    # Over the classes that occur, true or given: nothing is known of the fourth.
    assert found.macro_f1 == pytest.approx(f1_score(truth, given, average="macro"))
    assert found.without_examples == ("never",)
    ends = binomtest(int(found.confusion[0, 0]), int(found.confusion[0].sum())).proportion_ci(method="wilson")
    assert found.recall_interval[0] == pytest.approx((ends.low, ends.high), rel=1e-3)
    assert np.isnan(found.recall_interval[3]).all()
    assert found.accuracy == np.mean(np.array(truth) == given)
    assert found.majority == max(truth.count(one) for one in LABELS) / 200
    interval = binomtest(round(found.accuracy * 200), 200).proportion_ci(method="wilson")
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-3)


def test_calibration_by_hand():
    # Two answers at 0.9, one of them right; two at 0.6, both right.
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    found = measure_results(np.log(chances).astype(np.float32), ["a", "b", "b", "b"], ("a", "b"))
    assert found.ece == pytest.approx(0.5 * abs(0.9 - 0.5) + 0.5 * abs(0.6 - 1.0), abs=1e-6)
    np.testing.assert_allclose(found.confidence, [0.6, 0.9], atol=1e-6)
    np.testing.assert_array_equal(found.rightness, [1, 0.5])
    np.testing.assert_array_equal(found.counts, [2, 2])
    np.testing.assert_array_equal(found.mistakes, [1])


def test_mistakes_come_the_surest_first(drawn):
    logits, truth = drawn
    found = measure_results(logits, truth, LABELS)
    assert len(found.mistakes) == round(200 * (1 - found.accuracy))
    assert np.all(np.diff(found.probabilities[found.mistakes]) <= 0)
    assert all(LABELS[found.answers[i]] != truth[i] for i in found.mistakes)


def test_very_sure_scores_are_no_overflow():
    found = measure_results(np.array([[1000, -1000], [-1000, 1000]], np.float32), ["a", "a"], ("a", "b"))
    assert found.accuracy == 0.5
    np.testing.assert_array_equal(found.probabilities, [1, 1])
    assert found.ece == pytest.approx(0.5)


def test_a_class_that_is_none_is_named(drawn):
    with pytest.raises(it.InputError, match="This classifier has no class “finance”. It has: law, medicine"):
        measure_results(drawn[0][:1], ["finance"], LABELS)


@pytest.mark.parametrize("count", [1, 2, 10])
@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("rows", [None, "one sentence", "own sentence"])
def test_no_interval_of_a_share_is_without_width(count, right, rows):
    """All right or all wrong: what chance would still allow is never nothing (Wilson at 1 of 1: 0.21 to 1)."""
    logits = np.tile(np.array([[2.0, 0.0]] if right else [[0.0, 2.0]], np.float32), (count, 1))
    places = {"one sentence": np.zeros(count, int), "own sentence": np.arange(count)}.get(rows)
    found = measure_results(logits, ["B-PER"] * count, ("B-PER", "O"), places)
    ends = [found.interval, *found.precision_interval, *found.recall_interval, *found.rightness_interval]
    if found.entities is not None:
        entities = found.entities
        ends += [entities.interval, entities.recall_interval, entities.precision_interval]
    known = [one for one in map(np.asarray, ends) if np.isfinite(one).all()]
    assert len(known) >= 3
    assert all(np.ptp(one) > 0.2 for one in known)
    # Ten words of one sentence are one observation.
    if rows == "one sentence":
        assert found.interval == pytest.approx(wilson(right, 1))


@pytest.mark.parametrize("right", [True, False])
def test_tokens_of_one_passage_are_one_observation(right):
    rank = np.zeros(30, int) if right else np.full(30, 9)
    chosen = {"truth": np.zeros(30, int), "guess": np.zeros(30, int), "chance": np.full(30, 0.5, np.float32)}
    pairs = {"follows": np.full(2, 0.9, np.float32), "following": np.full(2, right)}
    found = measure_pretraining(chosen | pairs | {"rank": rank, "rows": np.repeat([0, 1], 15)})
    assert found.interval == found.five_interval == found.next_interval == wilson(2 * right, 2)


def test_the_r2_of_noise_is_not_told_from_the_mean_and_a_fit_is():
    random = np.random.default_rng(0)
    truth = random.normal(size=200)
    noise, fit = measure_fit(0.1 * random.normal(size=200), truth), measure_fit(truth + random.normal(size=200), truth)
    assert noise.interval[0] < noise.r2 < noise.interval[1]
    assert not noise.beats_mean
    # R² of truth under noise as wide as itself is 0 here; half as wide 0.75.
    half = measure_fit(truth + 0.5 * random.normal(size=200), truth)
    assert half.interval[0] < 0.75 < half.interval[1]
    assert half.beats_mean
    assert not fit.beats_mean
    assert not measure_fit(truth[:1], truth[:1]).beats_mean

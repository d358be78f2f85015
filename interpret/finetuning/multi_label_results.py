"""How good a model is that gives each text any number of classes, on what was held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.intervals import DRAWS, drawn_sums, percentiles, wilson
from interpret.core.sentences import sentence
from interpret.finetuning.headline import Headline

THRESHOLD = 0.5
# Thresholds of their own are chosen on all parts but one, and measured on that one.
_FOLDS = 5
# Of fewer rows of a class no threshold is chosen.
_LEAST_ROWS = 5


@dataclass(frozen=True, eq=False)
class MultiLabelResults:
    """What came out of a multi-label classification on examples that were held out.

    A class is given where its probability is one half or more. Every interval is of 95%, by bootstrap over examples,
    but for those of shares of examples (Wilson 1927).

    Attributes
    ----------
    labels
        The classes.
    probabilities, truth
        The probability of each class for each example, and whether it is of it.
    micro_f1, micro_f1_interval
        F1 over all decisions: the harmonic mean of the share of right ones among classes that were given, and among
        those that are true.
    macro_f1, macro_f1_interval
        The mean of F1 over the classes that occur, true or given, as scikit-learn's ``f1_score(average="macro")`` has
        it.
    exact, exact_interval
        The share of examples whose classes are all right (subset accuracy).
    hamming
        The share of decisions that are wrong (Hamming loss).
    baseline
        The micro-F1 of who always gives the same classes: the best choice for these very examples.
    precision, recall, f1
        Of each class; NaN where there is nothing to divide by.
    precision_interval, recall_interval, f1_interval
        Their intervals; NaN where there is nothing to divide by.
    thresholds
        For each class the probability from which on it would have to be given for the largest F1 on these examples;
        one half where that does as well, or where it has fewer than five.
    tuned_macro_f1, tuned_gain
        The macro-F1 that such thresholds give on examples that they were not chosen on, by five-fold cross-fitting; and
        the interval over examples of how much more that is than what one half gives.
    tuned_lead
        The interval of how much more mean F1 such thresholds give than giving every example every class, which needs
        no learning; over the classes that examples are of, so that both are means over the same ones.
    mistakes
        Indices of examples, those first whose classes are most surely wrong.
    """

    labels: tuple[str, ...]
    probabilities: Float32[np.ndarray, "example label"]
    truth: Bool[np.ndarray, "example label"]
    micro_f1: float
    micro_f1_interval: tuple[float, float]
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    exact: float
    exact_interval: tuple[float, float]
    hamming: float
    baseline: float
    precision: Float64[np.ndarray, " label"]
    recall: Float64[np.ndarray, " label"]
    f1: Float64[np.ndarray, " label"]
    precision_interval: Float64[np.ndarray, "label 2"]
    recall_interval: Float64[np.ndarray, "label 2"]
    f1_interval: Float64[np.ndarray, "label 2"]
    thresholds: Float64[np.ndarray, " label"]
    tuned_macro_f1: float
    tuned_gain: tuple[float, float]
    tuned_lead: tuple[float, float]
    mistakes: Int[np.ndarray, " mistake"]

    @property
    def given(self) -> Bool[np.ndarray, "example label"]:
        """Which classes each example was given."""
        return read_only(self.probabilities >= THRESHOLD, bool)

    @property
    def headline(self) -> Headline:
        """What a run is reported with first."""
        return Headline(sentence("micro-F1"), self.micro_f1, True)

    @property
    def beats_baseline(self) -> bool:
        """Whether the interval of micro-F1 lies above that of who always gives the same classes."""
        return self.micro_f1_interval[0] > self.baseline

    def facts(self) -> dict[str, float]:
        """Return the numbers that a run is listed with."""
        low, high = self.micro_f1_interval
        return {
            "micro_f1": self.micro_f1,
            "low": low,
            "high": high,
            "macro_f1": self.macro_f1,
            "exact": self.exact,
            "hamming": self.hamming,
            "baseline_micro_f1": self.baseline,
            "tuned_macro_f1": self.tuned_macro_f1,
            "tuned_lead_low": self.tuned_lead[0],
            "tuned_lead_high": self.tuned_lead[1],
        }


def measure_labels(
    logits: Float32[np.ndarray, "example label"], truth: Float[np.ndarray, "example label"], labels: Sequence[str]
) -> MultiLabelResults:
    """Compare a model's scores of each class with the truth.

    Parameters
    ----------
    truth
        1 where an example is of a class, else 0.
    labels
        The classes, in the order of both.

    Raises
    ------
    InputError
        If there are no examples.
    """
    if not len(truth):
        raise InputError("There are no rows to evaluate on. Hold some out.")
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    true, given = truth > THRESHOLD, probabilities >= THRESHOLD
    ways = [_parts(true, one) for one in (given, _cross_fitted(probabilities, true), np.ones_like(true))]
    parts, tuned, _all = ways
    # The same rows are drawn for all numbers: one set of draws, of shape (way, draw, label, 3).
    drawn = drawn_sums(np.concatenate(ways, axis=1).reshape(len(true), -1), 0, DRAWS)
    own_draws, tuned_draws, all_draws = drawn.reshape(DRAWS, len(ways), -1, 3).swapaxes(0, 1)
    sums, whole = parts.sum(axis=0), parts.sum(axis=1)
    precision, recall, f1 = _shares(sums)
    per_label = np.stack([_class_ends(own_draws[:, index], sums[index]) for index in range(len(labels))])
    right = (true == given).all(axis=1)
    wrong = np.abs(probabilities - true).max(axis=1)
    order = np.argsort(-wrong, kind="stable")
    return MultiLabelResults(
        labels=tuple(labels),
        probabilities=read_only(probabilities, np.float32),
        truth=read_only(true, bool),
        micro_f1=float(f1_of(whole.sum(axis=0))),
        micro_f1_interval=_unless_alike(percentiles(f1_of(own_draws.sum(axis=1))), whole),
        macro_f1=float(_macro(sums)),
        macro_f1_interval=_unless_alike(percentiles(_macro(own_draws)), whole),
        exact=float(right.mean()),
        exact_interval=wilson(int(right.sum()), len(right)),
        hamming=float((true != given).mean()),
        baseline=_baseline(true),
        precision=read_only(precision),
        recall=read_only(recall),
        f1=read_only(f1),
        precision_interval=read_only(per_label[:, 0]),
        recall_interval=read_only(per_label[:, 1]),
        f1_interval=read_only(per_label[:, 2]),
        thresholds=read_only([_best_threshold(*one) for one in zip(probabilities.T, true.T, strict=True)], np.float64),
        tuned_macro_f1=float(_macro(tuned.sum(axis=0))),
        tuned_gain=percentiles(_macro(tuned_draws) - _macro(own_draws)),
        tuned_lead=percentiles((f1_of(tuned_draws) - f1_of(all_draws))[:, true.any(axis=0)].mean(axis=1)),
        mistakes=read_only(order[~right[order]], np.int64),
    )


def label_parts(
    logits: Float32[np.ndarray, "example label"], truth: Float[np.ndarray, "example label"]
) -> Float64[np.ndarray, "example part"]:
    """Return of each example its mean loss, 1, and how many classes are rightly, wrongly and not given."""
    scores, true = logits.astype(np.float64), truth > THRESHOLD
    # The binary cross-entropy, without what overflows.
    loss = np.maximum(scores, 0) - scores * true + np.log1p(np.exp(-np.abs(scores)))
    given = scores >= 0
    counts = [one.sum(axis=1) for one in (true & given, ~true & given, true & ~given)]
    return np.stack([loss.mean(axis=1), np.ones(len(scores)), *counts], axis=1)


def f1_of(counts: Float[np.ndarray, "*draw 3"]) -> Float64[np.ndarray, "*draw"]:
    """Return F1 of how many are rightly, wrongly and not given; 0 where there is nothing to divide by."""
    right, wrong, missed = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    whole = 2 * right + wrong + missed
    return np.asarray(np.divide(2 * right, whole, out=np.zeros_like(whole), where=whole > 0))


def _shares(sums: Float64[np.ndarray, "*each 3"]) -> list[np.ndarray]:
    """Return precision, recall and F1; NaN where there is nothing to divide by."""
    right, wrong, missed = np.moveaxis(sums, -1, 0)
    pairs = ((right, right + wrong), (right, right + missed), (2 * right, 2 * right + wrong + missed))
    return [np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0) for part, whole in pairs]


def _parts(
    true: Bool[np.ndarray, "example label"], given: Bool[np.ndarray, "example label"]
) -> Float64[np.ndarray, "example label 3"]:
    """Return whether each class is rightly given, wrongly given, and missed."""
    return np.stack([true & given, ~true & given, true & ~given], axis=-1).astype(np.float64)


def _class_ends(drawn: Float64[np.ndarray, "draw 3"], sums: Float64[np.ndarray, " 3"]) -> Float64[np.ndarray, "3 2"]:
    """Return the intervals of a class's precision, recall and F1, of draws of how often it is right, wrong, missed."""
    right, wrong, missed = sums
    # Of how many rows each is a share; F1 is 2J / (1 + J) of the share J of right ones among all three.
    counts = (right + wrong, right + missed, right + wrong + missed)
    found = np.full((3, 2), np.nan)
    for index, (values, count) in enumerate(zip(_shares(drawn), counts, strict=True)):
        if not count:
            continue
        found[index] = percentiles(values)
        if not found[index, 1] > found[index, 0]:
            # Where resampling has nothing to vary.
            ends = np.array(wilson(right, count))
            found[index] = 2 * ends / (1 + ends) if index == 2 else ends
    return found


def _unless_alike(ends: tuple[float, float], parts: Float64[np.ndarray, "example 3"]) -> tuple[float, float]:
    """Return an interval of F1; where all examples are alike, so that it has no width, Wilson's of as many rows."""
    if ends[1] > ends[0]:
        return ends
    rows = int(parts.any(axis=1).sum())
    right, wrong, missed = parts.sum(axis=0)
    whole = right + wrong + missed
    low, high = wilson(right / whole * rows, rows) if whole else (float("nan"), float("nan"))
    return 2 * low / (1 + low), 2 * high / (1 + high)


def _macro(sums: Float64[np.ndarray, "*draw label 3"]) -> Float64[np.ndarray, "*draw"]:
    """Return the mean of F1 over the classes that occur, true or given."""
    there = sums.sum(axis=-1) > 0
    return np.asarray((f1_of(sums) * there).sum(axis=-1) / np.maximum(there.sum(axis=-1), 1))


def _baseline(true: Bool[np.ndarray, "example label"]) -> float:
    """Return the micro-F1 of who gives all examples the same classes, the commonest: as many as serve best."""
    counts = np.sort(true.sum(axis=0))[::-1].astype(np.float64)
    right, given = np.cumsum(counts), len(true) * np.arange(1, len(counts) + 1)
    whole = given + counts.sum()
    return float((2 * right / whole).max())


def _best_threshold(probabilities: np.ndarray, true: np.ndarray) -> float:
    """Return the probability from which on a class is to be given for the largest F1; of equals nearest to one half."""
    if true.sum() < _LEAST_ROWS:
        return THRESHOLD
    order = np.argsort(-probabilities, kind="stable")
    ranked, right = probabilities[order], np.cumsum(true[order]).astype(np.float64)
    # Each number of classes given, from the surest on; of equal probabilities all or none.
    last = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    given = last + 1.0
    scores = 2 * right[last] / (given + true.sum())
    own = probabilities >= THRESHOLD
    if 2 * (own & true).sum() / (own.sum() + true.sum()) >= scores.max():
        return THRESHOLD
    # Between two probabilities any threshold does the same.
    edges = np.append((ranked[last[:-1]] + ranked[last[:-1] + 1]) / 2, ranked[-1] / 2)
    best = np.flatnonzero(scores == scores.max())
    return float(edges[best[np.abs(edges[best] - THRESHOLD).argmin()]])


def _cross_fitted(probabilities: np.ndarray, true: np.ndarray) -> Bool[np.ndarray, "example label"]:
    """Return the classes that are given by thresholds which were chosen on other examples."""
    folds = np.random.default_rng(0).permutation(np.arange(len(true)) % _FOLDS)
    given = np.zeros(true.shape, bool)
    for fold in range(_FOLDS):
        own = folds == fold
        for label in range(true.shape[1]):
            least = _best_threshold(probabilities[~own, label], true[~own, label])
            given[own, label] = probabilities[own, label] >= least
    return given

"""How good a classifier is on what was held out, and how far its probabilities can be taken at their word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from interpret.core.arrays import read_only
from interpret.core.calibration import by_confidence, ece_interval
from interpret.core.clustered_intervals import drawn_interval
from interpret.core.errors import InputError
from interpret.core.intervals import drawn_groups, share_intervals, wilson
from interpret.core.sentences import sentence
from interpret.finetuning.entities import EntityResults, by_sentence, measure_entities, name_entities
from interpret.finetuning.headline import Headline


@dataclass(frozen=True, eq=False)
class ClassificationResults:
    """What came out on examples that were held out.

    Every interval is of 95%: Wilson's (1927) for examples of their own; for words by sentence, since those of one
    sentence are right and wrong together (`interpret.core.intervals.share_interval`).

    Attributes
    ----------
    labels
        The classes.
    confusion
        How many of each true class (row) were given each class (column).
    precision, recall, f1
        Of each class; 0 where there is nothing to divide by.
    precision_interval, recall_interval, f1_interval
        Their intervals; NaN where there is nothing to divide by. F1 is 2J / (1 + J) of the share J of right ones among
        those that are of a class or were given it, whose interval this makes F1's.
    accuracy, macro_f1
        The share of right answers; the mean of F1 over the classes that occur, true or given, as scikit-learn's
        ``f1_score(average="macro")`` has it.
    macro_f1_interval
        Its interval, by bootstrap over examples, or for words over sentences.
    majority
        The accuracy of who always guesses the class that is commonest among these examples.
    interval
        The interval of the accuracy.
    ece
        The expected calibration error (Naeini et al. 2015; Guo et al. 2017, eq. 3): the mean distance between how sure
        the model is and how often it is right, over ten equal ranges of confidence, weighted by their examples.
    ece_interval
        Its interval, by the basic bootstrap over the same: a distance is never below 0, so that draws lie above what
        they are drawn from, and percentiles would say too much (Davison & Hinkley 1997, eq. 5.6).
    confidence, rightness, rightness_interval, counts
        For each range that has examples: mean probability of the answer, share of right ones, its interval, how many.
    answers, probabilities
        For each example the class given, and its probability.
    mistakes
        Places of wrong answers, the surest first.
    sentences
        How many sentences the words are of; 0 where the examples are no words.
    entities
        Where the classes are tags that mark entities, how many of these were found.
    """

    labels: tuple[str, ...]
    confusion: Int[np.ndarray, "true given"]
    precision: Float32[np.ndarray, " label"]
    recall: Float32[np.ndarray, " label"]
    f1: Float32[np.ndarray, " label"]
    precision_interval: Float32[np.ndarray, "label 2"]
    recall_interval: Float32[np.ndarray, "label 2"]
    f1_interval: Float32[np.ndarray, "label 2"]
    accuracy: float
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    majority: float
    interval: tuple[float, float]
    ece: float
    ece_interval: tuple[float, float]
    confidence: Float32[np.ndarray, " range"]
    rightness: Float32[np.ndarray, " range"]
    rightness_interval: Float32[np.ndarray, "range 2"]
    counts: Int[np.ndarray, " range"]
    answers: Int[np.ndarray, " example"]
    probabilities: Float32[np.ndarray, " example"]
    mistakes: Int[np.ndarray, " mistake"]
    sentences: int
    entities: EntityResults | None

    @property
    def majority_class(self) -> str:
        """The class that is commonest among these examples."""
        return self.labels[int(self.confusion.sum(axis=1).argmax())]

    @property
    def without_examples(self) -> tuple[str, ...]:
        """Classes of which there is no example here, so that nothing is known of how well they are told."""
        return tuple(name for name, count in zip(self.labels, self.confusion.sum(axis=1), strict=True) if not count)

    @property
    def beats_majority(self) -> bool:
        """Whether the accuracy's interval lies above the majority-class baseline."""
        return self.interval[0] > self.majority

    @property
    def finds_entities(self) -> bool:
        """Whether the interval of the entities' F1 lies above that of who finds none."""
        return self.entities is not None and self.entities.interval[0] > 0

    def confused(self) -> Int[np.ndarray, "pair 2"]:
        """Return the pairs of true and given class that were mistaken, the most often first."""
        wrong = self.confusion * (1 - np.eye(len(self.labels), dtype=np.int64))
        order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
        return np.stack(np.unravel_index(order, wrong.shape), axis=1).astype(np.int64)

    @property
    def headline(self) -> Headline:
        """What a run is reported with first: F1 of entities, or accuracy."""
        if self.entities is not None:
            return Headline(sentence("entity F1"), self.entities.f1, True)
        return Headline(sentence("word accuracy") if self.sentences else sentence("accuracy"), self.accuracy, True)

    def facts(self) -> dict[str, float]:
        """Return the numbers that a run is listed with."""
        low, high = self.interval
        facts = {
            "accuracy": self.accuracy,
            "low": low,
            "high": high,
            "macro_f1": self.macro_f1,
            "majority": self.majority,
            "ece": self.ece,
        }
        if self.entities is None:
            return facts
        one = self.entities
        ends = {"entity_low": one.interval[0], "entity_high": one.interval[1]}
        return facts | {"entity_precision": one.precision, "entity_recall": one.recall, "entity_f1": one.f1, **ends}


def measure_results(
    logits: Float32[np.ndarray, "example label"],
    truth: Sequence[str],
    labels: Sequence[str],
    rows: Int[np.ndarray, " example"] | None = None,
) -> ClassificationResults:
    """Compare a classifier's scores with the truth.

    Parameters
    ----------
    truth
        Each example's true class.
    labels
        The classes in the order of the scores.
    rows
        Where the examples are words: of which sentence each is.

    Raises
    ------
    InputError
        If a true class is not among them, or there are no examples.
    """
    index_of = {name: index for index, name in enumerate(labels)}
    foreign = next((one for one in truth if one not in index_of), None)
    if foreign is not None or not len(truth):
        raise InputError(
            "This classifier has no class “{label}”. It has: {known}.",
            label=foreign or "",
            known=", ".join(list(labels)[:20]),
        )
    true = np.array([index_of[one] for one in truth])
    scores = logits.astype(np.float64)
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    given, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    count, classes = len(true), len(index_of)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (true, given), 1)
    hits = np.diag(confusion).astype(float)
    precision, recall = (_share(hits, confusion.sum(axis=axis)) for axis in (0, 1))
    f1 = _share(2 * precision * recall, precision + recall)
    right = given == true
    ranges, filled, counts, confidence, rightness = by_confidence(confidences, right)
    # Of all, of each class given, of each true class, of each range.
    groups = (np.zeros(count, int), given, true, np.searchsorted(filled, ranges))
    intervals = _intervals(right, groups, (1, classes, classes, len(filled)), rows)
    entities = None
    if rows is not None and name_entities(labels):
        tags = [labels[one] for one in given]
        entities = measure_entities(by_sentence(truth, rows), by_sentence(tags, rows))
    wrong = np.flatnonzero(~right)
    owner = np.arange(count) if rows is None else np.unique(rows, return_inverse=True)[1]
    return ClassificationResults(
        labels=tuple(labels),
        confusion=read_only(confusion, np.int64),
        precision=read_only(precision, np.float32),
        recall=read_only(recall, np.float32),
        f1=read_only(f1, np.float32),
        precision_interval=read_only(intervals[1 : classes + 1], np.float32),
        recall_interval=read_only(intervals[classes + 1 : 2 * classes + 1], np.float32),
        f1_interval=read_only(_f1_interval(true, given, classes, rows), np.float32),
        accuracy=float(right.mean()),
        macro_f1=float(f1[confusion.sum(axis=0) + confusion.sum(axis=1) > 0].mean()),
        macro_f1_interval=_macro_f1_interval(true, given, classes, owner),
        majority=float(confusion.sum(axis=1).max() / count),
        interval=(float(intervals[0, 0]), float(intervals[0, 1])),
        ece=float((counts / count * abs(confidence - rightness)).sum()),
        ece_interval=ece_interval(confidences, right, ranges, owner),
        confidence=read_only(confidence, np.float32),
        rightness=read_only(rightness, np.float32),
        rightness_interval=read_only(intervals[2 * classes + 1 :], np.float32),
        counts=read_only(counts, np.int64),
        answers=read_only(given, np.int64),
        probabilities=read_only(confidences, np.float32),
        mistakes=read_only(wrong[np.argsort(-confidences[wrong], kind="stable")], np.int64),
        sentences=len(np.unique(rows)) if rows is not None else 0,
        entities=entities,
    )


def _f1_interval(true: np.ndarray, given: np.ndarray, classes: int, rows: np.ndarray | None) -> np.ndarray:
    """Return the interval of each class's F1: see `ClassificationResults.f1_interval`."""
    right, wrong = given == true, np.flatnonzero(given != true)
    # Of a class or given it: what is wrong is among both.
    either, of_either = np.r_[right, right[wrong]], np.r_[true, given[wrong]]
    among = _intervals(either, (of_either,), (classes,), None if rows is None else np.r_[rows, np.array(rows)[wrong]])
    return 2 * among / (1 + among)


def _intervals(
    right: np.ndarray, groups: Sequence[np.ndarray], sizes: Sequence[int], rows: np.ndarray | None
) -> np.ndarray:
    """Return the intervals of the share of right ones in each group of each grouping, one after another."""
    clusters = np.zeros(len(right), int) if rows is None else np.unique(rows, return_inverse=True)[1]
    sums = np.zeros((2, clusters.max() + 1, sum(sizes)))
    for group, begin in zip(groups, np.cumsum([0, *sizes[:-1]]), strict=True):
        np.add.at(sums[0], (clusters, begin + group), right)
        np.add.at(sums[1], (clusters, begin + group), 1)
    if rows is not None:
        return share_intervals(*sums)
    return np.array([wilson(part, whole) for part, whole in zip(*sums[:, 0].tolist(), strict=True)])


def _macro_f1_interval(true: np.ndarray, given: np.ndarray, classes: int, owner: np.ndarray) -> tuple[float, float]:
    def macro(hits: np.ndarray, occur: np.ndarray) -> np.ndarray:
        there = occur > 0
        return np.divide(2 * hits, occur, out=np.zeros_like(hits), where=there).sum(axis=1) / there.sum(axis=1)

    # F1 is twice the hits through all that are of the class and all that are called so.
    right = (true == given).astype(float)
    hits, there, called = drawn_groups([(true, right), (true, 1.0), (given, 1.0)], owner, (classes,) * 3)
    occur = np.bincount(true, minlength=classes) + np.bincount(given, minlength=classes)
    value = macro(np.bincount(true, right, classes)[None], occur[None].astype(float))[0]
    return drawn_interval(float(value), macro(hits, there + called), int(owner.max()) + 1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=np.asarray(whole) > 0)

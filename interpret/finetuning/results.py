"""How good a classifier is on what was held out, and how far its probabilities can be taken at their word."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy.stats import spearmanr

from interpret.core.arrays import read_only
from interpret.core.clustered_intervals import drawn_interval
from interpret.core.errors import InputError
from interpret.core.intervals import DRAWS, cluster_bootstrap, drawn_sums, share_interval, share_intervals, wilson
from interpret.core.rank_correlation import spearman_interval
from interpret.finetuning.entities import EntityResults, by_sentence, measure_entities, name_entities
from interpret.finetuning.examples import PRETRAINING_TASKS

_BINS = 10


@dataclass(frozen=True, eq=False)
class ClassificationResults:
    """What came out on examples that were held out.

    Every interval is of 95 %: Wilson's (1927) for examples of their own; for words by sentence, since those of one
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
        the model is and how often it is right, over ten equal ranges of sureness, weighted by their examples.
    ece_interval
        Its interval, by the basic bootstrap over the same: a distance is never below 0, so that draws lie above what
        they are drawn from, and percentiles would say too much (Davison & Hinkley 1997, eq. 5.6).
    sureness, rightness, rightness_interval, counts
        For each range that has examples: mean probability of the answer, share of right ones, its interval, how many.
    answers, chances
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
    sureness: Float32[np.ndarray, " range"]
    rightness: Float32[np.ndarray, " range"]
    rightness_interval: Float32[np.ndarray, "range 2"]
    counts: Int[np.ndarray, " range"]
    answers: Int[np.ndarray, " example"]
    chances: Float32[np.ndarray, " example"]
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
        """Whether the accuracy's interval lies above who always guesses the commonest class."""
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
    places = {name: place for place, name in enumerate(labels)}
    foreign = next((one for one in truth if one not in places), None)
    if foreign is not None or not len(truth):
        raise InputError(
            "This classifier has no class “{label}”. It has: {known}.",
            label=foreign or "",
            known=", ".join(list(labels)[:20]),
        )
    true = np.array([places[one] for one in truth])
    scores = logits.astype(np.float64)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    given, sure = chances.argmax(axis=1), chances.max(axis=1)
    count, classes = len(true), len(places)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (true, given), 1)
    hits = np.diag(confusion).astype(float)
    precision, recall = (_share(hits, confusion.sum(axis=axis)) for axis in (0, 1))
    f1 = _share(2 * precision * recall, precision + recall)
    right = given == true
    # A sureness of exactly 1 belongs to the last range.
    ranges = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    filled = [one for one in range(_BINS) if (ranges == one).any()]
    counts = np.array([(ranges == one).sum() for one in filled])
    sureness = np.array([sure[ranges == one].mean() for one in filled])
    rightness = np.array([right[ranges == one].mean() for one in filled])
    # Of all, of each class given, of each true class, of each range.
    groups = (np.zeros(count, int), given, true, np.searchsorted(filled, ranges))
    intervals = _intervals(right, groups, (1, classes, classes, len(filled)), rows)
    entities = None
    if rows is not None and name_entities(labels):
        tags = [labels[one] for one in given]
        entities = measure_entities(by_sentence(truth, rows), by_sentence(tags, rows))
    wrong = np.flatnonzero(~right)
    # Of a class or given it: what is wrong is among both.
    either, of_either = np.r_[right, right[wrong]], np.r_[true, given[wrong]]
    among = _intervals(either, (of_either,), (classes,), None if rows is None else np.r_[rows, np.array(rows)[wrong]])
    owner = np.arange(count) if rows is None else np.unique(rows, return_inverse=True)[1]
    return ClassificationResults(
        labels=tuple(labels),
        confusion=read_only(confusion, np.int64),
        precision=read_only(precision, np.float32),
        recall=read_only(recall, np.float32),
        f1=read_only(f1, np.float32),
        precision_interval=read_only(intervals[1 : classes + 1], np.float32),
        recall_interval=read_only(intervals[classes + 1 : 2 * classes + 1], np.float32),
        f1_interval=read_only(2 * among / (1 + among), np.float32),
        accuracy=float(right.mean()),
        macro_f1=float(f1[confusion.sum(axis=0) + confusion.sum(axis=1) > 0].mean()),
        macro_f1_interval=_macro_f1_interval(true, given, classes, owner),
        majority=float(confusion.sum(axis=1).max() / count),
        interval=(float(intervals[0, 0]), float(intervals[0, 1])),
        ece=float((counts / count * abs(sureness - rightness)).sum()),
        ece_interval=_ece_interval(sure, right, ranges, owner),
        sureness=read_only(sureness, np.float32),
        rightness=read_only(rightness, np.float32),
        rightness_interval=read_only(intervals[2 * classes + 1 :], np.float32),
        counts=read_only(counts, np.int64),
        answers=read_only(given, np.int64),
        chances=read_only(sure, np.float32),
        mistakes=read_only(wrong[np.argsort(-sure[wrong], kind="stable")], np.int64),
        sentences=len(np.unique(rows)) if rows is not None else 0,
        entities=entities,
    )


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


def _drawn(
    columns: Sequence[tuple[np.ndarray, np.ndarray | float]], owner: np.ndarray, widths: Sequence[int]
) -> list[np.ndarray]:
    """Return groups of sums over clusters drawn with replacement: each of places and what is summed up there."""
    clusters = int(owner.max()) + 1
    parts = np.zeros((clusters, sum(widths)))
    begins = np.cumsum([0, *widths])
    for begin, (place, value) in zip(begins, columns, strict=False):
        np.add.at(parts, (owner, begin + place), value)
    # Of many clusters the ends are known well enough by fewer draws.
    draws = drawn_sums(parts, 0, DRAWS if clusters <= 2000 else DRAWS // 4)
    return [draws[:, begin:end] for begin, end in pairwise(begins)]


def _macro_f1_interval(true: np.ndarray, given: np.ndarray, classes: int, owner: np.ndarray) -> tuple[float, float]:
    def macro(hits: np.ndarray, occur: np.ndarray) -> np.ndarray:
        there = occur > 0
        return np.divide(2 * hits, occur, out=np.zeros_like(hits), where=there).sum(axis=1) / there.sum(axis=1)

    # F1 is twice the hits through all that are of the class and all that are called so.
    right = (true == given).astype(float)
    hits, there, called = _drawn([(true, right), (true, 1.0), (given, 1.0)], owner, (classes,) * 3)
    occur = np.bincount(true, minlength=classes) + np.bincount(given, minlength=classes)
    value = macro(np.bincount(true, right, classes)[None], occur[None].astype(float))[0]
    return drawn_interval(float(value), macro(hits, there + called), int(owner.max()) + 1)


def _ece_interval(sure: np.ndarray, right: np.ndarray, ranges: np.ndarray, owner: np.ndarray) -> tuple[float, float]:
    clusters = int(owner.max()) + 1
    if clusters < 2:
        return float("nan"), float("nan")
    gaps, counts = _drawn([(ranges, sure - right), (ranges, 1.0)], owner, (_BINS, _BINS))
    value = np.abs(np.bincount(ranges, sure - right)).sum() / len(sure)
    low, high = np.quantile(np.abs(gaps).sum(axis=1) / counts.sum(axis=1), (0.025, 0.975))
    room = 1 - 0.025 ** (1 / clusters)
    return float(np.clip(2 * value - high, 0, 1)), float(np.clip(max(2 * value - low, value + room), 0, 1))


@dataclass(frozen=True, eq=False)
class RegressionResults:
    """What came out of a regression on examples that were held out.

    Attributes
    ----------
    answers, truth
        The value said of each, and the true one.
    r2
        The share of the variance explained: 1 is perfect, 0 is as good as always saying the mean.
    mae, rmse
        Mean absolute error, and root of the mean squared error, in the unit of the labels.
    interval
        The 95 % interval of R² by bootstrap over the examples; NaN where there is a single one.
    pearson, spearman
        Correlation of values, and of their ranks; NaN where all answers are the same.
    mistakes
        Places, the furthest off first.
    """

    answers: Float32[np.ndarray, " example"]
    truth: Float32[np.ndarray, " example"]
    r2: float
    interval: tuple[float, float]
    mae: float
    rmse: float
    pearson: float
    spearman: float
    mistakes: Int[np.ndarray, " example"]

    @cached_property
    def spearman_interval(self) -> tuple[float, float]:
        """The 95 % interval of the rank correlation over the examples."""
        return spearman_interval(self.spearman, len(self.truth))

    @cached_property
    def mae_interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean absolute error, by bootstrap over the examples."""
        return self._by_error(lambda sums: sums[:, 1] / sums[:, 0])

    @cached_property
    def rmse_interval(self) -> tuple[float, float]:
        """The 95 % interval of the root of the mean squared error, by bootstrap over the examples."""
        return self._by_error(lambda sums: np.sqrt(sums[:, 2] / sums[:, 0]))

    def _by_error(self, statistic: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
        missed = np.abs(self.answers.astype(float) - self.truth)
        if len(missed) < 2:
            return float("nan"), float("nan")
        return cluster_bootstrap(np.stack([np.ones(len(missed)), missed, missed**2], axis=1), statistic)

    @property
    def beats_mean(self) -> bool:
        """Whether the interval of R² lies above 0, where who always says the mean of these examples is."""
        return self.interval[0] > 0


def measure_fit(answers: np.ndarray, truth: np.ndarray) -> RegressionResults:
    """Compare values with the truth."""
    given, true = np.asarray(answers, float), np.asarray(truth, float)
    missed = given - true
    spread = np.square(true - true.mean()).sum()
    parts = fit_parts(given, true)
    varied = given.std() > 0 and true.std() > 0
    return RegressionResults(
        answers=read_only(given, np.float32),
        truth=read_only(true, np.float32),
        r2=float(1 - np.square(missed).sum() / spread) if spread else float("nan"),
        interval=cluster_bootstrap(parts, r2_of),
        mae=float(np.abs(missed).mean()),
        rmse=float(np.sqrt(np.square(missed).mean())),
        pearson=float(np.corrcoef(given, true)[0, 1]) if varied else float("nan"),
        spearman=float(spearmanr(given, true).statistic) if varied else float("nan"),
        mistakes=read_only(np.argsort(-np.abs(missed), kind="stable"), np.int64),
    )


def fit_parts(given: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return of each example what `r2_of` sums up: squared error, 1, value and squared value from the mean."""
    centred = true - true.mean()
    return np.stack([np.square(given - true), np.ones(len(true)), centred, np.square(centred)], axis=1)


def r2_of(sums: np.ndarray) -> np.ndarray:
    """Return R² of sums over `fit_parts`, whatever axes come before the last."""
    missed, count, total, squares = np.moveaxis(sums, -1, 0)
    spread = squares - total**2 / count
    return 1 - missed / np.where(spread > 1e-12 * squares, spread, np.nan)


@dataclass(frozen=True, eq=False)
class PretrainingResults:
    """What came out of the games on passages that were held out.

    Attributes
    ----------
    truth, guess
        Of each token that was chosen, its id and the id of the model's first guess.
    chance, rank
        The probability of the true token, and how many others are likelier.
    passage
        Which passage each is of.
    first, five
        The share of tokens that are the first guess, and among the first five.
    interval, five_interval
        Their 95 % intervals, by passage: its tokens are guessed from each other, and right and wrong together.
    perplexity
        ``exp`` of the mean surprise, ``-log chance``: as many tokens, all alike, would be as hard to choose from.
    follows, following
        Of each passage the probability that its second half follows its first, and whether it does; empty where only
        words were guessed.
    next, next_interval
        The share of passages of which that is told right, and its 95 % interval by pair (Wilson 1927); NaN where only
        words were guessed.
    """

    truth: Int[np.ndarray, " chosen"]
    guess: Int[np.ndarray, " chosen"]
    chance: Float32[np.ndarray, " chosen"]
    rank: Int[np.ndarray, " chosen"]
    passage: Int[np.ndarray, " chosen"]
    first: float
    five: float
    interval: tuple[float, float]
    five_interval: tuple[float, float]
    perplexity: float
    follows: Float32[np.ndarray, " pair"]
    following: Bool[np.ndarray, " pair"]
    next: float
    next_interval: tuple[float, float]


def measure_pretraining(answers: Mapping[str, np.ndarray]) -> PretrainingResults:
    """Sum up what `interpret.finetuning.pretraining_trainer.GameTrainer.judge` returned."""
    rank = answers["rank"]
    shares = [share_interval(*_by_row(rank < most, answers["rows"])) for most in (1, 5)]
    follows = answers.get("follows", np.empty(0, np.float32))
    following = answers.get("following", np.empty(0, bool))
    told = (follows > 0.5) == following
    nothing = float("nan")
    return PretrainingResults(
        truth=read_only(answers["truth"], np.int64),
        guess=read_only(answers["guess"], np.int64),
        chance=read_only(answers["chance"], np.float32),
        rank=read_only(rank, np.int64),
        passage=read_only(answers["rows"], np.int64),
        first=float((rank == 0).mean()),
        five=float((rank < 5).mean()),
        interval=shares[0],
        five_interval=shares[1],
        perplexity=float(np.exp(-np.log(np.maximum(answers["chance"].astype(np.float64), 1e-30)).mean())),
        follows=read_only(follows, np.float32),
        following=read_only(following, bool),
        next=float(told.mean()) if len(told) else nothing,
        next_interval=wilson(int(told.sum()), len(told)) if len(told) else (nothing, nothing),
    )


def _by_row(right: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.bincount(rows, weights=right), np.bincount(rows)


def facts_of(found: ClassificationResults | RegressionResults | PretrainingResults) -> dict[str, float]:
    """Return the numbers that a run is listed with."""
    low, high = found.interval
    between = {"low": low, "high": high}
    if isinstance(found, PretrainingResults):
        words = {"accuracy": found.first, **between, "among_five": found.five, "perplexity": found.perplexity}
        return words if math.isnan(found.next) else words | {"next_accuracy": found.next}
    if isinstance(found, RegressionResults):
        return {"r2": found.r2, **between, "mae": found.mae, "rmse": found.rmse, "spearman": found.spearman}
    facts = {
        "accuracy": found.accuracy,
        **between,
        "macro_f1": found.macro_f1,
        "majority": found.majority,
        "ece": found.ece,
    }
    if found.entities is None:
        return facts
    one = found.entities
    ends = {"entity_low": one.interval[0], "entity_high": one.interval[1]}
    return facts | {"entity_precision": one.precision, "entity_recall": one.recall, "entity_f1": one.f1, **ends}


def beats_baseline(facts: Mapping[str, float]) -> bool | None:
    """Tell whether a run is shown to be better than one that has learned nothing, by what it is listed with.

    The interval of its accuracy lies above the share of the commonest class; of entities that of F1 above 0 as well;
    of a regression that of R² above 0, where who always says the mean is. None where there is no such baseline.
    """
    if "majority" in facts:
        return facts.get("low", 0.0) > facts["majority"] and facts.get("entity_low", 1.0) > 0
    # Runs from before R² had an interval are taken by the number alone.
    return facts.get("low", facts["r2"]) > 0 if "r2" in facts else None


def reported_on(facts: Mapping[str, float], chooses: bool) -> str:
    """Tell on which rows a run is reported, by what it is listed with.

    Returns
    -------
    ``"test"``: nothing was chosen by them. ``"choosing"``: they chose the epoch among several, which flatters it.

    Parameters
    ----------
    chooses
        Whether an epoch was to be chosen at all.
    """
    # A run that was stopped in its first epoch had nothing to choose from.
    return "choosing" if chooses and "validated" not in facts and facts.get("among", 2) > 1 else "test"


def in_words(facts: Mapping[str, float], task: str, chooses: bool) -> list[str]:
    """Say in a terminal's lines how good a run is, on which rows, and whether that is better than nothing."""
    share, nothing = ("word accuracy", "tag") if task == "token classes" else ("accuracy", "class")
    nothing = f"always giving the commonest {nothing}, which is right in {facts.get('majority', 0):.1%}"
    if task == "regression":
        lines = [f"R² {facts['r2']:.3f} {_between(facts, '.3f')}, mean error {facts['mae']:.4g}"]
        nothing = "always saying the mean"
    else:
        names = {"macro_f1": "macro-F1", "among_five": "among the first five", "perplexity": "perplexity"}
        names |= {"next_accuracy": "next-sentence accuracy", "pseudo_perplexity": "pseudo-perplexity"}
        more = "".join(f", {said} {facts[name]:.4g}" for name, said in names.items() if name in facts)
        lines = [f"{share} {facts['accuracy']:.1%} {_between(facts, '.1%')}{more}"]
    if "entity_f1" in facts:
        ends = _between({"low": facts["entity_low"], "high": facts["entity_high"]}, ".1%")
        found = f"precision {facts['entity_precision']:.1%}, recall {facts['entity_recall']:.1%}"
        lines.insert(0, f"entities: F1 {facts['entity_f1']:.1%} {ends}, {found}")
    if beats_baseline(facts) is False:
        lines.append(f"NOT SHOWN TO BE BETTER than {nothing}")
    unit = "sentences" if task == "token classes" else "passages" if task in PRETRAINING_TASKS else "rows"
    count = f"{facts.get('judged', 0):.0f} {unit}"
    if reported_on(facts, chooses) == "choosing":
        lines.append(f"measured on the {count} that chose the epoch, which flatters it")
        if "honest" in facts:
            lines[-1] += f": chosen by one half of them and measured on the other it is {facts['honest']:.4g}"
    elif "validated" in facts:
        lines.append(f"measured on {count} that had no say in the epoch; {facts['validated']:.0f} others chose it")
    else:
        lines.append(f"measured on {count}; no epoch was chosen")
    return lines


def _between(facts: Mapping[str, float], form: str) -> str:
    return f"(95 %: {facts['low']:{form}} to {facts['high']:{form}})" if "low" in facts else ""


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=np.asarray(whole) > 0)

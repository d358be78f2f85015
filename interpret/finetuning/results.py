"""How good a classifier is on what was held out, and how far its probabilities can be taken at their word."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy.stats import spearmanr

from interpret.arrays import read_only
from interpret.errors import InputError
from interpret.intervals import wilson

_BINS = 10


@dataclass(frozen=True, eq=False)
class Results:
    """What came out on examples that were held out.

    Attributes
    ----------
    labels
        The classes.
    confusion
        How many of each true class (row) were given each class (column).
    precision, recall, f1
        Of each class; 0 where there is nothing to divide by.
    accuracy, macro_f1
        The share of right answers; the mean of the classes' F1.
    majority
        The accuracy of who always guesses the commonest class.
    interval
        The 95 % interval of the accuracy (Wilson 1927).
    ece
        The expected calibration error (Naeini et al. 2015; Guo et al. 2017, eq. 3): the mean distance between how sure
        the model is and how often it is right, over ten equal ranges of sureness, weighted by their examples.
    sureness, rightness, counts
        For each range that has examples: mean probability of the answer, share of right ones, and how many.
    answers, chances
        For each example the class given, and its probability.
    mistakes
        Places of wrong answers, the surest first.
    """

    labels: tuple[str, ...]
    confusion: Int[np.ndarray, "true given"]
    precision: Float32[np.ndarray, "label"]
    recall: Float32[np.ndarray, "label"]
    f1: Float32[np.ndarray, "label"]
    accuracy: float
    macro_f1: float
    majority: float
    interval: tuple[float, float]
    ece: float
    sureness: Float32[np.ndarray, "range"]
    rightness: Float32[np.ndarray, "range"]
    counts: Int[np.ndarray, "range"]
    answers: Int[np.ndarray, "example"]
    chances: Float32[np.ndarray, "example"]
    mistakes: Int[np.ndarray, "mistake"]


def measure_results(
    logits: Float32[np.ndarray, "example label"], truth: Sequence[str], labels: Sequence[str]
) -> Results:
    """Compare a classifier's scores with the truth.

    Parameters
    ----------
    truth
        Each example's true class.
    labels
        The classes in the order of the scores.

    Raises
    ------
    InputError
        If a true class is not among them, or there are no examples.
    """
    places = {name: place for place, name in enumerate(labels)}
    foreign = next((one for one in truth if one not in places), None)
    if foreign is not None or not len(truth):
        raise InputError(
            "“{label}” is no class of this classifier. It has: {known}.",
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
    sureness = np.array([sure[ranges == one].mean() for one in filled])
    rightness = np.array([right[ranges == one].mean() for one in filled])
    counts = np.array([(ranges == one).sum() for one in filled])
    wrong = np.flatnonzero(~right)
    return Results(
        labels=tuple(labels),
        confusion=read_only(confusion, np.int64),
        precision=read_only(precision, np.float32),
        recall=read_only(recall, np.float32),
        f1=read_only(f1, np.float32),
        accuracy=float(right.mean()),
        macro_f1=float(f1.mean()),
        majority=float(confusion.sum(axis=1).max() / count),
        interval=wilson(int(right.sum()), count),
        ece=float((counts / count * abs(sureness - rightness)).sum()),
        sureness=read_only(sureness, np.float32),
        rightness=read_only(rightness, np.float32),
        counts=read_only(counts, np.int64),
        answers=read_only(given, np.int64),
        chances=read_only(sure, np.float32),
        mistakes=read_only(wrong[np.argsort(-sure[wrong], kind="stable")], np.int64),
    )


@dataclass(frozen=True, eq=False)
class Fit:
    """What came out of a regression on examples that were held out.

    Attributes
    ----------
    answers, truth
        The value said of each, and the true one.
    r2
        The share of the variance explained: 1 is perfect, 0 is as good as always saying the mean.
    mae, rmse
        Mean absolute error, and root of the mean squared error, in the unit of the labels.
    pearson, spearman
        Correlation of values, and of their ranks; NaN where all answers are the same.
    mistakes
        Places, the furthest off first.
    """

    answers: Float32[np.ndarray, "example"]
    truth: Float32[np.ndarray, "example"]
    r2: float
    mae: float
    rmse: float
    pearson: float
    spearman: float
    mistakes: Int[np.ndarray, "example"]


def measure_fit(answers: np.ndarray, truth: np.ndarray) -> Fit:
    """Compare values with the truth."""
    given, true = np.asarray(answers, float), np.asarray(truth, float)
    missed = given - true
    spread = np.square(true - true.mean()).sum()
    varied = given.std() > 0 and true.std() > 0
    return Fit(
        answers=read_only(given, np.float32),
        truth=read_only(true, np.float32),
        r2=float(1 - np.square(missed).sum() / spread) if spread else float("nan"),
        mae=float(np.abs(missed).mean()),
        rmse=float(np.sqrt(np.square(missed).mean())),
        pearson=float(np.corrcoef(given, true)[0, 1]) if varied else float("nan"),
        spearman=float(spearmanr(given, true).statistic) if varied else float("nan"),
        mistakes=read_only(np.argsort(-np.abs(missed), kind="stable"), np.int64),
    )


@dataclass(frozen=True, eq=False)
class GameResults:
    """What came out of the games on passages that were held out.

    Attributes
    ----------
    truth, guess
        Of each piece that was chosen, its id and the id of the model's first guess.
    chance, rank
        The probability of the true piece, and how many others are likelier.
    passage
        Which passage each is of.
    first, five
        The share of pieces that are the first guess, and among the first five.
    interval
        The 95 % interval of ``first`` (Wilson 1927).
    perplexity
        ``exp`` of the mean surprise, ``-log chance``: as many pieces, all alike, would be as hard to choose from.
    follows, following
        Of each passage the probability that its second half follows its first, and whether it does; empty where only
        words were guessed.
    next, next_interval
        The share of passages of which that is told right; NaN where only words were guessed.
    """

    truth: Int[np.ndarray, "chosen"]
    guess: Int[np.ndarray, "chosen"]
    chance: Float32[np.ndarray, "chosen"]
    rank: Int[np.ndarray, "chosen"]
    passage: Int[np.ndarray, "chosen"]
    first: float
    five: float
    interval: tuple[float, float]
    perplexity: float
    follows: Float32[np.ndarray, "pair"]
    following: Bool[np.ndarray, "pair"]
    next: float
    next_interval: tuple[float, float]


def measure_game(answers: Mapping[str, np.ndarray]) -> GameResults:
    """Sum up what `interpret.finetuning.game_trainer.GameTrainer.judge` returned."""
    rank = answers["rank"]
    right = rank == 0
    follows = answers.get("follows", np.empty(0, np.float32))
    following = answers.get("following", np.empty(0, bool))
    told = (follows > 0.5) == following
    nothing = float("nan")
    return GameResults(
        truth=read_only(answers["truth"], np.int64),
        guess=read_only(answers["guess"], np.int64),
        chance=read_only(answers["chance"], np.float32),
        rank=read_only(rank, np.int64),
        passage=read_only(answers["rows"], np.int64),
        first=float(right.mean()),
        five=float((rank < 5).mean()),
        interval=wilson(int(right.sum()), len(right)),
        perplexity=float(np.exp(-np.log(np.maximum(answers["chance"].astype(np.float64), 1e-30)).mean())),
        follows=read_only(follows, np.float32),
        following=read_only(following, bool),
        next=float(told.mean()) if len(told) else nothing,
        next_interval=wilson(int(told.sum()), len(told)) if len(told) else (nothing, nothing),
    )


def facts_of(found: Results | Fit | GameResults) -> dict[str, float]:
    """Return the numbers that a run is listed with."""
    if isinstance(found, GameResults):
        words = {
            "accuracy": found.first,
            "low": found.interval[0],
            "high": found.interval[1],
            "among_five": found.five,
            "perplexity": found.perplexity,
        }
        return words if math.isnan(found.next) else words | {"next_accuracy": found.next}
    if isinstance(found, Fit):
        return {"r2": found.r2, "mae": found.mae, "rmse": found.rmse, "spearman": found.spearman}
    return {
        "accuracy": found.accuracy,
        "low": found.interval[0],
        "high": found.interval[1],
        "macro_f1": found.macro_f1,
        "majority": found.majority,
        "ece": found.ece,
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=np.asarray(whole) > 0)

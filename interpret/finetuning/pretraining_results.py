"""How well masked words and next sentences are predicted on what was held out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

from interpret.core.arrays import read_only
from interpret.core.intervals import share_interval, wilson
from interpret.core.sentences import sentence
from interpret.finetuning.headline import Headline


@dataclass(frozen=True, eq=False)
class PretrainingResults:
    """What came out on passages that were held out.

    Attributes
    ----------
    truth, guess
        Of each token that was chosen, its id and the id of the model's first guess.
    probability, rank
        The probability of the true token, and how many others are likelier.
    passage
        Which passage each is of.
    first, five
        The share of tokens that are the first guess, and among the first five.
    interval, five_interval
        Their 95% intervals, by passage: its tokens are guessed from each other, and right and wrong together.
    perplexity
        ``exp`` of the mean surprise, ``-log probability``: as many tokens, all alike, would be as hard to choose from.
    follows, following
        Of each passage the probability that its second half follows its first, and whether it does; empty where only
        words were guessed.
    next, next_interval
        The share of passages of which that is told right, and its 95% interval by pair (Wilson 1927); NaN where only
        words were guessed.
    """

    truth: Int[np.ndarray, " chosen"]
    guess: Int[np.ndarray, " chosen"]
    probability: Float32[np.ndarray, " chosen"]
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

    @property
    def headline(self) -> Headline:
        """What a run is reported with first."""
        return Headline(sentence("top-1 accuracy"), self.first, True)

    def facts(self) -> dict[str, float]:
        """Return the numbers that a run is listed with."""
        low, high = self.interval
        facts = {
            "accuracy": self.first,
            "low": low,
            "high": high,
            "among_five": self.five,
            "perplexity": self.perplexity,
        }
        return facts if np.isnan(self.next) else facts | {"next_accuracy": self.next}


def measure_pretraining(answers: Mapping[str, np.ndarray]) -> PretrainingResults:
    """Sum up what `interpret.finetuning.masked_predictions.answers_of` returned."""
    rank = answers["rank"]
    shares = [share_interval(*_by_row(rank < most, answers["rows"])) for most in (1, 5)]
    follows = answers.get("follows", np.empty(0, np.float32))
    following = answers.get("following", np.empty(0, bool))
    correct = (follows > 0.5) == following
    nothing = float("nan")
    return PretrainingResults(
        truth=read_only(answers["truth"], np.int64),
        guess=read_only(answers["guess"], np.int64),
        probability=read_only(answers["chance"], np.float32),
        rank=read_only(rank, np.int64),
        passage=read_only(answers["rows"], np.int64),
        first=float((rank == 0).mean()),
        five=float((rank < 5).mean()),
        interval=shares[0],
        five_interval=shares[1],
        perplexity=float(np.exp(-np.log(np.maximum(answers["chance"].astype(np.float64), 1e-30)).mean())),
        follows=read_only(follows, np.float32),
        following=read_only(following, bool),
        next=float(correct.mean()) if len(correct) else nothing,
        next_interval=wilson(int(correct.sum()), len(correct)) if len(correct) else (nothing, nothing),
    )


def _by_row(right: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.bincount(rows, weights=right), np.bincount(rows)

"""How good a model is at answering questions that were held out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

from interpret.core.arrays import read_only
from interpret.core.intervals import share_interval
from interpret.core.sentences import sentence
from interpret.finetuning.headline import Headline


@dataclass(frozen=True, eq=False)
class AnswerResults:
    """What came out on questions that were held out.

    Every interval is of 95%, by bootstrap over passages: questions on one passage are answered well or badly together.
    Of a single passage, or where all are answered alike, it is Wilson's with each passage as one row.

    Attributes
    ----------
    f1, interval
        The mean F1 of the words of each answer with those marked, the best of several: see
        `interpret.finetuning.answer_match.match`.
    exact, exact_interval
        The share of answers that are one of those marked, case, punctuation and articles apart.
    baseline
        The mean F1 of what needs no learning: the sentence with most of the question's words, or always “no answer”,
        whichever is better.
    baseline_is_none
        Whether that is “no answer”.
    spans
        For each question the characters of the passage that the model answers with; -1, -1 for “no answer”.
    scores
        For each question its F1.
    right
        Whether its answer is one of those marked.
    probability
        How sure the model was of it.
    answerable
        For each question whether the passage has an answer.
    passages
        How many passages the questions are on.
    mistakes
        Places of questions that are not answered exactly, the lowest F1 first, and of these the surest.
    """

    f1: float
    interval: tuple[float, float]
    exact: float
    exact_interval: tuple[float, float]
    baseline: float
    baseline_is_none: bool
    spans: Int[np.ndarray, "question 2"]
    scores: Float32[np.ndarray, " question"]
    right: Bool[np.ndarray, " question"]
    probability: Float32[np.ndarray, " question"]
    answerable: Bool[np.ndarray, " question"]
    passages: int
    mistakes: Int[np.ndarray, " mistake"]

    @property
    def headline(self) -> Headline:
        """What a run is reported with first."""
        return Headline(sentence("answer F1"), self.f1, True)

    @property
    def beats_baseline(self) -> bool:
        """Whether the interval of F1 lies above what needs no learning."""
        return self.interval[0] > self.baseline

    def facts(self) -> dict[str, float]:
        """Return the numbers that a run is listed with."""
        found = {
            "f1": self.f1,
            "low": self.interval[0],
            "high": self.interval[1],
            "exact": self.exact,
            "exact_low": self.exact_interval[0],
            "exact_high": self.exact_interval[1],
            "baseline_f1": self.baseline,
        }
        if self.answerable.all():
            return found
        # Of those with an answer, and without one, apart (Rajpurkar et al. 2018, section 5).
        parts = {"answerable_f1": self.answerable, "unanswerable_accuracy": ~self.answerable}
        return found | {name: float(self.scores[some].mean()) for name, some in parts.items() if some.any()}


def measure_answers(
    spans: Int[np.ndarray, "question 2"],
    scores: np.ndarray,
    right: np.ndarray,
    probability: np.ndarray,
    truth: Int[np.ndarray, "question 2"],
    baseline: np.ndarray,
    passage: Sequence[int] | np.ndarray,
) -> AnswerResults:
    """Sum up how well questions were answered.

    Parameters
    ----------
    truth
        The first marked answer's characters; -1, -1 for none.
    baseline
        For each question the F1 of the sentence that is most alike.
    passage
        Which passage each question is on.
    """
    answerable = truth[:, 0] >= 0
    sentences, none = float(np.mean(baseline)), float((~answerable).mean())
    _, group = np.unique(passage, return_inverse=True)
    sums = np.stack([np.bincount(group, one) for one in (np.ones(len(group)), scores, right)], axis=1)
    wrong = np.flatnonzero(~np.asarray(right, bool))
    return AnswerResults(
        f1=float(np.mean(scores)),
        # F1 lies between 0 and 1, as a share does.
        interval=share_interval(sums[:, 1], sums[:, 0]),
        exact=float(np.mean(right)),
        exact_interval=share_interval(sums[:, 2], sums[:, 0]),
        baseline=max(sentences, none),
        baseline_is_none=none > sentences,
        spans=read_only(spans, np.int64),
        scores=read_only(scores, np.float32),
        right=read_only(right, bool),
        probability=read_only(probability, np.float32),
        answerable=read_only(answerable, bool),
        passages=len(sums),
        mistakes=read_only(wrong[np.lexsort((-probability[wrong], scores[wrong]))], np.int64),
    )

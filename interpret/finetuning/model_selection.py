"""How far the score of the best of several flatters it, where the rows that chose it are those it is reported on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interpret.finetuning.entities import by_sentence, count_entities, name_entities
from interpret.finetuning.examples import PRETRAINING_TASKS
from interpret.finetuning.regression_results import fit_parts, r2_of

# Random halves of the rows: the mean over so many is known to a tenth of what one half is off by.
DRAWS = 200
# Of fewer rows no half says anything.
_LEAST_ROWS = 4
Statistic = Callable[[Float[np.ndarray, "*draw part"]], Float[np.ndarray, "*draw"]]


@dataclass(frozen=True)
class Choice:
    """The best of several, chosen by some rows.

    Attributes
    ----------
    among, best
        Of how many it was chosen, and which it is, from 0.
    score
        Its score on all of the rows.
    honest
        The score of the best one by a half of the rows, measured on the other half: the mean over random halves. NaN
        of fewer than four rows.
    """

    among: int
    best: int
    score: float
    honest: float

    @property
    def flattery(self) -> float:
        """By how much the score flatters, as far as these rows can tell; below 0 it is chance."""
        return self.score - self.honest


def cross_fit(
    parts: Float[np.ndarray, "choice row part"],
    score: Statistic,
    goodness: Statistic,
    strata: np.ndarray | None = None,
    seed: int = 0,
) -> Choice:
    """Choose the best on one half of the rows and score it on the other, over and over.

    What is chosen for being the best on some rows owes a share of its score to chance there ("the winner's curse"); on
    rows that had no say it shows what it is worth (Varma & Simon 2006; Cawley & Talbot 2010, sec. 5.3). The choice by a
    half is a little poorer than that by all rows, so the difference errs on the large side.

    Parameters
    ----------
    parts
        Of every choice and row what both statistics are made of, to be summed over rows.
    score, goodness
        Make of sums what is reported, and what is chosen by: the highest is the best, of equal ones the first.
    strata
        What each half gets its share of, such as the rows' true classes.
    """
    parts = np.asarray(parts, np.float64)
    count = parts.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = parts.sum(axis=1)
        best = int(np.argmax(_no_number_last(goodness(whole))))
        reached = float(score(whole)[best])
        if count < _LEAST_ROWS:
            return Choice(len(parts), best, reached, float("nan"))
        halves = _halves(np.zeros(count) if strata is None else strata, seed)
        one = np.tensordot(halves, parts, axes=(1, 1))
        honest = []
        for chosen_by, scored_on in ((one, whole - one), (whole - one, one)):
            found = np.argmax(_no_number_last(goodness(chosen_by)), axis=1)
            honest.append(score(scored_on[np.arange(DRAWS), found]))
    # A half may have nothing to divide by.
    known = np.array(honest)[np.isfinite(honest)]
    return Choice(len(parts), best, reached, float(known.mean()) if len(known) else float("nan"))


def _no_number_last(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, -np.inf)


def _halves(strata: np.ndarray, seed: int) -> Float[np.ndarray, "draw row"]:
    """Return random halves: 1 for the rows that are in. Of each stratum a half is in, give or take one row."""
    random = np.random.default_rng(seed)
    _names, numbers = np.unique(strata, return_inverse=True)
    halves = np.zeros((DRAWS, len(strata)))
    for draw in halves:
        order = np.lexsort((random.random(len(strata)), numbers))
        draw[order[random.integers(2) :: 2]] = 1
    return halves


def row_parts(task: str, labels: Sequence[str], answers: Mapping[str, np.ndarray]) -> Float[np.ndarray, "row part"]:
    """Return of each row that was judged what `score_of` and `goodness_of` sum up.

    Parameters
    ----------
    answers
        As `interpret.finetuning.trainer.FineTuner.judge` returns them, or
        `interpret.finetuning.pretraining_trainer.GameTrainer.judge`.
    """
    if task == "regression":
        return fit_parts(answers["logits"][:, 0].astype(float), answers["truth"].astype(float))
    rows = answers["rows"]
    if task in PRETRAINING_TASKS:
        surprise, right = -np.log(np.maximum(answers["chance"], 1e-30)), answers["rank"] == 0
    else:
        logits, truth = answers["logits"].astype(float), answers["truth"]
        top = logits.max(axis=1, keepdims=True)
        own = np.take_along_axis(logits - top, truth[:, None], axis=1)[:, 0]
        surprise, right = np.log(np.exp(logits - top).sum(axis=1)) - own, logits.argmax(axis=1) == truth
    columns: list[np.ndarray] = [np.bincount(rows, surprise), np.bincount(rows), np.bincount(rows, right)]
    if "follows" in answers:
        sure = np.where(answers["following"], answers["follows"], 1 - answers["follows"])
        columns += [-np.log(np.maximum(sure, 1e-30)), np.ones(len(sure))]
    elif task == "token classes" and name_entities(labels):
        names = [by_sentence([labels[one] for one in some], rows) for some in (truth, logits.argmax(axis=1))]
        counts = np.zeros((len(columns[0]), 3))
        counts[np.unique(rows)] = count_entities(*names)[1].sum(axis=1)
        columns += list(counts.T)
    return np.stack(columns, axis=1)


def score_of(task: str) -> Statistic:
    """Return what makes of sums over `row_parts` the number that a run is reported with first.

    R² of a regression; F1 of entities, where there are any; the share of right answers.
    """
    if task == "regression":
        return r2_of
    if task == "token classes":
        return lambda sums: (
            2 * sums[..., 3] / (sums[..., 4] + sums[..., 5]) if sums.shape[-1] > 3 else sums[..., 2] / sums[..., 1]
        )
    return lambda sums: sums[..., 2] / sums[..., 1]


def goodness_of(task: str, pair_weight: float = 1.0) -> Statistic:
    """Return what makes of sums over `row_parts` the negative loss, by which an epoch is chosen."""
    if task == "regression":
        return lambda sums: -sums[..., 0] / sums[..., 1]
    if task == PRETRAINING_TASKS[1]:
        return lambda sums: -sums[..., 0] / sums[..., 1] - pair_weight * sums[..., 3] / sums[..., 4]
    return lambda sums: -sums[..., 0] / sums[..., 1]

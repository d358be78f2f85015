"""How far the score of the best of several flatters it, where the rows that chose it are those it is reported on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from interpret.finetuning.objective import Statistic

# Random halves of the rows: the mean over so many is known to a tenth of what one half is off by.
DRAWS = 200
# Of fewer rows no half says anything.
_LEAST_ROWS = 4


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
    strata: Sequence[Any] | np.ndarray | None = None,
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
        halves = _halves(np.zeros(count) if strata is None else np.asarray(strata), seed)
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

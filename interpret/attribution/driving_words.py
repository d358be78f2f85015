"""Which words drive a class over many texts, and how sure that is."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from interpret.attribution.attribution import Attribution
from interpret.attribution.significance import LEVEL, holm
from interpret.core.intervals import wilson
from interpret.core.scripts import fold


class DrivingWord(NamedTuple):
    """What a word did over many texts.

    Attributes
    ----------
    word, mean
        The word, and the mean over texts of what it did there.
    half
        Half a 95% confidence interval of the mean (Student's); NaN for a word of a single text.
    texts
        In how many texts it stands.
    p
        That a word which does nothing on average would be so far from 0 by chance, corrected for all words that were
        compared (Holm 1979); NaN for a word of a single text.
    """

    word: str
    mean: float
    half: float
    texts: int
    p: float

    @property
    def significant(self) -> bool:
        """Whether its mean score differs from 0, corrected for all words of the list (Holm)."""
        return self.p <= LEVEL


def top_words(attributions: Sequence[Attribution], least: int = 2) -> list[DrivingWord]:
    """Average words' scores over texts; the words compared are those in the list, the most in favour first.

    A text counts once, however often a word stands there: its scores there are averaged first, for they come of one
    pass and are no observations apart. So does a text that is among the rows again. Words of fewer than ``least`` texts
    are left out.
    """
    found: dict[str, list[float]] = {}
    for one in {(one.tokens.text, one.tokens.pair): one for one in reversed(attributions)}.values():
        here: dict[str, list[float]] = {}
        for group, name, score in zip(one.tokens.groups, one.tokens.words, one.word_scores(), strict=True):
            if not one.tokens.special[group[0]]:
                here.setdefault(fold(name), []).append(float(score))
        for name, scores in here.items():
            found.setdefault(name, []).append(float(np.mean(scores)))
    words = [(name, np.array(scores), *_student(scores)) for name, scores in found.items() if len(scores) >= least]
    known = [i for i, (*_, p) in enumerate(words) if not math.isnan(p)]
    corrected = dict(zip(known, holm([words[i][3] for i in known]), strict=True))
    rows = [
        DrivingWord(name, float(scores.mean()), half, len(scores), corrected.get(i, math.nan))
        for i, (name, scores, half, _) in enumerate(words)
    ]
    return sorted(rows, key=lambda row: -row.mean)


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """Return a mean and half of its 95% interval by Student's t; NaN for a single value."""
    return float(np.mean(values)), _student(values)[0]


def mean_share(values: Sequence[float]) -> tuple[float, float]:
    """Return the same of numbers from 0 to 1, as wide as Wilson's interval where all are alike."""
    mean, half = _mean(values)
    if np.ptp(values) == 0 and len(values) > 1:
        half = max(abs(end - mean) for end in wilson(mean * len(values), len(values)))
    return mean, half


def _student(scores: Sequence[float]) -> tuple[float, float]:
    """Return half a 95% interval of a mean, and the two-sided p-value that it is 0; NaN for a single number."""
    count = len(scores)
    if count < 2:
        return math.nan, math.nan
    error = float(np.std(scores, ddof=1)) / math.sqrt(count)
    mean = float(np.mean(scores))
    # Equal to rounding they have no spread: a word of the same score everywhere is what it is.
    p = float(2 * student.sf(abs(mean) / error, count - 1)) if error > 0 else float(mean == 0)
    return float(student.ppf(0.975, count - 1)) * error, p

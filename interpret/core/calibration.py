"""Whether probabilities can be taken at their word: how sure a classifier is, beside how often it is right."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from interpret.core.arrays import read_only
from interpret.core.clustered_intervals import ratio_interval
from interpret.core.intervals import DRAWS, drawn_groups, wilson

RANGES = 10
# Of fewer texts ten ranges have three each: what comes out is the width of the ranges' intervals, and no calibration.
LEAST_TEXTS = 30
# What is called worse than chance explains would come of chance once in twenty times.
_LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Calibration:
    """How sure a classifier is beside how often it is right, over some rows.

    Attributes
    ----------
    count, texts
        How many rows there are, and how many of them read differently: every interval counts these.
    ranges
        Which of `RANGES` equal ranges of confidence have rows: range r is r / `RANGES` to (r + 1) / `RANGES`.
    counts, range_texts
        Of each of them the rows, and those that read differently.
    confidence, rightness, rightness_interval
        Of each the mean probability of the answer, the share of right ones, and its interval (95%, Wilson 1927).
    ece, ece_interval
        The expected calibration error (Naeini et al. 2015; Guo et al. 2017, eq. 3), and its interval by the basic
        bootstrap over texts: see `ece_interval`.
    ece_by_chance
        What 95% of classifiers stay below that are right as often as they say, over these very rows: of few rows none
        has an error of 0 (consistency resampling, Bröcker & Smith 2007, https://doi.org/10.1175/WAF993.1).
    ece_p
        How often such a classifier has an error as large.
    brier, brier_interval
        The Brier score (Brier 1950): the sum over classes of the squared distance from the truth, from 0 to 2, lower
        is better; its interval by the linearised variance over texts.
    brier_of_shares
        That of who always answers with the classes' shares among these rows.
    """

    count: int
    texts: int
    ranges: Int[np.ndarray, " range"]
    counts: Int[np.ndarray, " range"]
    range_texts: Int[np.ndarray, " range"]
    confidence: Float64[np.ndarray, " range"]
    rightness: Float64[np.ndarray, " range"]
    rightness_interval: Float64[np.ndarray, "range 2"]
    ece: float
    ece_interval: tuple[float, float]
    ece_by_chance: float
    ece_p: float
    brier: float
    brier_interval: tuple[float, float]
    brier_of_shares: float

    @property
    def worse_than_chance(self) -> bool:
        """Whether the error is larger than chance explains for a classifier that is right as often as it says."""
        return self.ece_p <= _LEVEL


def measure_calibration(
    probabilities: Float[np.ndarray, "row label"],
    truth: Int[np.ndarray, " row"],
    texts: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Calibration | None:
    """Measure how far probabilities can be taken at their word; None where there are fewer than `LEAST_TEXTS` texts.

    Parameters
    ----------
    probabilities
        Of each row those of all classes. The likeliest class is the answer.
    truth
        The index of each row's true class.
    texts
        What rows have in common that read the same, such as `interpret.core.accuracy.text_key`; each row is a text of
        its own unless given. The same text twice is no second observation.
    seed
        Of the classifiers that are drawn for ``ece_by_chance``.

    Examples
    --------
    >>> import numpy as np
    >>> sure = np.tile([[0.9, 0.1]], (40, 1))
    >>> found = measure_calibration(sure, np.repeat([0, 1], 20))  # says 0.9, is right in half of all
    >>> round(found.ece, 3), found.worse_than_chance
    (0.4, True)
    >>> round(found.brier, 2), found.brier_of_shares  # 0.02 where right, 1.62 where wrong
    (0.82, 0.5)
    """
    owner = _owners(texts if texts is not None else range(len(truth)))
    different = int(owner.max()) + 1 if len(owner) else 0
    if different < LEAST_TEXTS:
        return None
    chances = np.asarray(probabilities, np.float64)
    confidences, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    groups, filled, counts, confidence, rightness = by_confidence(confidences, right)
    range_texts = [len(np.unique(owner[groups == one])) for one in filled]
    value = float((counts / len(truth) * abs(confidence - rightness)).sum())
    drawn = _calibrated_errors(confidences, groups, owner, seed)
    true = np.eye(chances.shape[1])[truth]
    squares = np.square(chances - true).sum(axis=1)
    ends = ratio_interval(np.bincount(owner, squares), np.bincount(owner).astype(float))
    shares = true.mean(axis=0)
    return Calibration(
        count=len(truth),
        texts=different,
        ranges=read_only(filled, np.int64),
        counts=read_only(counts, np.int64),
        range_texts=read_only(range_texts, np.int64),
        confidence=read_only(confidence, np.float64),
        rightness=read_only(rightness, np.float64),
        rightness_interval=read_only(
            [wilson(share * some, some) for share, some in zip(rightness.tolist(), range_texts, strict=True)],
            np.float64,
        ),
        ece=value,
        ece_interval=ece_interval(confidences, right, groups, owner),
        ece_by_chance=float(np.quantile(drawn, 1 - _LEVEL)),
        # The rows themselves count as one draw (Phipson & Smyth 2010).
        ece_p=float((1 + (drawn >= value).sum()) / (1 + len(drawn))),
        brier=float(squares.mean()),
        brier_interval=(max(0.0, float(ends[0])), min(2.0, float(ends[1]))),
        brier_of_shares=float((shares * (1 - shares)).sum()),
    )


def by_confidence(
    confidences: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, list[int], np.ndarray, np.ndarray, np.ndarray]:
    """Return each answer's range of confidence, which ranges have any, and their counts, confidence and rightness."""
    # A confidence of exactly 1 belongs to the last range.
    groups = np.minimum((confidences * RANGES).astype(int), RANGES - 1)
    filled = [one for one in range(RANGES) if (groups == one).any()]
    counts = np.array([(groups == one).sum() for one in filled])
    confidence = np.array([confidences[groups == one].mean() for one in filled])
    rightness = np.array([right[groups == one].mean() for one in filled])
    return groups, filled, counts, confidence, rightness


def ece_interval(
    confidences: np.ndarray, right: np.ndarray, groups: np.ndarray, owner: np.ndarray
) -> tuple[float, float]:
    """Return the 95% interval of the expected calibration error, by the basic bootstrap over clusters of rows.

    A distance is never below 0, so that draws lie above what they are drawn from, and percentiles would say too much
    (Davison & Hinkley 1997, eq. 5.6).

    Parameters
    ----------
    groups
        Each row's range: see `by_confidence`.
    owner
        The cluster that each row belongs to, counted from 0.
    """
    clusters = int(owner.max()) + 1
    if clusters < 2:
        return float("nan"), float("nan")
    gaps, counts = drawn_groups([(groups, confidences - right), (groups, 1.0)], owner, (RANGES, RANGES))
    value = np.abs(np.bincount(groups, confidences - right)).sum() / len(confidences)
    low, high = np.quantile(np.abs(gaps).sum(axis=1) / counts.sum(axis=1), (0.025, 0.975))
    room = 1 - 0.025 ** (1 / clusters)
    return float(np.clip(2 * value - high, 0, 1)), float(np.clip(max(2 * value - low, value + room), 0, 1))


def _owners(texts: Sequence[Hashable]) -> np.ndarray:
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(one, len(known)) for one in texts], dtype=np.int64)


def _calibrated_errors(confidences: np.ndarray, groups: np.ndarray, owner: np.ndarray, seed: int) -> np.ndarray:
    """Return the errors of classifiers that say the same, and are right exactly as often as they say."""
    random, clusters = np.random.default_rng(seed), int(owner.max()) + 1
    found = np.empty(DRAWS)
    ranges = np.eye(RANGES)[groups]
    # In portions, so that a file of 10,000 rows takes megabytes.
    some = max(1, 2_000_000 // len(confidences))
    for begin in range(0, DRAWS, some):
        end = min(DRAWS, begin + some)
        # Texts that read the same are right or wrong together.
        right = random.random((end - begin, clusters))[:, owner] < confidences
        found[begin:end] = np.abs((confidences - right) @ ranges).sum(axis=1) / len(confidences)
    return found

"""How good a regression is on what was held out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int
from scipy.stats import spearmanr

from interpret.core.arrays import read_only
from interpret.core.intervals import cluster_bootstrap
from interpret.core.rank_correlation import spearman_interval
from interpret.finetuning.headline import Headline


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
        The 95% interval of R² by bootstrap over the examples; NaN where there is a single one.
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

    @property
    def headline(self) -> Headline:
        """What a run is reported with first."""
        return Headline("R²", self.r2, False)

    def facts(self) -> dict[str, float]:
        """Return the numbers that a run is listed with."""
        low, high = self.interval
        return {"r2": self.r2, "low": low, "high": high, "mae": self.mae, "rmse": self.rmse, "spearman": self.spearman}

    @cached_property
    def spearman_interval(self) -> tuple[float, float]:
        """The 95% interval of the rank correlation over the examples."""
        return spearman_interval(self.spearman, len(self.truth))

    @cached_property
    def mae_interval(self) -> tuple[float, float]:
        """The 95% interval of the mean absolute error, by bootstrap over the examples."""
        return self._by_error(lambda sums: sums[:, 1] / sums[:, 0])

    @cached_property
    def rmse_interval(self) -> tuple[float, float]:
        """The 95% interval of the root of the mean squared error, by bootstrap over the examples."""
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

"""Along the straight line from a baseline to the text: gradients summed up until they account for the answer.

On this line the answer F is known wherever its gradient is, since one pass gives both. So between any two points where
the model was looked at, what the gradients should add up to is known too, and the line is cut finer where they do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float64
from scipy.interpolate import CubicSpline

from interpret.attribution.target_function import TargetFunction
from interpret.core.device_lock import lock_device
from interpret.core.errors import InputError

Progress = Callable[[int, int, str], None]
_START = (0.0, 0.25, 0.5, 0.75, 1.0)
# Where an interval's error is this share of the largest one's, it is cut too.
_ALSO = 0.4
# Errors of opposite sign make the sum look better than the parts are; these may add up to so many times the tolerance.
_SLACK = 3.0
# By so many times the tolerance the scores may still have changed, as a share of their length, when it is enough.
_CHANGE = 3.0
MOST_STEPS = 200
# "adaptive": cut finer where it does not add up. The others are those of Captum, with steps doubled until it does.
RULES = ("adaptive", "trapezoid", "gauss_legendre")
_FIRST_STEPS = 8


@dataclass(frozen=True, eq=False)
class Walk:
    """What was found along the line.

    Attributes
    ----------
    alphas
        The points α on the line at which the model was evaluated, from 0, the baseline, to 1, the text.
    weights
        The weight of each point in the integral.
    slopes
        How much each token's fading in changes the answer: ``⟨∂F/∂x, x - baseline⟩`` at each point.
    delta
        What the sum of all scores has more than the difference of the answers.
    """

    alphas: Float64[np.ndarray, " step"]
    weights: Float64[np.ndarray, " step"]
    slopes: Float64[np.ndarray, "step token"]
    delta: float

    @property
    def scores(self) -> Float64[np.ndarray, " token"]:
        """Return integrated gradients (Sundararajan et al. 2017, eq. 1), summed over each token's numbers."""
        return self.weights @ self.slopes


def walk(
    target_function: TargetFunction,
    embedded: torch.Tensor,
    baseline: torch.Tensor,
    tolerance: float = 0.01,
    rule: str = "adaptive",
    progress: Progress | None = None,
) -> Walk:
    """Look at the line from the baseline to the text, closer and closer, until what was found adds up.

    Parameters
    ----------
    tolerance
        The share of the difference of answers by which the sum may miss it.
    rule
        ``"adaptive"``: starting from five points, intervals whose share of the integral misses the known difference of
        answers most are halved, and the cubic spline through everything looked at is integrated. ``"trapezoid"`` and
        ``"gauss_legendre"``: evenly, and at that quadrature's own points, twice as many each time; the former looks
        again at nothing, the latter has no point twice.
    progress
        Called as ``progress(points so far, most, "path")``.

    Raises
    ------
    InputError
        If there is no such rule.
    """
    if rule not in RULES:
        raise InputError("There is no path rule “{name}”. Choose one of: {known}.", name=rule, known=", ".join(RULES))
    line = _Line(target_function, embedded, baseline, progress)
    return _adaptive(line, tolerance) if rule == "adaptive" else _doubling(line, tolerance, rule)


class _Line:
    """The line, with everything that was looked at so far."""

    def __init__(
        self, target_function: TargetFunction, embedded: torch.Tensor, baseline: torch.Tensor, progress: Progress | None
    ) -> None:
        self.target_function = target_function
        self.embedded = embedded
        self.baseline = baseline
        self.progress = progress
        self.found: dict[float, tuple[float, np.ndarray]] = {}

    def look(self, alphas: Sequence[float]) -> None:
        new = [alpha for alpha in alphas if alpha not in self.found]
        at_once = self.target_function.at_once
        for first in range(0, len(new), at_once):
            some = new[first : first + at_once]
            for alpha, one in zip(some, look(self.target_function, self.embedded, self.baseline, some), strict=True):
                self.found[alpha] = one
            if self.progress is not None:
                self.progress(min(len(self.found), MOST_STEPS), MOST_STEPS, "path")

    def answers(self, alphas: Sequence[float]) -> np.ndarray:
        return np.array([self.found[alpha][0] for alpha in alphas])

    def slopes(self, alphas: Sequence[float]) -> np.ndarray:
        return np.stack([self.found[alpha][1] for alpha in alphas])

    def allowed(self, tolerance: float) -> float:
        """By how much the sum may miss; where text and baseline answer alike, a share of nothing is out of reach."""
        ends = self.answers((0.0, 1.0))
        return max(tolerance * abs(ends[1] - ends[0]), 1e-6 * np.abs(ends).max(), 1e-9)


def _adaptive(line: _Line, tolerance: float) -> Walk:
    new = list(_START)
    before: np.ndarray | None = None
    while True:
        line.look(new)
        alphas = np.array(sorted(line.found))
        slopes = line.slopes(list(alphas))
        spline = CubicSpline(alphas, slopes.sum(axis=1))
        missed = np.array([spline.integrate(a, b) for a, b in pairwise(alphas)])
        missed -= np.diff(line.answers(list(alphas)))
        weights = np.asarray(CubicSpline(alphas, np.eye(len(alphas))).integrate(0.0, 1.0))
        found = Walk(alphas, weights, slopes, float(missed.sum()))
        allowed = line.allowed(tolerance)
        done = abs(found.delta) <= allowed and np.abs(missed).sum() <= _SLACK * allowed
        if (done and _settled(found.scores, before, tolerance)) or len(alphas) >= MOST_STEPS:
            return found
        before = found.scores
        halve = np.abs(missed) >= _ALSO * np.abs(missed).max()
        middles = list((alphas[:-1] + alphas[1:])[halve] / 2)[: MOST_STEPS - len(alphas)]
        new = [alpha for alpha in middles if alpha not in line.found]
        if not new:
            # Where the answer jumps, an interval is halved until there is no number between its ends.
            return found


def _doubling(line: _Line, tolerance: float, rule: str) -> Walk:
    line.look((0.0, 1.0))
    start, end = line.answers((0.0, 1.0))
    steps = _FIRST_STEPS
    before: np.ndarray | None = None
    while True:
        if rule == "trapezoid":
            alphas = np.linspace(0, 1, steps + 1)
            weights = np.full(steps + 1, 1 / steps)
            weights[[0, -1]] /= 2
        else:
            points, weights = np.polynomial.legendre.leggauss(steps)
            alphas, weights = (points + 1) / 2, weights / 2
        line.look(list(alphas))
        slopes = line.slopes(list(alphas))
        delta = float(weights @ slopes.sum(axis=1) - (end - start))
        found = Walk(alphas, weights, slopes, delta)
        steps *= 2
        done = abs(delta) <= line.allowed(tolerance) and _settled(found.scores, before, tolerance)
        if done or steps > MOST_STEPS:
            return found
        before = found.scores


def _settled(scores: np.ndarray, before: np.ndarray | None, tolerance: float) -> bool:
    """Tell whether what was looked at last changed little: errors of single tokens may add up to nothing by chance."""
    if before is None:
        return False
    return float(np.linalg.norm(scores - before)) <= _CHANGE * tolerance * float(np.linalg.norm(scores)) + 1e-12


def look(
    target_function: TargetFunction, embedded: torch.Tensor, baseline: torch.Tensor, alphas: list[float]
) -> list[tuple[float, np.ndarray]]:
    """Return for each point on the line the answer, and each token's slope: ``⟨∂F/∂x, x - baseline⟩``."""
    with lock_device(target_function.encoder.spec.device):
        way = embedded - baseline
        shares = torch.tensor(alphas, dtype=torch.float32, device=embedded.device)
        # In single precision whatever the model's: points that lie close would fall together.
        points = (baseline.float() + shares[:, None, None] * way.float()).to(embedded.dtype).requires_grad_()
        answers = target_function.score(points, gradients=True)
        (gradient,) = torch.autograd.grad(answers.sum(), points)
        slopes = (gradient.float() * way.float()).sum(dim=-1).double().cpu().numpy()
        outputs = answers.detach().double().cpu().numpy().tolist()
    target_function.backward_passes += len(alphas)
    return list(zip(outputs, slopes, strict=True))

"""Along the straight line from a baseline to the text: gradients summed up until they account for the answer.

On this line the answer F is known wherever its gradient is, since one pass gives both. So between any two points where
the model was looked at, what the gradients should add up to is known too, and the line is cut finer where they do not.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float64
from scipy.interpolate import CubicSpline

from interpret.attribution.target_function import TargetFunction
from interpret.attribution.together import gradients_together
from interpret.core.batches import batches_of
from interpret.core.device_lock import lock_device
from interpret.core.errors import InputError

Progress = Callable[[int, int, str], None]
_START = (0.0, 0.25, 0.5, 0.75, 1.0)
# No interval is cut whose error is less than this share of the largest one's.
_LEAST = 0.2
# Errors of opposite sign make the sum look better than the parts are; these may add up to so many times the tolerance.
_SLACK = 4.0
# By so many times the tolerance the scores may still have changed, as a share of their length, when it is enough.
_CHANGE = 3.0
MOST_STEPS = 200
# Of many texts, as many are under way as fill so many passes: then each pass is full, and texts are of like length.
_PASSES = 4
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
    start
        The answer for the baseline.
    """

    alphas: Float64[np.ndarray, " step"]
    weights: Float64[np.ndarray, " step"]
    slopes: Float64[np.ndarray, "step token"]
    delta: float
    start: float

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
        ``"adaptive"``: starting from five points, the intervals whose share of the integral misses the known difference
        of answers most are halved, as many as it takes, and the cubic spline through everything looked at is
        integrated. ``"trapezoid"`` and ``"gauss_legendre"``: evenly, and at that quadrature's own points, twice as many
        each time; the former looks again at nothing, the latter has no point twice.
    progress
        Called as ``progress(points so far, most, "path")``.

    Raises
    ------
    InputError
        If there is no such rule.
    """
    together = walk_together([target_function], [embedded], [baseline], tolerance, rule, progress)
    return next(together)[1]


def walk_together(
    target_functions: Sequence[TargetFunction],
    embedded: Sequence[torch.Tensor],
    baselines: Sequence[torch.Tensor],
    tolerance: float = 0.01,
    rule: str = "adaptive",
    progress: Progress | None = None,
) -> Iterator[tuple[int, Walk]]:
    """Look at the lines of many texts, points of several in one pass; see `walk`, which gives the same but rounding.

    Parameters
    ----------
    target_functions
        Of one encoder, and alike: see `interpret.attribution.together.alike`.
    embedded, baselines
        Of each, as `walk` takes them.
    progress
        Called after each pass with how many points there are on the line that was looked at last.

    Yields
    ------
    int, Walk
        Which of them is done; short ones come first.

    Raises
    ------
    InputError
        If there is no such rule.
    """
    if rule not in RULES:
        raise InputError("There is no path rule “{name}”. Choose one of: {known}.", name=rule, known=", ".join(RULES))
    order = sorted(range(len(target_functions)), key=lambda index: len(embedded[index]), reverse=True)
    under_way: dict[int, _UnderWay] = {}
    while order or under_way:
        while order and sum(one.tokens for one in under_way.values()) < _PASSES * target_functions[0].tokens_at_once:
            index = order.pop()
            line = _Line(target_functions[index], embedded[index], baselines[index])
            steps = _adaptive(line, tolerance) if rule == "adaptive" else _doubling(line, tolerance, rule)
            under_way[index] = _UnderWay(line, steps, next(steps))
        _look_together(list(under_way.values()), progress)
        for index, one in list(under_way.items()):
            try:
                one.wanted = next(one.steps)
            except StopIteration as ended:
                del under_way[index]
                yield index, ended.value


def _look_together(under_way: Sequence["_UnderWay"], progress: Progress | None) -> None:
    """Look at all points that are wanted of some lines, those of texts of like length in one pass."""
    wanted = [(one.line, alpha) for one in under_way for alpha in one.line.unseen(one.wanted)]
    at_once = under_way[0].line.target_function.tokens_at_once
    for batch in batches_of([len(line.embedded) for line, _ in wanted], at_once):
        some: dict[_Line, list[float]] = {}
        for line, alpha in (wanted[number] for number in batch):
            some.setdefault(line, []).append(alpha)
        with lock_device(under_way[0].line.target_function.encoder.spec.device):
            points = [line.points(alphas) for line, alphas in some.items()]
            found = gradients_together([line.target_function for line in some], points)
            parts = [line.slopes_at(*one) for line, one in zip(some, found, strict=True)]
            # One copy for all: a card waits for each.
            copied = torch.cat([one.flatten() for one in parts]).cpu().numpy()
        ends = np.cumsum([one.numel() for one in parts])
        for (line, alphas), mine in zip(some.items(), np.split(copied, ends[:-1]), strict=True):
            line.take(alphas, mine.reshape(len(alphas), -1))
            if progress is not None:
                progress(min(len(line.found), MOST_STEPS), MOST_STEPS, "path")


class _Line:
    """The line, with everything that was looked at so far: at each point the answer, and each token's slope."""

    def __init__(self, target_function: TargetFunction, embedded: torch.Tensor, baseline: torch.Tensor) -> None:
        self.target_function = target_function
        self.embedded = embedded
        self.baseline = baseline
        with lock_device(target_function.encoder.spec.device):
            self.way = embedded.float() - baseline.float()
        self.found: dict[float, tuple[float, np.ndarray]] = {}

    def unseen(self, alphas: Sequence[float]) -> list[float]:
        return [alpha for alpha in alphas if alpha not in self.found]

    def points(self, alphas: Sequence[float]) -> torch.Tensor:
        shares = torch.tensor(alphas, dtype=torch.float32, device=self.embedded.device)
        # In single precision whatever the model's: points that lie close would fall together.
        return (self.baseline.float() + shares[:, None, None] * self.way).to(self.embedded.dtype)

    def slopes_at(self, answers: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """Return the answer and each token's slope at some points, ``(point, 1 + token)``, still on the device."""
        slopes = (gradient.float() * self.way).sum(dim=-1)
        return torch.cat([answers[:, None].double(), slopes.double()], dim=1)

    def take(self, alphas: Sequence[float], seen: np.ndarray) -> None:
        self.found |= {alpha: (float(one[0]), one[1:]) for alpha, one in zip(alphas, seen, strict=True)}

    def answers(self, alphas: Sequence[float]) -> np.ndarray:
        return np.array([self.found[alpha][0] for alpha in alphas])

    def slopes(self, alphas: Sequence[float]) -> np.ndarray:
        return np.stack([self.found[alpha][1] for alpha in alphas])

    def allowed(self, tolerance: float) -> float:
        """By how much the sum may miss; where text and baseline answer alike, a share of nothing is out of reach."""
        ends = self.answers((0.0, 1.0))
        return max(tolerance * abs(ends[1] - ends[0]), 1e-6 * np.abs(ends).max(), 1e-9)


# Wants points, one lot after another, and ends with what was found.
_Steps = Generator[Sequence[float], None, Walk]


@dataclass
class _UnderWay:
    """A line that is being looked at, and which points are wanted next."""

    line: _Line
    steps: _Steps
    wanted: Sequence[float]

    @property
    def tokens(self) -> int:
        return len(self.line.embedded) * len(self.wanted)


def _adaptive(line: _Line, tolerance: float) -> _Steps:
    new: list[float] = list(_START)
    before: np.ndarray | None = None
    while True:
        yield new
        alphas = np.array(sorted(line.found))
        slopes = line.slopes(list(alphas))
        spline = CubicSpline(alphas, slopes.sum(axis=1))
        missed = np.array([spline.integrate(a, b) for a, b in pairwise(alphas)])
        missed -= np.diff(line.answers(list(alphas)))
        weights = np.asarray(CubicSpline(alphas, np.eye(len(alphas))).integrate(0.0, 1.0))
        found = Walk(alphas, weights, slopes, float(missed.sum()), line.found[0.0][0])
        allowed = line.allowed(tolerance)
        done = abs(found.delta) <= allowed and np.abs(missed).sum() <= _SLACK * allowed
        if (done and _settled(found.scores, before, tolerance)) or len(alphas) >= MOST_STEPS:
            return found
        before = found.scores
        halve = _worst(missed, _SLACK * allowed)
        middles = list((alphas[:-1] + alphas[1:])[halve] / 2)[: MOST_STEPS - len(alphas)]
        new = [alpha for alpha in middles if alpha not in line.found]
        if not new:
            # Where the answer jumps, an interval is halved until there is no number between its ends.
            return found


def _worst(missed: np.ndarray, allowed: float) -> np.ndarray:
    """Choose the intervals that miss most, until what the others miss is little enough: a mask of intervals."""
    sizes = np.abs(missed)
    order = np.argsort(-sizes, kind="stable")
    left = sizes.sum() - np.cumsum(sizes[order])
    # That with which the others are within what is allowed is the last one that is needed.
    needed = order[: 1 + int(np.count_nonzero(left > allowed))]
    chosen = np.zeros(len(missed), bool)
    chosen[needed] = True
    return chosen & (sizes >= _LEAST * sizes.max())


def _doubling(line: _Line, tolerance: float, rule: str) -> _Steps:
    yield (0.0, 1.0)
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
        yield list(alphas)
        slopes = line.slopes(list(alphas))
        delta = float(weights @ slopes.sum(axis=1) - (end - start))
        found = Walk(alphas, weights, slopes, delta, float(start))
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
    line = _Line(target_function, embedded, baseline)
    with lock_device(target_function.encoder.spec.device):
        (found,) = gradients_together([target_function], [line.points(alphas)])
        line.take(alphas, line.slopes_at(*found).cpu().numpy())
    return [line.found[alpha] for alpha in alphas]

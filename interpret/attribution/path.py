"""Along the straight line from a baseline to the text: gradients summed up until they account for the answer.

On this line the answer F is known wherever its gradient is, since one pass gives both. So between any two places where
the model was looked at, what the gradients should add up to is known too, and the line is cut finer where they do not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float64
from scipy.interpolate import CubicSpline

from interpret.attribution.targets import Question
from interpret.devices import hold

Progress = Callable[[int, int, str], None]
_START = (0.0, 0.25, 0.5, 0.75, 1.0)
# Where an interval's error is this share of the largest one's, it is cut too.
_ALSO = 0.4
# Errors of opposite sign make the sum look better than the parts are; these may add up to so many times the tolerance.
_SLACK = 3.0
MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class Walk:
    """What was found along the line.

    Attributes
    ----------
    places
        Where the model was looked at, from 0, the baseline, to 1, the text.
    answers
        What it said there.
    slopes
        How much each token's fading in changes that: ``⟨∂F/∂x, x - baseline⟩`` at each place.
    delta
        What the sum of all scores has more than the difference of the answers.
    """

    places: Float64[np.ndarray, "step"]
    answers: Float64[np.ndarray, "step"]
    slopes: Float64[np.ndarray, "step token"]
    delta: float

    @property
    def weights(self) -> Float64[np.ndarray, "step"]:
        """Return what each place counts for in the integral of the cubic spline through all of them."""
        spline = CubicSpline(self.places, np.eye(len(self.places)))
        return np.asarray(spline.integrate(0.0, 1.0))

    @property
    def scores(self) -> Float64[np.ndarray, "token"]:
        """Return integrated gradients (Sundararajan et al. 2017, eq. 1), summed over each token's numbers."""
        return self.weights @ self.slopes


def walk(
    question: Question,
    embedded: torch.Tensor,
    baseline: torch.Tensor,
    tolerance: float = 0.01,
    progress: Progress | None = None,
) -> Walk:
    """Look at the line from the baseline to the text, closer and closer, until what was found adds up.

    Starting from five places, intervals whose share of the integral misses the known difference of answers most are
    halved. Everything looked at is used in the end.

    Parameters
    ----------
    tolerance
        The share of the difference of answers by which the sum may miss it.
    progress
        Called as ``progress(places so far, most, "path")``.
    """
    found: dict[float, tuple[float, np.ndarray]] = {}
    new = list(_START)
    while True:
        for first in range(0, len(new), question.at_once):
            some = new[first : first + question.at_once]
            for place, one in zip(some, _look(question, embedded, baseline, some), strict=True):
                found[place] = one
            if progress is not None:
                progress(min(len(found), MOST_STEPS), MOST_STEPS, "path")
        places = np.array(sorted(found))
        answers = np.array([found[place][0] for place in places])
        slopes = np.stack([found[place][1] for place in places])
        spline = CubicSpline(places, slopes.sum(axis=1))
        missed = np.array([spline.integrate(a, b) for a, b in pairwise(places)])
        missed -= np.diff(answers)
        # Where text and baseline answer alike, a share of nothing cannot be reached.
        allowed = max(tolerance * abs(answers[-1] - answers[0]), 1e-6 * np.abs(answers).max(), 1e-9)
        done = abs(missed.sum()) <= allowed and np.abs(missed).sum() <= _SLACK * allowed
        if done or len(places) >= MOST_STEPS:
            return Walk(places, answers, slopes, float(missed.sum()))
        halve = np.abs(missed) >= _ALSO * np.abs(missed).max()
        new = list((places[:-1] + places[1:])[halve] / 2)[: MOST_STEPS - len(places)]


def _look(
    question: Question, embedded: torch.Tensor, baseline: torch.Tensor, places: list[float]
) -> list[tuple[float, np.ndarray]]:
    way = embedded - baseline
    shares = torch.tensor(places, dtype=embedded.dtype, device=embedded.device)
    points = (baseline + shares[:, None, None] * way).requires_grad_()
    with hold(question.encoder.spec.device):
        answers = question.score(points, gradients=True)
        (gradient,) = torch.autograd.grad(answers.sum(), points)
    question.backward_passes += len(places)
    slopes = (gradient.float() * way.float()).sum(dim=-1)
    return list(
        zip(
            answers.detach().double().cpu().numpy().tolist(),
            slopes.double().cpu().numpy(),
            strict=True,
        )
    )


def conductance(
    question: Question,
    embedded: torch.Tensor,
    baseline: torch.Tensor,
    steps: int = 32,
    progress: Progress | None = None,
) -> tuple[Float64[np.ndarray, "level token"], Float64[np.ndarray, "level"]]:
    """Return how much of the answer's change passes through each token at each level.

    It is the conductance of Dhamdhere et al. 2018 as Shrikumar et al. 2018 compute it: on the way from baseline to
    text, each step's change of the hidden states times the answer's gradient with respect to them, here at the step's
    two ends by turns (trapezoidal rule). All levels come from the same passes.

    Returns
    -------
    scores
        For each level of hidden states; level 0 is the embedding output.
    deltas
        What each level's sum has more than the difference of the answers: every level has to account for all of it.
    """
    shares = np.linspace(0, 1, steps + 1)
    total: np.ndarray | None = None
    before: tuple[list[torch.Tensor], list[torch.Tensor]] | None = None
    answers: list[float] = []
    for first in range(0, len(shares), question.at_once):
        some = torch.tensor(shares[first : first + question.at_once], dtype=embedded.dtype, device=embedded.device)
        points = (baseline + some[:, None, None] * (embedded - baseline)).requires_grad_()
        levels: list[torch.Tensor] = []
        score = question.score(points, gradients=True, levels=levels)
        gradients = torch.autograd.grad(score.sum(), levels)
        question.backward_passes += len(some)
        answers += score.detach().double().cpu().tolist()
        states = [one.detach().float() for one in levels]
        slopes = [one.float() for one in gradients]
        if before is not None:
            # The last place of the batch before is the first of this one.
            states = [torch.cat([old[-1:], one]) for old, one in zip(before[0], states, strict=True)]
            slopes = [torch.cat([old[-1:], one]) for old, one in zip(before[1], slopes, strict=True)]
        before = states, slopes
        part = np.stack(
            [
                (one.diff(dim=0) * (slope[1:] + slope[:-1]) / 2).sum(dim=(0, 2)).double().cpu().numpy()
                for one, slope in zip(states, slopes, strict=True)
            ]
        )
        total = part if total is None else total + part
        if progress is not None:
            progress(min(first + len(some), steps), steps, "path")
    assert total is not None
    return total, total.sum(axis=1) - (answers[-1] - answers[0])

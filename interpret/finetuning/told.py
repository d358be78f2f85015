"""What a training tells while it goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One step of the training.

    Attributes
    ----------
    number, epoch
        From 1; how many passes through the examples are behind it.
    loss, rate
        Of its batch; the head's learning rate.
    norms
        For each floor the length of its gradient before any clipping; 0 for frozen ones.
    """

    number: int
    epoch: float
    loss: float
    rate: float
    norms: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """How good the model is on what was held out.

    Attributes
    ----------
    step, epoch
        Steps and passes through the examples behind it.
    score
        The share of right answers; for a regression R², the share of the variance explained.
    moved
        For each floor that learns, how far its weights have come: the length of their change as a share of the length
        of what they were. A new head's beginnings are small, so its share is large.
    probes
        For each sentence that is watched the probability of each class; for a regression its value.
    """

    step: int
    epoch: float
    loss: float
    score: float
    moved: Mapping[str, float] = field(default_factory=dict)
    probes: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Reading:
    """How far it is with what the frozen floors make of each example, before the first step.

    Attributes
    ----------
    done, total
        Examples.
    """

    done: int
    total: int


Tell = Callable[[Step | Evaluation | Reading, int], None]


class Stopped(Exception):
    """Raised where a training was asked to stop before its first step: there is nothing to keep."""


def read_evaluation(given: Mapping[str, Any]) -> Evaluation:
    """Read an evaluation that was written down as JSON."""
    return Evaluation(**{**given, "probes": tuple(tuple(row) for row in given["probes"])})

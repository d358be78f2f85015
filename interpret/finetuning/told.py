"""What a training tells while it goes on, and what a run has written down of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


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
    facts
        For games what else is told of how good it is: see `interpret.finetuning.results.facts_of`.
    """

    step: int
    epoch: float
    loss: float
    score: float
    moved: Mapping[str, float] = field(default_factory=dict)
    probes: tuple[tuple[float, ...], ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)


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


@dataclass(frozen=True, eq=False)
class Told:
    """What a run has told so far, as columns.

    Attributes
    ----------
    number, epoch, loss, rate, seconds, memory
        Of each step; seconds since it was first begun, and bytes.
    norms
        For each step and floor the length of the gradient.
    floors
        The floors' names, from the bottom to the top.
    judged
        The evaluations: ``epoch``, ``loss``, ``score``, ``moved``, ``probes`` each.
    """

    number: np.ndarray
    epoch: np.ndarray
    loss: np.ndarray
    rate: np.ndarray
    seconds: np.ndarray
    memory: np.ndarray
    norms: np.ndarray
    floors: tuple[str, ...]
    judged: tuple[Mapping[str, Any], ...]


def read_told(folder: Path) -> Told:
    """Read what a run has told; a last line that is not whole yet is left for the next time."""
    steps: list[dict[str, Any]] = []
    judged: list[dict[str, Any]] = []
    for line in read_lines(folder):
        (judged if "score" in line else steps).append(line)
    floors = tuple(steps[0]["norms"]) if steps else ()
    columns = {
        name: np.array([one[name] for one in steps], dtype=np.float64)
        for name in ("number", "epoch", "loss", "rate", "seconds", "memory")
    }
    norms = np.array([[one["norms"][name] for name in floors] for one in steps], dtype=np.float64).reshape(
        len(steps), len(floors)
    )
    return Told(**columns, norms=norms, floors=floors, judged=tuple(judged))


def read_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of what a run has told, as far as they are whole."""
    try:
        text = (folder / "told.jsonl").read_text("utf-8")
    except OSError:
        return []
    return [json.loads(line) for line in text.split("\n")[:-1] if line.endswith("}")]

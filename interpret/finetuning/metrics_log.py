"""What a training tells while it goes on, and what a run has written down of it."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from interpret.core.regular_files import open_regular, read_regular
from interpret.core.saved_values import BROKEN, any_number, as_object, number
from interpret.finetuning.run_files import numbers


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
        For each layer group the length of its gradient before gradient clipping; 0 for frozen ones.
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
        For each layer that learns, how far its weights have come: the length of their change as a share of the length
        of what they were. A new head's beginnings are small, so its share is large.
    probes
        For each sentence that is watched the probability of each class; for a regression its value.
    facts
        What else there is to say of how good it is, of running text: see `Results.facts`.
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
    """How far it is with what the frozen layer groups make of each example, before the first step.

    Attributes
    ----------
    done, total
        Examples.
    """

    done: int
    total: int


@dataclass(frozen=True)
class Waiting:
    """It waits for its turn on a device.

    Attributes
    ----------
    name, run
        Of the run that works there or comes first: what it is called, and its id. Empty where only its process is
        known to work there.
    """

    name: str
    run: str


Callback = Callable[[Step | Evaluation | Reading | Waiting, int], None]


class Stopped(Exception):
    """Raised where a training was asked to stop before its first step: there is nothing to keep."""


def examples_a_second(epoch: float, train_rows: int, seconds: float) -> float:
    """Return how many examples a training learned from a second.

    Parameters
    ----------
    epoch, train_rows
        Passes through the examples so far, and how many they are.
    seconds
        Of training since it was first begun: with what is computed before the first step and with evaluations, without
        waiting for a device, and without what comes when it is done.
    """
    return epoch * train_rows / max(seconds, 1e-9)


def read_evaluation(given: Mapping[str, Any]) -> Evaluation:
    """Read an evaluation that was written down as JSON."""
    return Evaluation(**{**given, "probes": tuple(tuple(row) for row in given["probes"])})


@dataclass(frozen=True, eq=False)
class MetricsLog:
    """What a run has told so far, as columns.

    Attributes
    ----------
    number, epoch, loss, rate, seconds, memory
        Of each step; seconds of training since it was first begun, and bytes.
    norms
        For each step and layer group the length of the gradient, before gradient clipping (to a length of 1 over all).
    layer_groups
        The layer groups' names, from the bottom to the top.
    evaluations
        The evaluations: ``epoch``, ``loss``, ``score``, ``moved``, ``probes`` each.
    damaged
        How many lines could not be read, and are left out.
    """

    number: np.ndarray
    epoch: np.ndarray
    loss: np.ndarray
    rate: np.ndarray
    seconds: np.ndarray
    memory: np.ndarray
    norms: np.ndarray
    layer_groups: tuple[str, ...]
    evaluations: tuple[Mapping[str, Any], ...]
    damaged: int = 0


LOG = "told.jsonl"
_COLUMNS = ("number", "epoch", "loss", "rate", "seconds", "memory")
# Logs that are kept as read, and the bytes before where the reading ended that tell whether it is the same log still.
_MOST_LOGS = 32
_SEEN = 256
_logs: "OrderedDict[Path, _Log]" = OrderedDict()
_lock = threading.Lock()


def read_metrics(folder: Path) -> MetricsLog:
    """Read what a run has told; a last line that is not whole yet is left for the next time.

    A log only grows while a run is at work, so what was read before is kept, and only what came since is read. A log
    that was cut or replaced, as where a run goes on from a checkpoint, is read anew.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> log = it.runs.read_metrics(run.folder)
    >>> log.number.tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    >>> log.layer_groups, log.norms.shape  # step layer group
    (('embeddings', '0', '1', '2', '3', '4', '5', 'pooler', 'head'), (8, 9))
    >>> bool(log.loss[-1] < log.loss[0])
    True
    """
    path = folder.absolute() / LOG
    with _lock:
        log = _logs.pop(path, None) or _Log()
        try:
            log = log.caught_up(path)
        except OSError:
            # None yet; or what stands in its place is no file.
            return _Log(damaged=int(path.exists())).metrics()
        _logs[path] = log
        while len(_logs) > _MOST_LOGS:
            _logs.popitem(last=False)
        return log.metrics()


def read_since(file: BinaryIO, offset: int) -> bytes:
    """Return what a file has from some byte on."""
    file.seek(offset)
    return file.read()


class _Log:
    """A log as far as it was read."""

    def __init__(self, damaged: int = 0) -> None:
        self.offset, self.file, self.seen = 0, (0, 0), b""
        self.layer_groups: tuple[str, ...] = ()
        # Rows of steps, with room for more: what has been handed out is never written again.
        self.steps, self.count = np.empty((0, len(_COLUMNS))), 0
        self.evaluations: list[dict[str, Any]] = []
        self.damaged = damaged

    def caught_up(self, path: Path) -> "_Log":
        """Return it with what came since; a new one where it is another log by now."""
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            same = (status.st_dev, status.st_ino) == self.file and status.st_size >= self.offset
            before = max(0, self.offset - len(self.seen))
            content = read_since(file, before) if same else b""
            log = self
            if not same or not content.startswith(self.seen):
                log, content = _Log(), read_since(file, 0)
                log.file = status.st_dev, status.st_ino
            content = content[len(log.seen) :]
        whole = content[: content.rfind(b"\n") + 1]
        log._add(whole)
        log.offset += len(whole)
        log.seen = (log.seen + whole)[-_SEEN:]
        return log

    def _add(self, content: bytes) -> None:
        rows = []
        for line in content.split(b"\n")[:-1]:
            try:
                found = parse_line(line)
                if "score" in found:
                    self.evaluations.append(found)
                    continue
                self.layer_groups = self.layer_groups or tuple(found["norms"])
                rows.append([found[name] for name in _COLUMNS] + [found["norms"][name] for name in self.layer_groups])
            except BROKEN:
                self.damaged += 1
        if not rows:
            return
        if self.count + len(rows) > len(self.steps):
            room = np.empty((2 * (self.count + len(rows)), len(rows[0])))
            if self.count:
                room[: self.count] = self.steps[: self.count]
            self.steps = room
        self.steps[self.count : self.count + len(rows)] = rows
        self.count += len(rows)

    def metrics(self) -> MetricsLog:
        """Return it as columns."""
        table = self.steps[: self.count].view()
        table.flags.writeable = False
        columns = dict(zip(_COLUMNS, table.T, strict=False))
        norms = table[:, len(_COLUMNS) :]
        return MetricsLog(
            **columns,
            norms=norms,
            layer_groups=self.layer_groups,
            evaluations=tuple(self.evaluations),
            damaged=self.damaged,
        )


def parse_line(line: bytes) -> dict[str, Any]:
    """Return a step or an evaluation from its line.

    Raises
    ------
    Exception
        One of `interpret.core.saved_values.BROKEN`, if it is none.
    """
    found = as_object(line)
    if "score" in found:
        checked = {name: number(found[name]) for name in ("step", "epoch", "seconds")}
        checked |= {name: any_number(found[name]) for name in ("loss", "score")}
        probes = [[any_number(one) for one in row] for row in found.get("probes", ())]
        more = {name: numbers(found.get(name, {})) for name in ("moved", "facts")}
        return found | checked | more | {"probes": probes}
    checked = {name: number(found[name]) for name in ("number", "epoch", "seconds", "memory")}
    checked |= {name: any_number(found[name]) for name in ("loss", "rate")}
    return found | checked | {"norms": numbers(found["norms"])}


def read_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of what a run has told, as far as they are whole."""
    try:
        content = read_regular(folder / LOG)
    except OSError:
        return []
    found = []
    for line in content.split(b"\n")[:-1]:
        with suppress(*BROKEN):
            parse_line(line)
            # As it was written: it may be written again.
            found.append(as_object(line))
    return found

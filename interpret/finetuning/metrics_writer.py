"""What is written down of a run while it trains."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from interpret.core.device_lock import peak_memory
from interpret.core.files import write_whole
from interpret.core.process_state import write_state
from interpret.finetuning.checkpoints import latest_checkpoint
from interpret.finetuning.metrics_log import (
    LOG,
    Callback,
    Evaluation,
    Reading,
    Step,
    Waiting,
    read_lines,
)
from interpret.finetuning.record import Record

_BETWEEN = 0.5


class MetricsWriter:
    """What is written down of a run while it trains, from where it was begun or resumed."""

    def __init__(self, folder: Path, record: Record, device: str, callback: Callback | None) -> None:
        self.folder, self.record, self.device, self.callback = folder, record, device, callback
        self.lines = _lines_until(folder)
        self.before = float(self.lines[-1]["seconds"]) if self.lines else 0.0
        self.begin = time.monotonic()
        self.said = 0.0
        self.file: TextIO | None = None

    @property
    def seconds(self) -> float:
        """What the training has taken since it was first begun: without waiting for a device, with its evaluations."""
        return self.before + time.monotonic() - self.begin

    def __call__(self, what: Step | Evaluation | Reading | Waiting, steps: int) -> None:
        """Write down what is told, and pass it on."""
        if isinstance(what, Waiting):
            return
        if isinstance(what, Reading):
            if time.monotonic() - self.said > _BETWEEN:
                self.said = time.monotonic()
                write_state(self.folder, read=what.done / what.total)
            if self.callback is not None:
                self.callback(what, steps)
            return
        line = asdict(what) | {"seconds": round(self.seconds, 3)}
        if isinstance(what, Step):
            line |= {"loss": round(what.loss, 6), "memory": peak_memory(self.device)}
            line["norms"] = {name: float(f"{one:.4g}") for name, one in what.norms.items()}
        # One write for one line: whoever is killed in it leaves a torn last line at most.
        file = self.open()
        file.write(json.dumps(line) + "\n")
        file.flush()
        self.record.log(what)
        if isinstance(what, Step) and (time.monotonic() - self.said > _BETWEEN or what.number == steps):
            self.said = time.monotonic()
            write_state(self.folder, step=what.number, steps=steps)
        if self.callback is not None:
            self.callback(what, steps)

    def open(self) -> TextIO:
        """Return the file of what is told, once there is anything new: until then it holds what was told before."""
        if self.file is None:
            path = self.folder / LOG
            write_whole(path, "".join(json.dumps(one) + "\n" for one in self.lines))
            self.file = path.open("a", encoding="utf-8")
        return self.file


def _lines_until(folder: Path) -> list[dict[str, Any]]:
    """Return what was told until the last checkpoint: all after it is told again."""
    checkpoint = latest_checkpoint(folder / "checkpoints")
    if checkpoint is None:
        return []
    step = checkpoint[1]
    kept: list[dict[str, Any]] = []
    for line in read_lines(folder):
        if "score" not in line and line["number"] > step:
            break
        kept.append(line)
    # What was evaluated where it stopped, in the middle of an epoch, is no part of a training that was never stopped.
    while kept and "score" in kept[-1] and (kept[-1]["step"] > step or kept[-1]["epoch"] % 1):
        kept.pop()
    return kept

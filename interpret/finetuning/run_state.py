"""The state of a run on the disk, and which process works on it."""

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from interpret.core.errors import InputError
from interpret.core.files import write_whole
from interpret.finetuning.run_files import (
    moment,
    number,
    read_object,
)

# A process that has said nothing for so many seconds after it was asked for never began.
_TO_BEGIN = 90.0


_writing = threading.Lock()


def is_alive(given: Mapping[str, Any]) -> bool:
    """Tell from a state whether the process lives that works on the run."""
    if not given.get("process"):
        return time.time() - moment(given.get("asked", 0.0)) < _TO_BEGIN
    born = number(given["born"])
    try:
        process = psutil.Process(int(number(given["process"], 1.0, 2.0**31 - 1)))
        # A number is given to another process some day; and one that ended may wait to be seen by who started it.
        return abs(process.create_time() - born) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def write_state(folder: Path, **changes: Any) -> None:
    """Change some of what a run's state file says."""
    path = folder / "state.json"
    # The training and the record write from threads of their own.
    with _writing:
        try:
            given = read_object(path)
        except InputError:
            given = {}
        write_whole(path, json.dumps(given | changes, ensure_ascii=False))


def itself() -> dict[str, Any]:
    """Return what tells this process from all others, and who started it: for `write_state`."""
    process = psutil.Process(os.getpid())
    return {"process": process.pid, "born": process.create_time(), "launcher": os.getppid()}


def launcher(folder: Path) -> int:
    """Return the process that started the one which works on a run, or 0."""
    try:
        return int(number(read_object(folder / "state.json").get("launcher", 0)))
    except ValueError:
        return 0

"""The state of long work on the disk, and which process works on it."""

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from interpret.core.files import write_whole
from interpret.core.regular_files import read_regular
from interpret.core.saved_values import BROKEN, as_object, moment, number

# A process that has said nothing for so many seconds after it was asked for never began.
_TO_BEGIN = 90.0
_FILE = "state.json"


_writing = threading.Lock()


def is_alive(given: Mapping[str, Any]) -> bool:
    """Tell from a state whether the process lives that does the work."""
    if not given.get("process"):
        return time.time() - moment(given.get("asked", 0.0)) < _TO_BEGIN
    born = number(given["born"])
    try:
        process = psutil.Process(int(number(given["process"], 1.0, 2.0**31 - 1)))
        # A number is given to another process some day; and one that ended may wait to be seen by who started it.
        return abs(process.create_time() - born) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def read_state(folder: Path) -> dict[str, Any]:
    """Return what the state file of a folder says; nothing where it is missing or damaged."""
    try:
        return as_object(read_regular(folder / _FILE))
    except BROKEN:
        return {}


def write_state(folder: Path, **changes: Any) -> None:
    """Change some of what the state file of a folder says."""
    # The training and the record write from threads of their own.
    with _writing:
        write_whole(folder / _FILE, json.dumps(read_state(folder) | changes, ensure_ascii=False))


def itself() -> dict[str, Any]:
    """Return what tells this process from all others, and who started it: for `write_state`."""
    process = psutil.Process(os.getpid())
    return {"process": process.pid, "born": process.create_time(), "launcher": os.getppid()}


def launcher(folder: Path) -> int:
    """Return the process that started the one which does a folder's work, or 0."""
    try:
        return int(number(read_state(folder).get("launcher", 0)))
    except ValueError:
        return 0

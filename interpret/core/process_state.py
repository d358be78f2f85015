"""The state of long work on the disk, and which process works on it."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from interpret.core.errors import InterpretError
from interpret.core.files import write_whole
from interpret.core.redaction import report
from interpret.core.regular_files import read_regular
from interpret.core.saved_values import BROKEN, as_object, moment, number

# A process that has said nothing for so many seconds after it was asked for never began.
_TO_BEGIN = 90.0
_FILE = "state.json"
# Bytes on the disk that long work has, so that it can say why it failed.
_RESERVE, _RESERVED = ".reserve", 1 << 15
_log = logging.getLogger(__name__)

_writing = threading.Lock()


def is_alive(given: Mapping[str, Any]) -> bool:
    """Tell from a state whether the process lives that does the work."""
    if not given.get("process"):
        # Whichever way the clock may have been set meanwhile.
        return abs(time.time() - moment(given.get("asked", 0.0))) < _TO_BEGIN
    number_of = int(number(given["process"], 1.0, 2.0**31 - 1))
    try:
        # A number is given to another process some day; and one that ended may wait to be seen by who started it.
        return _is_the_one(number_of, given) and psutil.Process(number_of).status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _is_the_one(process: int, given: Mapping[str, Any]) -> bool:
    if "started" in given:
        return bool(given["started"] == _started(process))
    # As states of before have it, and systems that tell no more: by the clock on the wall, which may have been set.
    return abs(psutil.Process(process).create_time() - number(given["born"])) < 1.0


def _started(process: int) -> str | None:
    """Return what tells a process from all that ever had its number, whatever becomes of the clock on the wall.

    It is which start of the machine it was, and the tick since then at which the kernel made the process (``starttime``
    in proc(5)). None where the system does not tell, or there is no such process.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return None
    # The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
    return f"{boot} {int(stat.rpartition(b')')[2].split()[19])}"


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


@contextmanager
def long_work(folder: Path) -> Iterator[None]:
    """While the block runs, a file takes some room: a disk that is full has none for the sentence that says so.

    Raises
    ------
    OSError
        If there is not even that.
    """
    reserve = folder / _RESERVE
    try:
        with reserve.open("wb") as file:
            # Numbers that no disk makes smaller.
            file.write(os.urandom(_RESERVED))
            file.flush()
            os.fsync(file.fileno())
        yield
    finally:
        with suppress(OSError):
            reserve.unlink(missing_ok=True)


def write_end(folder: Path, why: InterpretError | None = None, **changes: Any) -> None:
    """Write down that the work of a folder was stopped, or has failed and why."""
    ended = {"state": "stopped"} if why is None else {"state": "failed", "error": why.to_dict()}
    try:
        write_state(folder, **ended, **changes)
    except OSError:
        # Somebody else took that room: the process ends, and its work shows as interrupted.
        report(_log, "the state could not be written")


def identity(process: int) -> dict[str, Any]:
    """Return what tells a process from all others: for `write_state`."""
    found = {"process": process, "born": psutil.Process(process).create_time()}
    tick = _started(process)
    return found if tick is None else found | {"started": tick}


def itself() -> dict[str, Any]:
    """Return what tells this process from all others, and who started it: for `write_state`."""
    return {**identity(os.getpid()), "launcher": os.getppid()}


def launcher(folder: Path) -> int:
    """Return the process that started the one which does a folder's work, or 0."""
    try:
        return int(number(read_state(folder).get("launcher", 0)))
    except ValueError:
        return 0

"""How much of a server one person may take, where people sign in: runs at once, bytes that are kept, bytes a day."""

from __future__ import annotations

import os
import threading
import time

import interpret as it
from dashboard import disk, ownership, state
from dashboard.sign_in.people import Person
from dashboard.sign_in.session import person
from interpret.core.errors import InputError
from interpret.core.units import gigabytes

_lock = threading.Lock()
# Bytes that somebody has saved today, by their id: a restart forgets them.
_saved: dict[str, int] = {}
_saved_on = ""


def most_runs() -> int:
    """Return how many runs of one person train or wait at once, set by ``BERTOSCOPE_PERSON_RUNS``."""
    return max(1, int(_number("BERTOSCOPE_PERSON_RUNS", 20)))


def most_kept() -> int:
    """Return how many bytes of one person are kept, set in GB by ``BERTOSCOPE_PERSON_GB``."""
    return int(_number("BERTOSCOPE_PERSON_GB", 20) * 1e9)


def most_saved() -> int:
    """Return how many bytes of models one person saves in a day, set in GB by ``BERTOSCOPE_PERSON_DOWNLOAD_GB``."""
    return int(_number("BERTOSCOPE_PERSON_DOWNLOAD_GB", 50) * 1e9)


def _number(name: str, usual: float) -> float:
    try:
        found = float(os.environ[name])
    except (KeyError, ValueError):
        return usual
    return found if 0 <= found < 1e9 else usual


def check_runs(more: int) -> None:
    """Refuse to start more runs than one person may have at once.

    Raises
    ------
    InputError
        If they would have more, or keep as much as they may already.
    """
    who = person()
    if who is None:
        return
    active = sum(run.active for run in _runs_of(who))
    if active + more > most_runs():
        raise InputError.counted(
            "You have 1 run that trains or waits, and start {more} more; at most {most} are allowed at once. Wait for "
            "it to end, or stop it.",
            "You have {count} runs that train or wait, and start {more} more; at most {most} are allowed at once. Wait "
            "for some to end, or stop them.",
            active,
            count=active,
            more=more,
            most=most_runs(),
        )
    check_kept()


def check_kept() -> None:
    """Refuse to keep more of a person who has as much as they may.

    Raises
    ------
    InputError
        If it is so.
    """
    who = person()
    if who is None:
        return
    kept = disk.bytes_of([*(run.folder for run in _runs_of(who)), ownership.own_folder()])
    if kept >= most_kept():
        raise InputError(
            "Your runs and explanations take {kept} GB of the disk; at most {most} GB are allowed. Delete some that "
            "you no longer need.",
            kept=gigabytes(kept),
            most=gigabytes(most_kept()),
        )


def _runs_of(who: Person) -> list[it.runs.Run]:
    owned = ((run, ownership.owner_of(run.folder)) for run in it.runs.list_runs(state.runs_folder()))
    return [run for run, owner in owned if owner is not None and owner.id == who.id]


def count_saved(who: str, size: int) -> None:
    """Count what somebody saves today, by their id; empty for nobody."""
    global _saved_on
    today = time.strftime("%Y-%m-%d", time.gmtime())
    with _lock:
        if today != _saved_on:
            _saved.clear()
            _saved_on = today
        if who:
            _saved[who] = _saved.get(who, 0) + size


def may_save() -> bool:
    """Tell whether who is here may save a model today still."""
    who = person()
    if who is None:
        return True
    count_saved(who.id, 0)
    with _lock:
        return _saved[who.id] < most_saved()

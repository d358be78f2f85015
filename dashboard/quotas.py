"""How much of a server one person may take, where people sign in: runs at once, bytes that are kept, bytes a day."""

from __future__ import annotations

import os
import threading
import time

import interpret as it
from dashboard import disk, ownership, state
from interpret.core.errors import InputError
from interpret.core.units import gigabytes

_lock = threading.Lock()
# Bytes that somebody has saved today, by their id: a restart forgets them.
_saved: dict[str, int] = {}
_saved_on = ""


def most_runs() -> int:
    """Return how many fine-tunes, and explanations, one person has at once, set by ``BERTOSCOPE_PERSON_RUNS``."""
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


def check_runs(owner: str | None = None) -> None:
    """Refuse to start another run, or sweep, of somebody who has as many as they may at once.

    Parameters
    ----------
    owner
        Whose it is, by their `Person.id`; that of who is here unless given.

    Raises
    ------
    InputError
        If it is so, they keep as much as they may already, or it is not known any more who is here.
    """
    who = ownership.known_person()
    if who is None:
        return
    owner = owner or who.id
    # The runs of a sweep are one: they wait for each other.
    active = len({run.request.group or run.id for run in _runs_of(owner) if run.active})
    if active >= most_runs():
        raise InputError(
            "Fine-tunes of yours that train or wait: {count} (limit: {most}). Wait for one to end, or stop one.",
            count=active,
            most=most_runs(),
        )
    check_kept(owner)


def check_explanations() -> None:
    """Refuse to start another explanation of a file of somebody who has as many as they may at once.

    Raises
    ------
    InputError
        If it is so, they keep as much as they may already, or it is not known any more who is here.
    """
    # It brings PyTorch.
    from interpret.attribution.row_jobs import list_jobs

    if ownership.known_person() is None:
        return
    active = sum(job.active for job in list_jobs(ownership.explanations_folder()))
    if active >= most_runs():
        raise InputError(
            "Files of yours that are being explained or wait: {count} (limit: {most}). Wait for one to end, or stop "
            "one.",
            count=active,
            most=most_runs(),
        )
    check_kept()


def check_kept(owner: str | None = None) -> None:
    """Refuse to keep more of somebody who has as much as they may; see `check_runs`.

    Raises
    ------
    InputError
        If it is so, or it is not known any more who is here.
    """
    who = ownership.known_person()
    if who is None:
        return
    own = [ownership.own_folder()] if owner in (None, who.id) else []
    kept = disk.bytes_of([*(run.folder for run in _runs_of(owner or who.id)), *own])
    if kept >= most_kept():
        raise InputError(
            "Your runs and explanations take {kept} GB of the disk; at most {most} GB are allowed. Delete some that "
            "you no longer need.",
            kept=gigabytes(kept),
            most=gigabytes(most_kept()),
        )


def _runs_of(owner_id: str) -> list[it.runs.Run]:
    owned = ((run, ownership.owner_of(run.folder)) for run in it.runs.list_runs(state.runs_folder()))
    return [run for run, owner in owned if owner is not None and owner.id == owner_id]


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


def may_save(who: str) -> bool:
    """Tell whether somebody may save a model today still, by their id; empty for nobody that is known."""
    count_saved(who, 0)
    with _lock:
        return not who or _saved.get(who, 0) < most_saved()

"""Who did what on this server that others can see or miss: a line of JSON for each, beside the runs.

It is for whoever runs the server, whose page shows it. What is typed or computed is not in it.
"""

import errno
import json
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from dashboard import state
from dashboard.sign_in.people import Person
from dashboard.sign_in.session import person
from interpret.core.regular_files import open_regular
from interpret.core.saved_values import BROKEN, as_object

# Of who was refused no more is kept than that: whoever can reach the server can be refused as often as they like.
MOST_REFUSED = 10_000_000
_lock = threading.Lock()
_log = logging.getLogger("bertoscope")


class Reader(NamedTuple):
    """Whose session it is: the name that they signed in by, the address that they came from, and who that is.

    The first two are empty, and the last is None, for none.
    """

    who: str
    address: str
    person: Person | None = None


def reader() -> Reader:
    """Return whose session is at hand: asked while a page is drawn, for what is done in a thread of no session."""
    who = person()
    address = st.context.ip_address
    return Reader("" if who is None else who.name, address if isinstance(address, str) else "", who)


def note(what: str, kind: str, folder: Path, name: str, by: Reader | None = None) -> None:
    """Write down that somebody did something.

    Nothing that people do fails because it cannot be written down: the server's log says so.

    Parameters
    ----------
    what
        ``"started"``, ``"stopped"``, ``"deleted"``, ``"downloaded"``, ``"shared"``, ``"unshared"`` or ``"freed"``.
    kind
        ``"run"``, ``"explanation"`` or ``"server"``.
    folder
        Its folder, whose name tells it from all others.
    name
        What it is called.
    by
        Who; None for the reader of the session at hand.
    """
    who, address, known = reader() if by is None else by
    said = {"who": who, "address": address, "person": "" if known is None else known.id}
    _write(f"audit-{_month()}.jsonl", {**said, "what": what, "kind": kind, "id": folder.name, "name": name})


def note_entry(what: str, who: str, address: str) -> None:
    """Write down that somebody ``"signed in"`` or was ``"refused"``."""
    said = {"who": who, "address": address, "what": what}
    if what == "refused":
        _write(f"audit-refused-{_month()}.jsonl", said, MOST_REFUSED)
    else:
        _write(f"audit-{_month()}.jsonl", said)


def last_entries(most: int = 200) -> list[dict[str, str]]:
    """Return what was written down last, the newest first; lines that cannot be read are left out."""
    found: list[dict[str, str]] = []
    for path in sorted(state.runs_folder().glob("audit-[0-9]*.jsonl"), reverse=True):
        with suppress(OSError):
            for line in reversed(_tail(path)):
                with suppress(*BROKEN):
                    found.append({name: str(value) for name, value in as_object(line).items()})
                if len(found) == most:
                    return found
    return found


def _tail(path: Path, most: int = 500_000) -> list[bytes]:
    """Return the last lines of a file, whole ones."""
    with open_regular(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - most))
        lines = file.read().splitlines()
    return lines if size <= most else lines[1:]


def entries_file() -> Path | None:
    """Return the file of this month; None where nothing was written yet."""
    path = state.runs_folder() / f"audit-{_month()}.jsonl"
    return path if path.is_file() else None


def _month() -> str:
    # A file for each, so that none has to make room for another.
    return time.strftime("%Y-%m", time.gmtime())


def _write(file: str, said: dict[str, str], most: int | None = None) -> None:
    path = state.runs_folder() / file
    # Without a character that some reader would take for the end of a line.
    line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **said}).encode() + b"\n"
    try:
        with _lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whole lines, also where two apps share a folder.
            with path.open("a+b", buffering=0) as opened:
                size = opened.seek(0, os.SEEK_END)
                if most is not None and size > most:
                    return
                if size:
                    opened.seek(-1, os.SEEK_END)
                    # The disk was full in the middle of a line.
                    line = line if opened.read(1) == b"\n" else b"\n" + line
                if opened.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        _log.warning("the audit log cannot be written: %s", said, exc_info=True)

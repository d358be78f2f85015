"""Who did what on this server that others can see or miss: a line of JSON for each, beside the runs.

It is for whoever runs the server, and shown on no page. What is typed or computed is not in it.
"""

import json
import logging
import threading
import time
from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.sign_in import person

NAME, BEFORE = "audit.jsonl", "audit.1.jsonl"
# A line has some 200 bytes. Older lines than these two files hold are let go.
MOST_BYTES = 10_000_000
_lock = threading.Lock()
_log = logging.getLogger("bertoscope")


def note(what: str, kind: str, folder: Path, name: str) -> None:
    """Write down that the reader of the session at hand did something.

    Nothing that people do fails because it cannot be written down: the server's log says so.

    Parameters
    ----------
    what
        ``"started"``, ``"stopped"``, ``"deleted"`` or ``"downloaded"``.
    kind
        ``"run"`` or ``"explanation"``.
    folder
        Its folder, whose name tells it from all others.
    name
        What it is called.
    """
    who = person()
    said = {"who": "" if who is None else who.name, "address": st.context.ip_address or ""}
    _write({**said, "what": what, "kind": kind, "id": folder.name, "name": name})


def note_entry(what: str, who: str, address: str) -> None:
    """Write down that somebody ``"signed in"`` or was ``"refused"``."""
    _write({"who": who, "address": address, "what": what})


def _write(said: dict[str, str]) -> None:
    root = state.runs_folder()
    line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **said}, ensure_ascii=False) + "\n"
    try:
        with _lock:
            root.mkdir(parents=True, exist_ok=True)
            path = root / NAME
            if path.exists() and path.stat().st_size > MOST_BYTES:
                path.replace(root / BEFORE)
            # Whole lines, also where two apps share a folder.
            with path.open("ab", buffering=0) as file:
                file.write(line.encode("utf-8", "replace"))
    except OSError:
        _log.warning("the audit log cannot be written: %s", said, exc_info=True)

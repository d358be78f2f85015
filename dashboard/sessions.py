"""Who is here: the tabs that are open, for whoever runs the server."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.audit import reader
from dashboard.visitors import visitor

# Tabs that are remembered; those that are closed go first.
_MOST = 10_000
_lock = threading.Lock()
_seen: OrderedDict[str, Session] = OrderedDict()


class Session(NamedTuple):
    """A tab.

    Attributes
    ----------
    who, address
        See `dashboard.audit.Reader`.
    browser
        See `dashboard.visitors.visitor`.
    page
        The last part of the page's address.
    begun, last
        When it was opened and when something was last done in it, in seconds since 1970.
    """

    who: str
    address: str
    browser: str
    page: str
    begun: float
    last: float


def note_session(page: str) -> None:
    """Remember that the session at hand draws a page."""
    context = get_script_run_ctx()
    if context is None:
        return
    by, now = reader(), time.time()
    with _lock:
        before = _seen.pop(context.session_id, None)
        begun = now if before is None else before.begun
        _seen[context.session_id] = Session(by.who, by.address, visitor(), page, begun, now)
        while len(_seen) > _MOST:
            _seen.popitem(last=False)


def open_sessions() -> list[Session]:
    """Return the tabs that are open, the last used first."""
    if not runtime.exists():
        return []
    server = runtime.get_instance()
    with _lock:
        for id_ in [one for one in _seen if not server.is_active_session(one)]:
            del _seen[id_]
        return list(_seen.values())[::-1]

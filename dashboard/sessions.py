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

# Tabs that are remembered; the one that was used longest ago gives way.
_MOST = 10_000
_lock = threading.Lock()
_seen: OrderedDict[str, Session] = OrderedDict()


class Session(NamedTuple):
    """A tab.

    Attributes
    ----------
    who, address, person
        See `dashboard.audit.Reader`; the last is a `Person.id`, empty for none.
    browser
        See `dashboard.visitors.visitor`.
    page
        The last part of the page's address.
    begun, last
        When it was opened and when something was last done in it, in seconds since 1970.
    """

    who: str
    address: str
    person: str
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
        id_ = "" if by.person is None else by.person.id
        _seen[context.session_id] = Session(by.who, by.address, id_, visitor(), page, begun, now)
        while len(_seen) > _MOST:
            _seen.popitem(last=False)


def open_sessions() -> list[Session]:
    """Return the tabs that are open, the last used first."""
    if not runtime.exists():
        return []
    server = runtime.get_instance()
    with _lock:
        return [one for id_, one in reversed(_seen.items()) if server.is_active_session(id_)]


def whose_tab(id_: str) -> str | None:
    """Return the `Person.id` of who opened a tab, by Streamlit's name for it; None where nobody is known to."""
    with _lock:
        found = _seen.get(id_)
    return None if found is None else found.person

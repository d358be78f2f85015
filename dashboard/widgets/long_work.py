"""Long work on a page: it starts at a click, shows how far it is, can be stopped, and its result stays."""

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.language import _, literal

Progress = Callable[[int, int, str], None]


def long_work(key: str, about: str, label: str, work: Callable[[Progress], Any]) -> Any | None:
    """Draw a button that starts the work, and return its result once there is one.

    Parameters
    ----------
    key
        The place on the page; the last result is kept for it, for this session.
    about
        Tells what the result is a result of: with another it is not shown any more.
    label
        What the button says.
    work
        Called with ``progress(done, total, note)``. Whatever is clicked on the page meanwhile stops it there.

    Notes
    -----
    Not for use in a fragment: Streamlit lets no click in a fragment interrupt the fragment's own run.
    """
    begun = f"{key}:begun"
    kept = st.session_state.get(key)
    place = st.container()
    result = kept[1] if kept and kept[0] == about else None
    if not place.button(label, key=f"{key}:start", type="secondary" if result is not None else "primary"):
        if st.session_state.pop(begun, None) == about and result is None:
            place.info(_("Stopped. Nothing was kept; start again when you like."), icon=":material/stop_circle:")
        return result
    st.session_state[begun] = about
    bar = place.empty()
    stop = place.empty()
    begin = time.monotonic()

    def progress(done: int, total: int, note: str) -> None:
        spent = time.monotonic() - begin
        left = spent / done * (total - done) if done else 0.0
        bar.progress(
            done / total if total else 0.0,
            _("{done} of {total} · {spent} s so far, about {left} s left {note}").format(
                done=f"{done:,}", total=f"{total:,}", spent=f"{spent:.0f}", left=f"{left:.0f}", note=literal(note)
            ),
        )

    bar.progress(0.0, _("Starting …"))
    stop.button(_("Stop the run"), key=f"{key}:stop", icon=":material/stop:")
    try:
        result = work(progress)
    finally:
        bar.empty()
        stop.empty()
    del st.session_state[begun]
    st.session_state[key] = (about, result)
    return result

"""Long work on a page: it starts at a click, shows how far it is, can be stopped, and its result stays."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard.language import _

Progress = Callable[[int, int, str], None]


def long_work(
    key: str, about: str, label: str, work: Callable[[Progress], Any], stages: Mapping[str, str] | None = None
) -> Any | None:
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
        Called with ``progress(done, total, stage)``. Whatever is clicked on the page meanwhile stops it there.
    stages
        What the reader calls the stages that the work reports.

    Notes
    -----
    Not for use in a fragment: Streamlit lets no click in a fragment interrupt the fragment's own run.
    """
    begun = f"{key}:begun"
    kept = st.session_state.get(key)
    place = st.container()
    result = kept[1] if kept and kept[0] == about else None
    if result is not None:
        label = _("Run again")
    if not place.button(label, key=f"{key}:start", type="secondary" if result is not None else "primary"):
        if st.session_state.pop(begun, None) == about and result is None:
            place.info(_("Stopped. Nothing was kept; start again when you like."), icon=":material/stop_circle:")
        return result
    st.session_state[begun] = about
    bar = place.empty()
    stop = place.empty()
    begin = time.monotonic()

    def progress(done: int, total: int, stage: str) -> None:
        spent = time.monotonic() - begin
        share = done / total if total else 0.0
        parts = [_("{done} of {total}").format(done=f"{done:,}", total=f"{total:,}")]
        if stages and stage in stages:
            parts.append(stages[stage])
        parts.append(_("{spent} s so far").format(spent=f"{spent:.0f}"))
        # Before that, a guess would only jump.
        if share >= 0.05:
            parts.append(_("about {left} s left").format(left=f"{spent / share * (1 - share):.0f}"))
        bar.progress(share, " · ".join(parts))

    bar.progress(0.0, _("Starting …"))
    with stop.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Stop the run"), key=f"{key}:stop", icon=":material/stop:")
        st.caption(_("Any other click on this page stops it too."))
    try:
        result = work(progress)
    finally:
        bar.empty()
        stop.empty()
    del st.session_state[begun]
    st.session_state[key] = (about, result)
    return result

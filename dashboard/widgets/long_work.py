"""Long work on a page: it starts at a click, shows how far it is, can be stopped, and its result stays."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.language import _, _n
from interpret.core.device_queue import batch_work, others_at_long_work

Progress = Callable[[int, int, str], None]
# Seconds before work that started by itself says how far it is, and between two times that any does.
_SILENT = 0.4
_BETWEEN = 0.1


def long_work(
    key: str,
    about: str,
    label: str,
    work: Callable[[Progress], Any],
    stages: Mapping[str, str] | None = None,
    *,
    auto: bool = False,
    keep: int = 1,
    rate: str | None = None,
    percent: bool = False,
    beside: bool = False,
) -> Any | None:
    """Draw a button that starts the work, and return its result once there is one.

    Parameters
    ----------
    key
        The place on the page; its last results are kept for this session.
    about
        Tells what the result is a result of: with another it is not shown any more.
    label
        What the button says.
    work
        Called with ``progress(done, total, stage)``. Whatever is clicked on the page meanwhile stops it there, but for
        what a fragment has drawn: that is answered when the work is done.
    stages
        What the reader calls the stages that the work reports.
    auto
        Whether it starts by itself: for what is soon done. The button comes only after it was stopped.
    keep
        How many results are kept for the place, the last ones: who goes back to a setting finds what it gave, and is
        not asked to run it again.
    rate
        What the reader calls a second's progress, with ``{rate}`` in it.
    percent
        Whether progress is said in per cent, because its steps mean nothing to the reader.
    beside
        Whether a fragment stands beside it.

    Notes
    -----
    Not for use in a fragment: Streamlit lets no click in a fragment interrupt the fragment's own run.
    """
    begun, stopped = f"{key}:begun", f"{key}:stopped"
    kept = st.session_state.setdefault(key, {})
    container = st.container()
    result = kept.get(about)
    if result is not None and (auto or keep > 1):
        return result
    # What starts by itself goes on after any click but the one that stops it.
    if st.session_state.pop(begun, None) == about and result is None and not auto:
        st.session_state[stopped] = about
    halted = st.session_state.get(stopped) == about
    if not (auto and result is None and not halted):
        again = _("Run again") if result is not None else label
        if not container.button(again, key=f"{key}:start", type="secondary" if result is not None else "primary"):
            if result is None and halted:
                container.info(
                    _("Stopped. No result was kept; you can start again at any time."), icon=":material/stop_circle:"
                )
            return result
    st.session_state.pop(stopped, None)
    st.session_state[begun] = about
    bar = _Bar(container, key, about, auto, beside)
    result = _run(work, bar, stages or {}, rate, percent)
    del st.session_state[begun]
    kept.pop(about, None)
    kept[about] = result
    while len(kept) > keep:
        del kept[next(iter(kept))]
    if not auto:
        # The button that started it says something else now.
        st.rerun()
    return result


def _run(
    work: Callable[[Progress], Any], bar: "_Bar", stages: Mapping[str, str], rate: str | None, percent: bool
) -> Any:
    """Do the work and say how far it is; return its result."""
    begin = time.monotonic()

    def progress(done: int, total: int, stage: str) -> None:
        share = done / total if total else 0.0
        counted = f"{share:.0%}" if percent else _("{done} of {total}").format(done=f"{done:,}", total=f"{total:,}")
        if not total:
            # Somebody else is at the same work, and has not said yet how far.
            counted = _("Starting …")
        parts = [counted, stages.get(stage), *_speed(done, share, time.monotonic() - begin, rate), _company()]
        bar.say(share, " · ".join(part for part in parts if part))

    bar.say(0.0, _("Starting …"))
    try:
        # What somebody had to start is known to take long; the other shows it by itself.
        with nullcontext() if bar.auto else batch_work():
            return work(progress)
    finally:
        bar.clear()


class _Bar:
    """How far work is, drawn where it stands, with a button that stops it."""

    def __init__(self, container: DeltaGenerator, key: str, about: str, auto: bool, beside: bool) -> None:
        self.bar, self.stop = container.empty(), container.empty()
        self.key, self.about, self.auto, self.beside = key, about, auto, beside
        # What starts by itself is mostly done before anybody could read how far it is: then nothing flashes up, and the
        # browser, which draws on the processor that computes, is left in peace.
        self.next_word = time.monotonic() + (_SILENT if auto else 0)
        self.said = False

    def say(self, share: float, text: str) -> None:
        """Say how far it is, not too often."""
        if time.monotonic() < self.next_word:
            return
        self.bar.progress(share, text)
        if not self.said:
            self.said = True
            self._draw_stop()
        self.next_word = time.monotonic() + _BETWEEN

    def clear(self) -> None:
        """Take away what was drawn."""
        if self.said:
            self.bar.empty()
            self.stop.empty()

    def _draw_stop(self) -> None:
        with self.stop.container(horizontal=True, vertical_alignment="center"):
            st.button(
                _("Stop the computation"),
                key=f"{self.key}:stop",
                icon=":material/stop:",
                on_click=_note,
                args=(f"{self.key}:stopped", self.about),
            )
            if self.beside:
                st.caption(_("Clicks on words and figures take effect when it is done."))
            elif not self.auto:
                st.caption(_("Any other click on this page also stops it."))


def was_stopped(key: str) -> bool:
    """Tell whether the last thing said at a place was that its work was stopped."""
    return st.session_state.get(f"{key}:stopped") is not None


def _speed(done: int, share: float, spent: float, rate: str | None) -> list[str]:
    """Say how fast it goes, how long it has taken, and how long it will."""
    parts = [rate.format(rate=f"{done / spent:,.0f}")] if rate and done and spent > 0.5 else []
    parts.append(_("{spent} s so far").format(spent=f"{spent:.0f}"))
    # Before that, a guess would only jump.
    if share >= 0.05 or (share > 0 and spent >= 5):
        parts.append(_("about {left} s left").format(left=f"{spent / share * (1 - share):.0f}"))
    return parts


def _company() -> str | None:
    """Say with how many others the device is shared."""
    others = others_at_long_work()
    return (
        _n("shared with {count} other", "shared with {count} others", others).format(count=others) if others else None
    )


def _note(key: str, about: str) -> None:
    st.session_state[key] = about

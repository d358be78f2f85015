"""What was done last on this machine: files that were explained, and runs."""

from __future__ import annotations

import time

import streamlit as st

from dashboard import ownership, page_file, state
from dashboard.language import _, literal
from dashboard.numbers import done_of
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_view import state_names
from interpret.attribution.row_jobs import list_jobs

_MOST = 5


def recent() -> None:
    """List the newest explanations and runs, each with the way to it."""
    explained, trained = st.columns(2, gap="medium")
    with explained:
        guarded(_explained)()
    with trained:
        guarded(_runs)()


def _explained() -> None:
    jobs = list_jobs(ownership.explanations_folder())[:_MOST]
    st.markdown("#### " + _("Explained files"))
    if not jobs:
        st.caption(_("None yet. Files that are explained on the “Attributions” page are listed here."))
        return
    for job in jobs:
        query = {str(state.WHY): "rows", str(state.ROWS_JOB): job.folder.name}
        _line(job.folder.name, job.request.name, done_of(job.done, job.total), job.made, "attributions", query)


def _runs() -> None:
    runs = ownership.runs()[:_MOST]
    st.markdown("#### " + _("Recent runs"))
    if not runs:
        st.caption(_("None yet. What you train on the “Fine-tune” page is listed here."))
        return
    names = state_names()
    for run in runs:
        query = {str(state.STAGE): "watch", str(state.RUN): run.id}
        _line(run.id, run.request.name, names[run.state], run.queued, "finetune", query)


def _line(key: str, name: str, how_far: str, seconds: float, page: str, query: dict[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{literal(name)}**", width="content")
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
        st.caption(f"{how_far} · {when}", width="content")
        if st.button(_("Open"), key=f"recent:{key}", type="tertiary", icon=":material/arrow_forward:"):
            st.switch_page(page_file(page), query_params=query)

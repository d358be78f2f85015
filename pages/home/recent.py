"""What was trained last on this machine."""

from __future__ import annotations

import time

import streamlit as st

import interpret as it
from dashboard import page_file, state
from dashboard.language import _, literal
from dashboard.widgets.run_view import state_names

_MOST = 5


def recent_runs() -> None:
    """List the newest runs, each with the way to it."""
    runs = it.runs.list_runs(state.runs_folder())[:_MOST]
    st.markdown("#### " + _("Recent runs"))
    if not runs:
        st.caption(_("None yet. What you train on the “Fine-tune” page is listed here."))
        return
    names = state_names()
    for run in runs:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{literal(run.request.name)}**", width="content")
            queued = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.queued))
            st.caption(f"{names[run.state]} · {queued}", width="content")
            if st.button(_("Open"), key=f"recent:{run.id}", type="tertiary", icon=":material/arrow_forward:"):
                st.switch_page(page_file("finetune"), query_params={str(state.STAGE): "watch", str(state.RUN): run.id})

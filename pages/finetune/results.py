"""A run while it learns, and how good its model is then."""

from __future__ import annotations

import streamlit as st

from dashboard.language import _
from dashboard.widgets.baseline_view import baseline_lines
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_view import run_buttons, run_choice, run_live
from dashboard.widgets.run_view import watched as read
from pages.finetune.result_views import result_view


@guarded
def watch() -> None:
    """The losses of a run while it trains, and its results on held-out data."""
    run = run_choice()
    if run is None:
        st.info(
            _(
                "No run yet. Set one up: the built-in rows with the lower half frozen are a good start, and take "
                "seconds."
            )
        )
        return
    run_buttons(run)
    for sentence in baseline_lines(run.facts, run.request.task):
        st.error(sentence, icon=":material/error:")
    run_live(run.id, run.active)
    run = read(run.id)
    if run.model is not None and not run.active:
        result_view(run)

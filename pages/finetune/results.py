"""A run while it learns, and how good its model is then."""

from __future__ import annotations

import streamlit as st

from dashboard.language import _
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_view import run_buttons, run_choice, run_live
from dashboard.widgets.verdict_view import verdict_view
from pages.finetune.result_views import result_view


@guarded
def watch() -> None:
    """The losses of a run while it trains; when it has ended its results first, and the verdict before all."""
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
    ended = run.model is not None and not run.active
    if ended:
        result_view(run)
        st.divider()
        st.markdown("#### " + _("How the training went"))
    else:
        verdict_view(run.facts, run.request.task)
    run_live(run.id, run.active)

"""The same training at every depth of freezing: what is gained by each layer group that learns, and what it costs."""

from __future__ import annotations

import streamlit as st

from dashboard.language import _
from dashboard.widgets.notices import guarded
from pages.finetune.sweep_view import sweep_choice, sweep_live


@guarded
def sweep() -> None:
    """Held-out score and cost at each depth of freezing, beside each other."""
    runs = sweep_choice()
    if not runs:
        st.info(_("No sweep yet. Set up a run, and press “Sweep all freezing depths” instead of “Start”."))
        return
    sweep_live(runs[0].request.group, any(run.active for run in runs))

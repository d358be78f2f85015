"""What a fine-tune changed inside: which layer groups moved, and how attention, vectors and reasons differ."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard.language import _
from dashboard.widgets.layer_groups_view import layer_group_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_view import run_choice
from pages.finetune.changes_view import (
    attention_part,
    both_models,
    moments_part,
    probe_part,
    reasons_part,
    vectors_part,
)
from pages.finetune.figures import moved_map


@guarded
def inside() -> None:
    """How far the weights of each layer have moved; attention, vectors and attributions before and after training."""
    run = run_choice()
    if run is None:
        st.info(_("No run yet. Set one up to see here what it changed."))
        return
    metrics = it.runs.read_metrics(run.folder)
    if not metrics.evaluations:
        st.info(_("Nothing has been evaluated yet. Come back after the first epoch."))
        return
    st.markdown("#### " + _("Which layers changed, and by how much"))
    st.caption(
        _("The norm of the change of each layer's weights, relative to the norm of the weights before training.")
    )
    st.plotly_chart(moved_map(metrics, [layer_group_name(one) for one in metrics.layer_groups]), key="moved")
    if run.model is None or run.active:
        st.info(_("The rest appears here when the run is done or stopped."))
        return
    _compared(run)


@guarded
def _compared(run: it.runs.Run) -> None:
    both = both_models(run)
    text = probe_part(both)
    attention_part(both, text)
    reasons_part(both, text)
    vectors_part(both)
    moments_part(both, text)

"""What a fine-tune changed inside: which layer groups moved, and how attention, vectors and reasons differ."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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
from pages.finetune.findings import attention_finding, vectors_finding, weights_finding


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
    # Filled as each is computed: the sentences come before the pictures that they are read from.
    findings = st.container(key="findings")
    if run.model is not None and not run.active:
        findings.markdown("#### " + _("What changed, in words"))
        _finding(findings, weights_finding(_moved(run, metrics)))
    st.markdown("#### " + _("Which layers changed, and by how much"))
    st.caption(
        _("The norm of the change of each layer's weights, relative to the norm of the weights before training.")
    )
    st.plotly_chart(moved_map(metrics, [layer_group_name(one) for one in metrics.layer_groups]), key="moved")
    if run.model is None or run.active:
        st.info(_("The rest appears here when the run is done or stopped."))
        return
    _compared(run, metrics, findings)


def _moved(run: it.runs.Run, metrics: it.runs.MetricsLog) -> dict[str, float]:
    """Return how far each layer group of the model that was kept has moved; 0 where it stayed."""
    step = it.finetuning.read_outcome(run).step
    kept = next((one for one in metrics.evaluations if one["step"] == step), metrics.evaluations[-1])
    return {name: float(kept["moved"].get(name, 0.0)) for name in metrics.layer_groups}


def _finding(findings: DeltaGenerator, sentence: str) -> None:
    if sentence:
        findings.markdown(f"- {sentence}")


def _compared(run: it.runs.Run, metrics: it.runs.MetricsLog, findings: DeltaGenerator) -> None:
    both = both_models(run)
    text = probe_part(both)
    drift = attention_part(both, text)
    if both.step is None:
        # What the weights did is known of the end alone.
        _finding(findings, attention_finding(drift, _moved(run, metrics)))
    reasons_part(both, text)
    alike = vectors_part(both)
    if both.step is None and alike is not None:
        _finding(findings, vectors_finding(*alike))
    moments_part(both, text)

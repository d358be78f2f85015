"""Does it matter: heads switched off, and what changes; over one text, and over a labelled file."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.figures.ablation import distance_map, importance_maps, prune_curves
from dashboard.language import _
from dashboard.widgets.ablation_view import (
    ablation_downloads,
    ablation_lines,
    importance_downloads,
    importance_line,
    importance_lines,
    importance_run,
    show_answers,
    show_similarity,
    switch_heads,
)
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.notices import guarded


@guarded
def ablation(spec: it.EncoderSpec, text: str, pair: str | None) -> None:
    off = switch_heads(spec, text, pair)
    with st.spinner(_("Reading the text …")):
        result = cache.ablation(spec, text, pair, off)
    if not off:
        st.info(
            _("Every head is on. Switch some off above, or a whole layer at its name, and see what changes."),
            icon=":material/toggle_on:",
        )
    else:
        show_similarity(result)
        show_answers(cache.encoder(spec), result)
        st.plotly_chart(distance_map(result), key="distance")
        stem = file_stem("ablation", spec.checkpoint.name.split("/")[-1], text[:40])
        export_bar(ablation_downloads(spec, text, pair, off, stem), ablation_lines(spec, text, pair, off))
    st.caption(
        _(
            "What this does not mean: a head that can be taken out is not useless, since others can do the same work; "
            "and a model without a head was never trained that way. Distances are shares of a state's own length."
        )
    )
    st.divider()
    _over_a_file(spec)


@guarded
def _over_a_file(spec: it.EncoderSpec) -> None:
    st.subheader(_("Which heads matter over a labelled file"))
    result = importance_run(spec)
    if result is None:
        return
    st.markdown(importance_line(result))
    st.plotly_chart(importance_maps(result), key="importance")
    st.plotly_chart(prune_curves(result), key="prune")
    stem = file_stem("importance", spec.checkpoint.name.split("/")[-1])
    export_bar(importance_downloads(spec, result, stem), importance_lines(spec))
    st.caption(
        _(
            "What this does not mean: |∂L/∂ξ| is a slope at the whole model and says little of what happens when a "
            "head is gone altogether, which is why the true rise stands beside it. Both belong to this file and this "
            "task."
        )
    )

"""What lies nearest in the whole space, at a chosen layer."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.notices import guarded
from pages.embeddings.embeddings_view import Read
from pages.embeddings.maps_view import metric_input
from pages.embeddings.neighbours_view import neighbour_analysis, neighbour_downloads, neighbour_table, query_input
from pages.embeddings.points import layer_input


@guarded
def neighbours(read: Read) -> None:
    """The nearest neighbours of an item or of a typed text, at one layer."""
    query = query_input(read)
    kept = read.embeddings.layers
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        layer = layer_input(kept)
        metric = metric_input(width=220)
        count = choose(
            st.selectbox, _("Number of neighbours"), {10: "10", 25: "25", 100: "100"}, state.NEIGHBOURS, width=110
        )
    state.publish(state.AT, kept[-1])
    state.publish(state.METRIC)
    if query is None:
        st.info(_("Type a text, or choose one from the collection, to see its nearest neighbours."))
        return
    analysis = neighbour_analysis(read, query, layer, count, metric)
    found: it.embeddings.Neighbours = analysis.run(embeddings=read.embeddings)
    if not len(found.items):
        st.info(_("There are no other points to compare with."))
        return
    table = neighbour_table(read, found, metric)
    score = next(iter(table))
    data_table(
        table,
        column_config={
            score: st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)
            if metric == "cosine" and found.scores.min() >= 0
            else st.column_config.NumberColumn(format="%.3f")
        },
    )
    name = _("cosine") if metric == "cosine" else _("distance")
    st.caption(
        _(
            "Compare a {name} with those of random pairs at this layer: {usual} on average, with a standard "
            "deviation of {spread}. Neighbours are found in the full space of {width} dimensions, not on a map, and "
            "among all points: {count}."
        ).format(
            name=name,
            usual=f"{found.usual:.3f}",
            spread=f"{found.spread:.3f}",
            count=f"{len(read.embeddings):,}",
            width=read.embeddings.vectors.shape[2],
        )
    )
    stem = file_stem("neighbours", read.embeddings.spec.checkpoint.name.split("/")[-1], query.text[:40])
    export_bar(neighbour_downloads(table, stem), analysis)

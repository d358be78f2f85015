"""Groups of points, what speaks for them, and the words that mark each."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.numbers import sentences
from dashboard.widgets.choices import segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.notices import guarded
from pages.embeddings.clusters_view import (
    cluster_downloads,
    cluster_line,
    cluster_table,
    keyword_analysis,
    marks_of,
    words_line,
)
from pages.embeddings.embeddings_view import Read, draw_sample, sample_line
from pages.embeddings.maps_view import MOST_GROUPED, cluster_analysis, clusters_of, group_settings
from pages.embeddings.points import layer_input


@guarded
def clusters(read: Read) -> None:
    """Clusters of the vectors, their keywords, and how well they agree with labels."""
    kept = read.embeddings.layers
    indices = draw_sample(read, MOST_GROUPED)
    group_settings(len(indices))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        method = segments(_("Clustering method"), {"kmeans": "k-means", "hdbscan": "HDBSCAN"}, state.GROUPING)
        layer = layer_input(kept)
        if method == "kmeans":
            most = max(2, min(50, len(indices) // 2))
            st.number_input(_("Number of clusters"), 2, most, key=state.GROUPS, persist_state="session", width=150)
        else:
            most = max(2, len(indices) // 2)
            st.number_input(_("Minimum cluster size"), 2, most, key=state.LEAST, persist_state="session", width=180)
    state.publish(state.AT, kept[-1])
    for key in (state.GROUPING, state.GROUPS, state.LEAST):
        state.publish(key)
    found = clusters_of(read, layer, method)
    if found is None:
        return
    st.markdown(sentences(cluster_line(read, indices, found), sample_line(read, indices)))
    if not found.count:
        st.info(_("No region is dense enough to form a cluster. Lower the minimum cluster size, or choose k-means."))
        return
    texts = [read.embeddings.texts[read.embeddings.text[i]] for i in indices]
    marks = marks_of(read, layer, method, texts, found)
    if marks is None:
        return
    table = cluster_table(read, indices, layer, found, marks.words)
    data_table(
        table,
        column_config={_("Share"): st.column_config.ProgressColumn(format="%.0f%%", min_value=0, max_value=100)},
    )
    with st.container(horizontal=True):
        st.button(
            _("Colour the map by these clusters"),
            key="colour_by_clusters",
            on_click=_colour,
            args=(method,),
            icon=":material/palette:",
        )
    stem = file_stem("groups", method, read.collection.name)
    analyses = cluster_analysis(read, layer, method), keyword_analysis(read, layer, method, texts)
    export_bar(cluster_downloads(read, indices, found, table, stem), *analyses)
    st.caption(
        sentences(
            _(
                "What this does not mean: k-means divides any cloud of points into as many clusters as requested, "
                "whether or not it has any. A silhouette near 0, or clusters that change with the seed, speak against "
                "them. The keywords are the words that a cluster has more often than the others, by log-odds over "
                "their standard error (Monroe et al. 2008), which clusters of a few texts hardly reach; they describe "
                "texts, not what the model meant."
            ),
            words_line(marks),
        )
    )


def _colour(method: str) -> None:
    st.session_state[state.COLOUR] = method
    st.session_state[state.SHOW] = "map"

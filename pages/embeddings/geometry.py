"""The shape of each layer's space, and what labels can be cut out of it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.numbers import sentences
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.notices import guarded
from pages.embeddings.embeddings_view import Read
from pages.embeddings.figures import alignment_map, anisotropy_curves, dimension, probe_lines, static_share
from pages.embeddings.geometry_view import (
    geometry_analysis,
    geometry_downloads,
    measured,
    probe_analysis,
    probe_line,
    probed,
    reading_guide,
    word_table,
)


@guarded
def geometry(read: Read) -> None:
    """Anisotropy, similarity (CKA) and intrinsic dimension of each layer, and linear probes of labels."""
    found = measured(read)
    if found is None:
        return
    st.caption(_("Measured on {items} of {total} points.").format(items=f"{found.items:,}", total=f"{found.total:,}"))
    left, right = st.columns(2)
    with left:
        st.subheader(_("Anisotropy: do the vectors point one way?"))
        st.plotly_chart(anisotropy_curves(found), key="cone")
        said = _("0: vectors point evenly in all directions. 1: all point the same way.")
        # Of whole texts there is the dashed line alone.
        st.caption(
            sentences(said, _("Compare each line with the dashed one.")) if found.self_similarity is not None else said
        )
        if read.embeddings.level == "texts":
            st.caption(
                _(
                    "To see how much context changes a word, and how similar the words of a text are, use words "
                    "as points."
                )
            )
            st.button(_("Use words as points"), on_click=_read_words, icon=":material/arrow_forward:")
    with right:
        st.subheader(_("Similarity of layers (CKA)"))
        st.plotly_chart(alignment_map(found), key="cka")
        st.caption(_("1: two layers arrange the points in the same way. 0: no more similar than by chance."))
    left, right = st.columns(2)
    with left:
        st.subheader(_("Intrinsic dimension: how many dimensions do the points fill?"))
        st.plotly_chart(dimension(found), key="dimension")
        st.caption(
            _("Near each point, the points spread along this many of the {width} available directions.").format(
                width=read.embeddings.vectors.shape[2]
            )
        )
    with right:
        if found.explained is not None:
            st.subheader(_("Static-embedding share (MEV): could one vector stand for a word?"))
            st.plotly_chart(static_share(found), key="static")
            st.caption(_("1: one vector would do for all occurrences of a word. Compare it with the dashed line."))
    if found.words:
        with st.expander(_("Words that context changes most and least")):
            data_table(word_table(found))
    column = _labels(read)
    model = read.embeddings.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("geometry", model, read.collection.name)
    probes = [] if column is None else [probe_analysis(read, column)]
    export_bar(geometry_downloads(read, found, stem), geometry_analysis(read), *probes)
    with st.expander(_("What these numbers mean")):
        st.markdown(reading_guide())


def _labels(read: Read) -> str | None:
    """Draw how separable labels are, and return the column that they are in; None without one."""
    st.subheader(_("Probing: how separable are the labels?"))
    columns = {name: name for name in read.collection.columns}
    if not columns:
        st.caption(
            _("These texts have no labels. Use a file with a label column, or add a label after a tab in each line.")
        )
        return None
    column = choose(st.selectbox, _("Labels"), columns, state.PROBE_LABELS.of(read.about), read.label, width=260)
    probe = probed(read, column)
    if probe is None:
        return None
    st.plotly_chart(probe_lines(probe), key="probe")
    st.markdown(probe_line(probe))
    st.caption(
        _(
            "What this does not mean: labels that a linear probe can separate are not necessarily used by the model. "
            "Bars: 95% over five folds, as if these were independent; a text and its duplicates are never on both "
            "sides of a split. The highest point of the curve is the best of several, and so too high."
        )
    )
    return column


def _read_words() -> None:
    st.session_state[state.LEVEL] = "words"

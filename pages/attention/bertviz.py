"""The picture that everybody knows: BertViz's head, model and neuron view."""

from __future__ import annotations

import streamlit as st

from dashboard.analysis import Analysis, trace_of
from dashboard.components.bertviz import bertviz_page
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.export import Download, export_bar, file_stem
from dashboard.widgets.head_choice import chosen_head
from dashboard.widgets.notices import guarded
from pages.attention.bertviz_view import fitting_layers, pick_view, using


@st.fragment
@guarded
def bertviz(subject: Subject) -> None:
    """BertViz's head, model or neuron view of the text's attention weights."""
    view = pick_view()
    with st.spinner(_("Reading the text …")):
        trace = trace_of(subject)
    layers = fitting_layers(trace, view)
    if not layers:
        return
    st.caption(using(view))
    if view == "neuron" and trace.bias is not None:
        st.caption(
            _(
                "This model adds a relative position bias to q · k, which this view does not draw: the softmax "
                "includes it. “Q·K·V, step by step” shows it."
            )
        )
    layer, head = chosen_head(subject)
    dark = st.context.theme.type == "dark"
    page, height = bertviz_page(trace, view, layers, dark, layer, head)
    st.iframe(page, height=min(height, 1400), alt=_("BertViz: {view}").format(view=view))
    stem = file_stem("bertviz", view, subject.spec.checkpoint.name.split("/")[-1], subject.text[:40])

    def again() -> bytes:
        return bertviz_page(trace_of(subject), view, layers, dark, layer, head)[0].encode()

    size = f"{len(page) / 1e6:.1f}"
    about = _("This view as a single file that works offline: {size} MB").format(size=size)
    drawn = Analysis("trace", subject, shows=(".attention", ".query", ".key"))
    export_bar([Download("HTML", f"{stem}.html", "text/html", again, about)], drawn)
    st.caption(
        _(
            "What this does not mean: a thick line is a large weight, not a reason. Drawn with BertViz {version} (Vig "
            "2019) from the same trace as everything else here, rounded to four decimals."
        ).format(version="1.4.1")
    )

"""Which head looks where: the explorer."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import trace_of
from dashboard.components.explorer import Look, explorer, read_look
from dashboard.language import _, _n
from dashboard.subject import Subject
from dashboard.widgets.attention_view import (
    Looked,
    attention_downloads,
    first_head,
    heads_in_words,
    heads_of_url,
    link_line,
    reading_guide,
    view_analysis,
    view_controls,
)
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.models import device_name
from dashboard.widgets.notices import guarded
from interpret.core.characters import beginning
from pages.attention.attention_figures import head_heatmap
from pages.attention.reference import compare_button

KEY = "explorer"


@st.fragment
@guarded
def where(subject: Subject) -> None:
    """The attention weights of every head as thumbnails, and one head in full."""
    unit, specials, direction = view_controls(subject.pair is not None, cache.encoder(subject.spec).special)
    with st.spinner(_("Reading the text …")):
        trace = trace_of(subject)
        analysis = view_analysis(subject, unit, specials, direction)
        view: it.attention.AttentionView = analysis.run()
        thumbnails = cache.kept(("thumbnails", analysis), lambda: view.thumbnails().tobytes())
    layers, heads = trace.attention.shape[:2]
    before = st.session_state.get(KEY, {}).get("look") or heads_of_url()
    look = read_look(before, layers, heads, Look((first_head(subject),)))
    title = f"{subject.spec.checkpoint.name.split('/')[-1]} · {beginning(subject.text)}"
    stem = file_stem("attention", subject.spec.checkpoint.name.split("/")[-1], subject.text[:40])
    if before is None:
        link_line(subject, look.heads[0])
    explorer(view, thumbnails, look, title, stem, KEY)
    state.remember(state.HEADS, None if before is None else ",".join(f"{layer}.{head}" for layer, head in look.heads))
    state.remember(state.SCALE, None if look.scale == state.SCALE.default else look.scale)
    state.remember(state.MINIMUM, None if look.minimum == 0 else f"{look.minimum:g}")

    compare_button(subject, look.heads)
    what = Looked(subject, unit, specials, direction, look, title, stem)
    export_bar(attention_downloads(what), what.analysis, picture="explorer")
    with st.expander(_("How to read this")):
        st.markdown(reading_guide(cache.encoder(subject.spec).special))
    # Its label stays when the head changes, or it would close.
    plain = st.expander(_("Plotly heat map"), key="plotly", on_change="rerun")
    if plain.open:
        with plain:
            st.plotly_chart(
                head_heatmap(view, view.average(look.heads), f"{title} · {heads_in_words(look.heads)}"), key="heatmap"
            )
    unseen = int(trace.tokens.prompt.sum())
    if unseen:
        st.caption(
            _n(
                "The model also reads {count} token of the prompt, which is not shown: a row adds up to 1 less the "
                "weight that goes to it.",
                "The model also reads {count} tokens of the prompt, which are not shown: a row adds up to 1 less the "
                "weight that goes to them.",
                unseen,
            ).format(count=unseen)
        )
    st.caption(
        _(
            "Tokens: {tokens} · layers × heads: {layers} × {heads} · {device}, {precision} · read in {seconds} s. A "
            "weight says how much of a token's value a head mixes in; it does not say why the model made a prediction."
        ).format(
            tokens=len(trace.tokens.shown),
            layers=layers,
            heads=heads,
            device=device_name(subject.spec.device),
            precision=subject.spec.precision,
            seconds=f"{trace.seconds:.2f}",
        )
    )

"""Q·K·V, step by step: how one weight comes about, and what becomes of it."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.analysis import trace_of
from dashboard.components.steps import MOST_ROWS, NAME, shown_keys, steps_picture
from dashboard.components.steps.layer import layer_of
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.head_choice import informative_token, pick_head, pick_token
from dashboard.widgets.notices import guarded
from pages.attention.steps_view import (
    answer_line,
    check_line,
    pick_temperature,
    step_analysis,
    step_downloads,
    step_table,
)


@st.fragment
@guarded
def steps(subject: Subject) -> None:
    """One attention weight from query and key to softmax, and what of it reaches the layer's output."""
    encoder = cache.encoder(subject.spec)
    with st.spinner(_("Reading the text …")):
        trace = trace_of(subject)
    columns = st.columns([2, 2, 3, 5])
    layer, head = pick_head(subject, columns[0], columns[1])
    token = pick_token(trace.tokens, _("Query token"), informative_token(trace, layer, head), columns[2])
    temperature = pick_temperature(trace, layer, columns[3])
    analysis = step_analysis(subject, layer, head, token, temperature)
    result: it.attention.AttentionSteps = analysis.result
    st.markdown(answer_line(result))
    st.caption(check_line(result))
    if len(trace.tokens.shown) > MOST_ROWS:
        rest = 1 - float(result.weights[shown_keys(result)].sum())
        st.caption(
            _(
                "Showing the {shown} of {tokens} keys with the largest weights; the others together hold {rest}% of "
                "the weight. Sums run over all keys."
            ).format(shown=len(shown_keys(result)), tokens=len(trace.tokens), rest=f"{100 * max(0.0, rest):.1f}")
        )
    title = _("Layer {layer}, head {head}, query “{token}”").format(
        layer=layer, head=head, token=f"{token} {trace.tokens.labels[token]}"
    )
    model = subject.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("qkv", model, f"{layer}.{head}", str(token), trace.tokens.labels[token])
    steps_picture(result, layer_of(encoder, result), f"{model} · {title}", stem)
    export_bar(step_downloads(analysis, stem), analysis, picture=NAME)
    with st.expander(_("The numbers as a table")):
        data_table(step_table(result))
    st.caption(
        _(
            "What this does not mean: the numbers show exactly how one weight is computed. They do not say why these "
            "projections were learned, or whether this head matters for anything."
        )
    )

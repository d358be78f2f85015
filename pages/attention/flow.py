"""Where the information ends up: attention followed from one token through the layers down to the inputs."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import trace_of
from dashboard.components.paths import LEAST, MOST_IN_GRAPH, NAME, paths_picture
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.attention_view import first_head
from dashboard.widgets.choices import choose
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.head_choice import informative_token, pick_token
from dashboard.widgets.notices import guarded
from pages.attention.flow_figures import method_names, sources_map
from pages.attention.flow_view import (
    agreement_line,
    answer_line,
    flow_analyses,
    flow_downloads,
    limits,
    method_about,
    method_picker,
    pick_target,
    sources,
)


@guarded
def flow(subject: Subject) -> None:
    """From which input tokens a token's information comes: attention rollout, max-flow or gradient × attention."""
    encoder = cache.encoder(subject.spec)
    with st.spinner(_("Reading the text …")):
        trace = trace_of(subject)
    tokens = trace.tokens
    columns = st.columns([2, 2, 2, 2])
    default = informative_token(trace, *first_head(subject))
    token = pick_token(tokens, _("From token"), default, columns[0])
    layers = {i: str(i) for i in reversed(range(encoder.layers))}
    layer = choose(columns[1].selectbox, _("State after layer"), layers, state.AFTER, encoder.layers - 1)
    state.publish(state.AFTER, encoder.layers - 1)
    target = pick_target(encoder, columns[2])
    analyses = flow_analyses(subject, layer, token, target)
    shares = sources(subject, analyses, layer, token)
    st.markdown(answer_line(shares, tokens, token, layer))
    st.plotly_chart(sources_map(shares, tokens), key="sources")
    st.caption(agreement_line(shares))

    method = method_picker()
    detail = ""
    if method == "rollout":
        paths = it.attention.rollout_paths(trace, layer, token)
    elif method == "gradient":
        paths = analyses["gradient"].result
        detail = "" if target == "state" or encoder.task is None else encoder.task.labels[target]
    else:
        goal = pick_token(tokens, _("To input"), int(shares["raw"].argmax()), columns[3], state.GOAL)
        paths = it.attention.flow_paths(trace, layer, token, goal)
        detail = f"{goal} {tokens.labels[goal]}"
    st.markdown(method_about(method))
    label = f"{token} {tokens.labels[token]}"
    title = _("{method}: “{token}” after layer {layer}").format(method=method_names()[method], token=label, layer=layer)
    model = subject.spec.checkpoint.name.split("/")[-1]
    title = " · ".join(part for part in (model, title, detail) if part)
    stem = file_stem("flow", method, model, str(layer), label, detail)
    drawn, there = paths_picture(paths, tokens, title, stem)
    if not drawn:
        st.caption(
            _(
                "For more than {most} tokens, links are not drawn. Each row of the map is one layer, from the input "
                "tokens at the bottom to the chosen token at the top. Colour scales with the square root of the "
                "value, up to the largest value below the top."
            ).format(most=MOST_IN_GRAPH)
        )
    else:
        st.caption(
            _("Showing the links that carry at least {least}: {drawn} of {all}.").format(
                drawn=f"{drawn:,}",
                all=f"{there:,}",
                least=_("a flow of {amount}").format(amount=LEAST) if method == "flow" else f"{LEAST:.1%}",
            )
        )
    downloads = flow_downloads(subject, layer, token, target, tokens, shares, stem)
    export_bar(downloads, *analyses.values(), picture=NAME)
    st.caption(limits(method))

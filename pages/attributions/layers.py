"""Where in the model the evidence forms: a score for each token at each level."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard import cache, state
from dashboard.figures import hidden_state_names
from dashboard.language import _, literal
from dashboard.widgets.attributions_view import warn_of_baseline
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.export import Download, as_csv, export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.method_input import baseline_names
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice, target_name
from pages.attributions.figures import level_map


@guarded
def layers(choice: TargetChoice) -> None:
    """Each token's score at each hidden state, as a heat map from the embeddings to the last layer."""
    special = cache.encoder(choice.subject.spec).special
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        methods = {"conductance": _("Conductance"), "integrated_gradients": _("Layer integrated gradients")}
        method = segments(_("Method"), methods, state.LAYER_METHOD)
        baseline = choose(st.selectbox, _("Baseline"), baseline_names(special), state.BASELINE, width=240)
    state.publish(state.BASELINE)
    target_function = choice.target_function
    passes = 2 * 33 * (1 if method == "conductance" else target_function.encoder.layers + 1)

    analysis = choice.analysis("layer_attribution", "layers", ("[0]",), method=method, baseline=baseline)

    def work(progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        scores, deltas = analysis.run(target_function=choice.target_function, progress=progress)
        return scores, deltas

    found = long_work(
        "layer_map",
        f"{choice.about}:{method}:{baseline}",
        _("Compute layer attributions: about {passes} passes").format(passes=passes),
        work,
        auto=passes * len(target_function.tokens) <= 25_000,
        keep=6,
    )
    if found is None:
        return
    scores, deltas = found
    tokens = target_function.tokens
    names = hidden_state_names(range(len(scores)))
    st.markdown(_("Explained: {target}").format(target=literal(target_name(choice, target_function.target))))
    drawn = [tokens.labels[i] for i in tokens.shown]
    st.plotly_chart(level_map(scores[:, tokens.shown], drawn, names), key="level_map")
    warn_of_baseline(target_function, baseline, "layers")
    st.caption(
        _(
            "How much of the output's change from the baseline passes through each token after each layer. Each row "
            "adds up to the whole change, here to within {error}. Watch where it leaves the words and gathers in a "
            "few tokens."
        ).format(error=f"{float(np.abs(deltas).max()):.3f}")
        if method == "conductance"
        else _(
            "Integrated gradients at each layer, between the hidden states of the baseline and those of the text; "
            "each row adds up to the change of the output to within {error}."
        ).format(error=f"{float(np.abs(deltas).max()):.3f}")
    )
    table: dict[str, list[Any]] = {
        _("Hidden state"): [name for name in names for _one in tokens.labels],
        _("Token"): [label for _one in names for label in tokens.labels],
        _("Score"): [float(score) for row in scores for score in row],
    }
    stem = file_stem("layers", choice.subject.spec.checkpoint.name.split("/")[-1], method, tokens.text[:40])
    export_bar(
        [Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(table), _("A row for each layer and token"))],
        analysis,
    )

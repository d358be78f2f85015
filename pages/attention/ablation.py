"""Does it matter: heads switched off, and what changes; over one text, and over a labelled file."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.components.maps import head_maps
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.ablation_view import (
    ablation_analysis,
    ablation_downloads,
    show_answers,
    show_similarity,
    switch_heads,
)
from dashboard.widgets.choices import segments
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.head_choice import choose_head, chosen_head, head_buttons, pick_row
from dashboard.widgets.notices import guarded
from pages.attention.ablation_figures import distance_map, prune_curves
from pages.attention.importance_view import (
    importance_downloads,
    importance_line,
    importance_maps,
    importance_run,
    importance_table,
    verdicts_of,
)

MAPS = "importance_maps"


@guarded
def ablation(subject: Subject) -> None:
    """Heads to switch off, and how output and hidden states change; or the importance of each head over a file."""
    # Said before anything can be switched that then cannot be done.
    _all_on = ablation_analysis(subject, ()).result
    over = segments(
        _("Measured on"), {"text": _("This text"), "corpus": _("A labelled file: head importance")}, state.MEASURE
    )
    state.publish(state.MEASURE)
    if over == "corpus":
        _over_a_file(subject.spec, chosen_head(subject))
        return
    off = switch_heads(subject)
    with st.spinner(_("Reading the text …")):
        analysis = ablation_analysis(subject, off)
        result: it.attention.Ablation = analysis.result
    if not off:
        st.info(
            _(
                "All heads are on. Switch off single heads above, or a whole layer by its name: a head that is off "
                "passes zeros to the layer's output projection. The changes then appear here."
            ),
            icon=":material/toggle_on:",
        )
    else:
        show_similarity(result)
        show_answers(cache.encoder(subject.spec), result.answers)
        st.plotly_chart(distance_map(result), key="distance")
        stem = file_stem(
            "ablation",
            subject.spec.checkpoint.name.split("/")[-1],
            subject.text[:30],
            "off",
            *(f"{one}.{two}" for one, two in off[:6]),
        )
        export_bar(ablation_downloads(analysis, stem), analysis)
    st.caption(
        _(
            "What this does not mean: a head that can be ablated is not useless, since other heads can do the same "
            "work; and the model was never trained without that head. Distances are relative to the length of the "
            "state itself; above 1, the state moved further than its own length."
        )
    )


def _over_a_file(spec: it.EncoderSpec, chosen: tuple[int, int]) -> None:
    found = importance_run(spec)
    if found is None:
        return
    result, analysis = found
    st.markdown(importance_line(result))
    model = spec.checkpoint.name.split("/")[-1]
    name = analysis.about["file"]
    stem = file_stem("importance", model, name)
    clicked = head_maps(importance_maps(result), chosen, f"{model} · {name}", stem, MAPS, verdicts_of(result))
    if clicked:
        choose_head(*clicked)
        st.rerun()
    head_buttons(*chosen)
    with st.expander(_("All heads as a table")):
        pick_row(importance_table(result), chosen)
    if result.curves:
        st.subheader(_("Pruning curves: what is left as heads are ablated one after another"))
        left, right = st.columns(2)
        left.plotly_chart(prune_curves(result, "accuracy"), key="prune_accuracy")
        right.plotly_chart(prune_curves(result, "loss"), key="prune_loss")
    export_bar(importance_downloads(analysis, result, stem), analysis, picture=MAPS)
    st.caption(
        _(
            "What this does not mean: |∂L/∂ξ| is a slope at the complete model and says little about removing a head "
            "altogether, so the true rise of the loss is shown beside it. Both apply only to this file and this task, "
            "and the order of true rises was found on the same texts that it is measured on."
        )
    )

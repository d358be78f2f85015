"""What kind of head is this: where each one looks on average, over one text, a corpus, or dependency trees."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.components.maps import head_maps
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.choices import segments
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.head_choice import choose_head, chosen_head, head_buttons, pick_row
from dashboard.widgets.notices import guarded
from interpret.core.characters import beginning
from pages.attention.dependencies_view import (
    dependency_downloads,
    dependency_guide,
    dependency_line,
    dependency_table,
    tree_scores,
)
from pages.attention.heads_figures import MOST_BARS, dependency_bars
from pages.attention.heads_view import (
    corpus_statistics,
    head_table,
    patterns_line,
    patterns_shown,
    rules_guide,
    statistic_maps,
    statistics_analysis,
    statistics_downloads,
)

MAPS = "head_maps"


@guarded
def heads(subject: Subject) -> None:
    """A map of all heads for each pattern, over the text, a file of texts or dependency trees."""
    over = segments(
        _("Measured on"),
        {"text": _("This text"), "corpus": _("A file of texts"), "trees": _("Dependency trees (CoNLL-U)")},
        state.OVER,
    )
    state.publish(state.OVER)
    if over == "trees":
        _trees(subject.spec, chosen_head(subject))
        return
    if over == "text":
        with st.spinner(_("Reading the text …")):
            analysis = statistics_analysis(subject)
            statistics: it.attention.HeadStatistics = analysis.result
        name = beginning(subject.text)
    else:
        found = corpus_statistics(subject.spec)
        if found is None:
            return
        statistics, analysis = found
        name = analysis.about["file"]
    special = cache.encoder(subject.spec).special
    st.markdown(patterns_line(statistics, special))
    chosen = chosen_head(subject)
    model = subject.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("heads", model, name)
    title = f"{model} · {' '.join(name.split())}"
    clicked = head_maps(
        statistic_maps(statistics, special), chosen, title, stem, MAPS, patterns_shown(statistics, special)
    )
    if clicked:
        choose_head(*clicked)
        st.rerun()
    head_buttons(*chosen)
    with st.expander(_("All heads as a table")):
        pick_row(head_table(statistics, special), chosen)
    with st.expander(_("Rules for naming heads")):
        st.markdown(rules_guide(special))
    export_bar(statistics_downloads(analysis, statistics, stem), analysis, picture=MAPS)
    st.caption(
        _(
            "What this does not mean: a name says where a head looks on average in these texts. In other texts the "
            "head may do something else, and where it looks does not say whether the model needs it."
        )
    )


def _trees(spec: it.EncoderSpec, chosen: tuple[int, int]) -> None:
    found = tree_scores(spec)
    if found is None:
        return
    scores, analysis = found
    st.caption(
        _(
            "Sentences: {sentences}; dependencies: {links}. Sentences that the model cannot read: {skipped}; "
            "dependencies with a word that has no token of its own: {unread}."
        ).format(
            sentences=f"{scores.sentences:,}",
            links=f"{int(scores.counts.sum()):,}",
            skipped=scores.skipped,
            unread=scores.unread,
        )
    )
    st.markdown(dependency_line(scores))
    st.plotly_chart(dependency_bars(scores), key="dependencies")
    st.caption(
        _(
            "Relations in the chart: the {shown} most frequent of {total}; the table has all of them. The verdict "
            "is based on the gain on the same sentences: a difference can be clear even where the intervals of two "
            "bars overlap."
        ).format(shown=min(MOST_BARS, len(scores.relations)), total=len(scores.relations))
    )
    pick_row(dependency_table(scores), chosen, dependency_guide())
    head_buttons(*chosen)
    stem = file_stem("dependencies", spec.checkpoint.name.split("/")[-1], analysis.about["file"])
    export_bar(dependency_downloads(analysis, scores, stem), analysis)
    st.caption(
        _(
            "What this does not mean: finding a relation is not using it, and the intervals apply to sentences like "
            "these, not to other kinds of text. The layer and head shown do best on all sentences together; the share "
            "found is scored on sentences that the head was not chosen on. Clark et al. (2019), section 4."
        )
    )

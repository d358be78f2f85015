"""Words in place on colours, several methods side by side."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.components.words import word_rows
from dashboard.language import _, literal
from dashboard.numbers import number
from dashboard.widgets.attributions_view import (
    attributions_of,
    explain_analysis,
    rows_of,
    uncertainty_of,
    warn_of_baseline,
    words_of,
)
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.method_input import how_input, method_names
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice, target_name
from pages.attributions.export import attribution_downloads, attribution_table
from pages.attributions.figures import agreement_map, top_words
from pages.attributions.guide import method_guide
from pages.attributions.report import text_report

_PICTURE = "words"


@guarded
def why(choice: TargetChoice) -> None:
    """The prediction, and each word's score by each chosen method."""
    how = how_input(cache.encoder(choice.subject.spec).special)
    if not how.methods:
        st.info(_("Choose a method to see what each word contributes."))
        return
    _answer(choice)
    slot = st.empty()
    found = attributions_of(choice, how, slot)
    if not found:
        return
    first = found[0]
    model = choice.subject.spec.checkpoint.name.split("/")[-1]
    title = f"{model} · {target_name(choice, first.target)}"
    stem = file_stem("attributions", model, first.target.name, first.tokens.text[:40])
    with slot.container():
        word_rows(rows_of(found, how.words), title, stem, "words:all", _PICTURE)
    if any(one.baseline for one in found):
        warn_of_baseline(choice.target_function, how.baseline, "why")
    analyses = [explain_analysis(choice, one.method, how) for one in found]
    export_bar(attribution_downloads(choice, found, how, title, stem), *analyses, picture=_PICTURE)
    left, right = st.columns(2, gap="large")
    with left:
        _bars(found, how.words)
    with right:
        agreement = it.attribution.rank_agreement(found)
        if len(found) > 1 and not np.isnan(agreement).all(where=~np.eye(len(found), dtype=bool)):
            st.markdown("#### " + _("Agreement of methods (rank correlation)"))
            names = [method_names()[one.method] for one in found]
            st.plotly_chart(
                agreement_map(names, agreement, it.attribution.rank_agreement_interval(found)), key="agreement"
            )
            st.caption(
                _(
                    "Spearman's rank correlation of the words' scores; below it, the 95% interval for another sample "
                    "of as many words (Bonett & Wright 2000). Where a method gives no sign, absolute values are "
                    "compared."
                )
            )
    with st.expander(_("All scores")):
        data_table(attribution_table(found, how.words))
    text_report(choice, how)
    method_guide(choice, found)


def _answer(choice: TargetChoice) -> None:
    target_function = choice.target_function
    likely = target_function.kind.likely
    parts = [_("Explained: {target}").format(target=literal(target_name(choice, target_function.target)))]
    if likely:
        parts.append(_("probability {chance}").format(chance=f"{target_function.target_probability:.1%}"))
    parts.append(
        (_("logit {output}") if likely else _("output {output}")).format(output=number(target_function.output))
    )
    hint = _(
        "A score is what a word adds to the logit, the number before softmax that the probability is computed from."
    )
    st.markdown(" · ".join(parts), help=hint if likely else None)


def _bars(found: list[it.Attribution], words: bool) -> None:
    names = method_names()
    st.markdown("#### " + _("Words with the largest scores: {method}").format(method=names[found[0].method]))
    shown = words_of(found[0], words)
    free = [i for i, one in enumerate(shown) if not one.fixed]
    spread = uncertainty_of(found[0], words)
    unit = _("score") if spread is None else _("score, ± 95% sampling interval")
    half = None if spread is None else [float(spread[i]) for i in free]
    of = _("word") if words else _("token")
    figure = top_words([shown[i].text for i in free], [shown[i].score for i in free], unit, of, half)
    st.plotly_chart(figure, key="bars")

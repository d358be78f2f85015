"""Words in place on colours, several methods side by side."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard.figures.attributions import agreement_map, top_words
from dashboard.language import _
from dashboard.pictures.words import word_rows
from dashboard.widgets.attributions_export import attribution_downloads, attribution_lines, attribution_table
from dashboard.widgets.attributions_guide import method_guide
from dashboard.widgets.attributions_view import (
    Asked,
    attributions_of,
    how_input,
    method_names,
    rows_of,
    target_name,
    words_of,
)
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.notices import guarded

_PICTURE = "words"


@guarded
def why(asked: Asked) -> None:
    how = how_input()
    if not how.methods:
        st.info(_("Choose a method to see what each word did."))
        return
    answer, slot = st.container(), st.empty()
    found = attributions_of(asked, how, slot)
    if not found:
        return
    first = found[0]
    model = asked.spec.checkpoint.name.split("/")[-1]
    title = f"{model} · {target_name(asked, first.target)}"
    stem = file_stem("attributions", model, first.target.name, first.tokens.text[:40])
    with answer:
        _answer(asked, first)
    with slot.container():
        word_rows(rows_of(found, how.words), title, stem, "words:all", _PICTURE)
    export_bar(attribution_downloads(asked, found, how, title, stem), attribution_lines(asked, found[0], how), _PICTURE)
    left, right = st.columns(2, gap="large")
    with left:
        _bars(found, how.words)
    with right:
        if len(found) > 1:
            st.markdown("#### " + _("Do the methods agree?"))
            names = [method_names()[one.method] for one in found]
            st.plotly_chart(agreement_map(names, it.rank_agreement(found)), key="agreement")
            st.caption(_("Spearman's rank correlation of the words' scores; sizes where a method gives no sign."))
    with st.expander(_("All scores")):
        st.dataframe(attribution_table(found, how.words), hide_index=True)
    method_guide(asked, found)


def _answer(asked: Asked, first: it.Attribution) -> None:
    question = asked.question()
    chance = float(question.chances([question.tokens])[0])
    likely = first.target.kind in ("class", "word")
    parts = [_("Explained: {target}").format(target=target_name(asked, first.target))]
    if likely:
        parts.append(_("probability {chance}").format(chance=f"{chance:.1%}"))
    parts.append((_("score {output}") if likely else _("answer {output}")).format(output=f"{first.output:.3f}"))
    if first.baseline:
        parts.append(_("for the baseline {output}").format(output=f"{first.baseline_output:.3f}"))
    st.markdown(" · ".join(parts))


def _bars(found: list[it.Attribution], words: bool) -> None:
    names = method_names()
    st.markdown("#### " + _("Words that did most: {method}").format(method=names[found[0].method]))
    shown = [one for one in words_of(found[0], words) if not one.fixed]
    st.plotly_chart(top_words([one.text for one in shown], [one.score for one in shown], _("score")), key="bars")

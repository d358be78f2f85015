"""A whole file explained: the words that drive each class, and the rows that go wrong."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.language import _, _n
from dashboard.numbers import listed
from dashboard.widgets.attributions_view import class_words_line
from dashboard.widgets.choices import choose
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.method_input import baseline_names, choices_help, method_choices
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice
from pages.attributions.figures import class_words
from pages.attributions.rows_view import (
    accuracy_lines,
    chosen_row,
    human_line,
    rows_analysis,
    rows_downloads,
    rows_input,
    skipped_rows,
    trained_texts,
)


@guarded
def rows(choice: TargetChoice) -> None:
    """The words with the highest scores for each class over a file, and its wrong predictions."""
    if choice.kind.compares:
        st.info(_("The rows of a file have no second text to compare with. Choose a class to explain a whole file."))
        return
    found = rows_input()
    if found is None:
        return
    names = method_choices()
    special = cache.encoder(choice.subject.spec).special
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        method = choose(st.selectbox, _("Method"), names, state.ROWS_METHOD, width=320, help=choices_help())
        baseline = choose(st.selectbox, _("Baseline"), baseline_names(special), state.BASELINE, width=240)
    analysis = rows_analysis(choice, found, method, baseline)
    training_texts = trained_texts()

    def work(progress: Progress) -> it.attribution.RowAttributions:
        explained: it.attribution.RowAttributions = analysis.run(
            training_texts=training_texts, progress=progress, beside=cache.beside(choice.subject.spec)
        )
        return explained

    result = long_work(
        "rows",
        repr((choice.subject.spec, choice.target, choice.classifier, found.about, method, baseline)),
        _n("Explain {count} row", "Explain {count} rows", len(found.texts)).format(count=f"{len(found.texts):,}"),
        work,
        {"rows": _("rows")},
        keep=3,
        rate=_("{rate} rows/s"),
    )
    if result is None:
        return
    stem = file_stem("rows", choice.subject.spec.checkpoint.name.split("/")[-1], found.file.name)
    accuracy_lines(result)
    skipped_rows(result)
    _summary(result)
    human_line(result)
    chosen = choose(
        st.selectbox,
        _("Most influential words for the class"),
        {one: one for one in result.classes},
        state.ROWS_CLASS.of(found.about),
        width=260,
    )
    words = result.words(chosen)
    if words:
        st.plotly_chart(class_words(words, _("mean score with its 95% interval")), key="class_words")
        st.caption(class_words_line(words))
    else:
        st.info(_("No word occurs in three or more of the texts explained for this class."))
    chosen_row(found.file, result)
    export_bar(rows_downloads(result, stem), analysis)


def _summary(found: it.attribution.RowAttributions) -> None:
    columns = st.columns(4)
    columns[0].metric(_("Rows explained"), f"{len(found.rows):,}")
    columns[1].metric(_("Left out"), f"{len(found.skipped):,}")
    columns[2].metric(
        _("Truncated"),
        f"{sum(row.cut for row in found.rows):,}",
        help=_("Texts longer than the model's limit: only their first window was read."),
    )
    # Rows that were learned from tell of nothing but memory, where there are others.
    evaluated = [row for row in found.evaluated if row.basis != "learned from"] or list(found.evaluated)
    wrong, count = sum(row.wrong for row in evaluated), len(evaluated)
    names = {
        "out-of-fold": _("out-of-fold"),
        "not learned from": _("not used for training"),
        "learned from": _("used for training"),
        "not known": _("used for training or not: unknown"),
    }
    columns[3].metric(
        _("Wrong predictions"),
        _("{wrong} of {count}").format(wrong=wrong, count=count) if count else "–",
        listed(names[basis] for basis in names if any(row.basis == basis for row in evaluated)) or None,
        delta_color="off",
        delta_arrow="off",
    )

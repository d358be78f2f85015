"""A whole file explained: the words that drive each class, and the rows that go wrong."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n
from dashboard.numbers import listed
from dashboard.widgets.attributions_view import class_words_line
from dashboard.widgets.choices import choose
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.method_input import baseline_names, choices_help, method_choices
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice
from interpret.attribution.row_jobs import RowJob
from pages.attributions.figures import class_words
from pages.attributions.report import rows_report
from pages.attributions.rows_job import file_of, job_of, job_view, kept_jobs, opened_job, start_job
from pages.attributions.rows_view import (
    accuracy_lines,
    chosen_row,
    completeness_line,
    human_line,
    rows_analysis,
    rows_downloads,
    rows_input,
    skipped_rows,
)


@guarded
def rows(choice: TargetChoice) -> None:
    """The words with the highest scores for each class over a file, and its wrong predictions."""
    if choice.kind.compares:
        st.info(_("The rows of a file have no second text to compare with. Choose a class to explain a whole file."))
        return
    if choice.kind.tags or choice.kind.from_passage:
        st.info(_("This target is of one word of one text. Choose a class to explain a whole file."))
        return
    if choice.target_function.stands_alone:
        st.info(
            _(
                "This model gives a text any number of classes, so a row has no single prediction that is right or "
                "wrong. Explain one text at a time, or choose a linear head above."
            )
        )
        return
    found = rows_input()
    kept_jobs()
    if found is None:
        return
    names = method_choices()
    special = cache.encoder(choice.subject.spec).special
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        method = choose(st.selectbox, _("Method"), names, state.ROWS_METHOD, width=320, help=choices_help())
        baseline = choose(st.selectbox, _("Baseline"), baseline_names(special), state.BASELINE, width=240)
        tolerance = _tolerance_input() if it.attribution.METHODS[method].path else 0.01
    analysis = rows_analysis(choice, found, method, baseline, tolerance)
    job = job_of(choice, found, method, baseline, tolerance)
    job_view(
        job,
        _n("Explain {count} row", "Explain {count} rows", len(found.texts)).format(count=f"{len(found.texts):,}"),
        guarded(lambda: start_job(choice, found, method, baseline, tolerance)),
    )
    if job is not None and not job.active:
        result_view(job, found.file, analysis)


def kept_rows(job: RowJob) -> None:
    """An explanation that was opened from the list of those that are kept, and what came of its rows."""
    opened_job(job)
    if not job.active:
        result_view(job, file_of(job))


def _tolerance_input() -> float:
    shares = {"0.005": "0.5%", "0.01": "1%", "0.02": "2%", "0.05": "5%"}
    help_text = _(
        "How far the scores of a text may miss the difference between the two outputs, as a share of it. Steps are "
        "added for each text until they do not; a larger error is faster."
    )
    chosen = choose(st.selectbox, _("Completeness error"), shares, state.ROWS_TOLERANCE, width=180, help=help_text)
    state.publish(state.ROWS_TOLERANCE)
    return float(chosen)


def result_view(job: RowJob, file: SlotFile, *analyses: Analysis) -> None:
    """Draw what is done of a file, whole or not."""
    result = cache.explained_rows(job)
    if result is None:
        if job.state == "done":
            st.info(_("None of these rows could be explained. Choose another file or column."))
        return
    stem = file_stem("rows", job.request.spec.checkpoint.name.split("/")[-1], file.name)
    accuracy_lines(result)
    skipped_rows(result)
    _summary(result)
    completeness_line(result)
    human_line(result)
    chosen = choose(
        st.selectbox,
        _("Most influential words for the class"),
        {one: one for one in result.classes},
        state.ROWS_CLASS.of(job.folder.name),
        width=260,
    )
    words = result.words(chosen)
    if words:
        st.plotly_chart(class_words(words, _("mean score with its 95% interval")), key="class_words")
        st.caption(class_words_line(words))
    else:
        st.info(_("No word occurs in three or more of the texts explained for this class."))
    chosen_row(file, result)
    export_bar(rows_downloads(result, stem), *analyses)
    rows_report(job, file, result, stem)


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

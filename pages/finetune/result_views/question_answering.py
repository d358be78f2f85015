"""How good a model is at answering questions: its numbers, and each question with both answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard.language import _, _n
from dashboard.numbers import between, sentences
from dashboard.widgets.shares import percent_columns, percents
from interpret.finetuning.answer_results import AnswerResults
from pages.finetune.result_views.view import MOST_ROWS, draws, evaluated_rows, metric


@draws(AnswerResults)
def answers_view(run: it.runs.Run, outcome: it.finetuning.Outcome, found: AnswerResults) -> None:
    """Draw F1 and exact match, and the questions, those that were answered worst first."""
    _numbers(found)
    st.caption(
        _(
            "F1 is that of the words of an answer with those that were marked, exact match the share of answers that "
            "are the same; case, punctuation and English articles apart, as for SQuAD. A Chinese character counts as "
            "a word."
        )
    )
    _questions(run, outcome, found)


def _numbers(found: AnswerResults) -> None:
    columns = st.columns(4)
    drawn = _("Interval by bootstrap over passages, as questions on one passage are not independent.")
    metric(columns[0], _("Answer F1"), f"{found.f1:.1%}", between(found.interval), drawn)
    metric(columns[1], _("Exact match"), f"{found.exact:.1%}", between(found.exact_interval), drawn)
    columns[2].metric(
        _("Baseline F1"),
        f"{found.baseline:.1%}",
        help=_("Always answering “no answer”.")
        if found.baseline_is_none
        else _("Answering with the sentence of the passage that has most of the question's words."),
    )
    if found.answerable.all():
        columns[3].metric(_("Passages"), f"{found.passages:,}")
        return
    none = ~found.answerable
    columns[3].metric(
        _("“No answer” found"),
        f"{found.scores[none].mean():.1%}",
        help=sentences(
            _n(
                "{count} question has no answer in its passage.",
                "{count} questions have no answer in their passage.",
                int(none.sum()),
            ).format(count=f"{int(none.sum()):,}"),
            _("Of the others F1 is {f1}.").format(f1=f"{found.scores[found.answerable].mean():.1%}")
            if found.answerable.any()
            else "",
        ),
    )


def _questions(run: it.runs.Run, outcome: it.finetuning.Outcome, found: AnswerResults) -> None:
    rest = np.flatnonzero(found.right)
    shown = np.concatenate([found.mistakes, rest])[:MOST_ROWS]
    st.markdown(
        _n(
            "**{count}** question, the lowest F1 first:",
            "**{count}** questions, the lowest F1 first:",
            len(found.scores),
        ).format(count=f"{len(found.scores):,}")
    )
    passages = outcome.pairs or ()
    table = {
        _("Question"): [outcome.texts[i] for i in shown],
        _("True"): [outcome.truth[i] or _("no answer") for i in shown],
        _("Prediction"): [_answer(outcome, found, int(i)) or _("no answer") for i in shown],
        "F1": percents(found.scores[shown].tolist()),
        _("Probability"): percents(found.probability[shown].tolist()),
        _("Passage"): [passages[i] for i in shown],
        _("Row"): [outcome.origin.numbers[i] for i in shown],
    }
    evaluated_rows(
        run,
        outcome,
        shown,
        table,
        lambda: _all_rows(outcome, found),
        {
            **percent_columns("F1", _("Probability")),
            _("Question"): st.column_config.TextColumn(width="large"),
            _("Passage"): st.column_config.TextColumn(width="medium"),
        },
        _("All questions (CSV)"),
    )


def _answer(outcome: it.finetuning.Outcome, found: AnswerResults, index: int) -> str:
    """Return what the model answered; empty for “no answer”."""
    start, end = found.spans[index].tolist()
    return (outcome.pairs or ())[index][start:end] if start >= 0 else ""


def _all_rows(outcome: it.finetuning.Outcome, found: AnswerResults) -> dict[str, list[Any]]:
    count = range(len(found.scores))
    return {
        "question": list(outcome.texts),
        "passage": list(outcome.pairs or ()),
        "true": list(outcome.truth),
        "predicted": [_answer(outcome, found, index) for index in count],
        "predicted_start": found.spans[:, 0].tolist(),
        "f1": [float(one) for one in found.scores],
        "exact": [bool(one) for one in found.right],
        "probability": [float(one) for one in found.probability],
        "row": list(outcome.origin.numbers),
    }

"""What came of a run: every module of this folder that registers a view is loaded with it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import streamlit as st

import interpret as it
from dashboard.language import _n
from dashboard.widgets.baseline_view import choice_line
from dashboard.widgets.verdict_view import verdict_view
from interpret.finetuning.answer_results import AnswerResults
from pages.finetune.next_steps import next_steps
from pages.finetune.result_views.view import VIEWS


def load_all() -> None:
    """Import every module of this folder."""
    for found in iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")


def result_view(run: it.runs.Run) -> None:
    """Draw what came of a run that is done or stopped.

    Raises
    ------
    InputError
        If nothing has come of it.
    """
    outcome = it.finetuning.read_outcome(run)
    st.markdown("#### " + _title(outcome))
    verdict_view(run.facts, run.request.task)
    choice_line(run, outcome)
    VIEWS[type(outcome.results)](run, outcome, outcome.results)
    if not isinstance(outcome.results, it.finetuning.ClassificationResults):
        # Of a classifier they stand at its errors.
        next_steps(run, outcome)


def _title(outcome: it.finetuning.Outcome) -> str:
    count, found = f"{len(outcome.truth):,}", outcome.results
    if isinstance(found, it.finetuning.PretrainingResults):
        return _n(
            "Masked-token prediction on {count} tokens of {passages} held-out passage",
            "Masked-token prediction on {count} tokens of {passages} held-out passages",
            len(outcome.texts),
        ).format(count=f"{len(found.truth):,}", passages=f"{len(outcome.texts):,}")
    if isinstance(found, it.finetuning.ClassificationResults) and found.sentences:
        return _n(
            "Results on {count} words of {sentences} held-out sentence",
            "Results on {count} words of {sentences} held-out sentences",
            found.sentences,
        ).format(count=count, sentences=f"{found.sentences:,}")
    if isinstance(found, AnswerResults):
        return _n(
            "Results on {count} held-out question about {passages} passages",
            "Results on {count} held-out questions about {passages} passages",
            len(outcome.truth),
        ).format(count=count, passages=f"{found.passages:,}")
    if outcome.overlap:
        return _n(
            "Results on {count} rows, of which {overlap} is also in the training set",
            "Results on {count} rows, of which {overlap} are also in the training set",
            outcome.overlap,
        ).format(count=count, overlap=f"{outcome.overlap:,}")
    return _n("Results on {count} held-out row", "Results on {count} held-out rows", len(outcome.truth)).format(
        count=count
    )


load_all()

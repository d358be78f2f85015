"""How good a classifier is: its numbers, its confusions, how sure it is, and the rows behind each."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard.figures.finetuning import calibration_curve
from dashboard.language import _, _n, literal
from dashboard.numbers import between, interval, listed, sentences
from dashboard.widgets.data_table import data_table
from dashboard.widgets.shares import percent_columns, percents
from interpret.core.intervals import wilson
from pages.finetune.confusion_view import confusion_view
from pages.finetune.next_steps import next_steps
from pages.finetune.result_views.view import MOST_ROWS, draws, evaluated_rows, metric

# Classes that are named in one sentence.
_MOST_NAMED = 20


@draws(it.finetuning.ClassificationResults)
def classification_view(
    run: it.runs.Run, outcome: it.finetuning.Outcome, found: it.finetuning.ClassificationResults
) -> None:
    """Draw accuracy, F1, confusions and calibration, and the rows behind each."""
    if found.entities is not None:
        _entities(found.entities)
    _numbers(found)
    _unseen(outcome, found)
    _remembered(run)
    rows = confusion_view(outcome, found, run.id)
    _rows(run, outcome, found, rows)
    next_steps(run, outcome, int(found.mistakes[0]) if len(found.mistakes) else None)
    _classes(found)
    st.markdown(
        "##### " + _("Calibration: do the probabilities match how often it is right?"),
        help=_("The expected calibration error (ECE) is the mean distance from the line (Guo et al. 2017)."),
    )
    st.plotly_chart(calibration_curve(found), key="calibration")


def _entities(found: it.finetuning.EntityResults) -> None:
    columns = st.columns(4)
    by_sentence = _("Interval by bootstrap over sentences, as the words of one sentence are not independent.")
    whole = _(
        "An entity counts as correct only if its type and both of its boundaries are right, as in seqeval and "
        "conlleval."
    )
    for index, label, value, ends in (
        (0, _("Entity F1"), found.f1, found.interval),
        (1, _("Entity precision"), found.precision, found.precision_interval),
        (2, _("Entity recall"), found.recall, found.recall_interval),
    ):
        metric(columns[index], label, f"{value:.1%}", between(ends), sentences(whole, by_sentence))
    columns[3].metric(_("Entities"), f"{int(found.true.sum()):,}", help=_("True entities in these sentences."))
    with st.expander(_("Results by entity type")):
        precision, recall, f1 = found.by_kind.T.tolist()
        data_table(
            {
                _("Kind"): list(found.kinds),
                _("True"): found.true.tolist(),
                _("Found"): found.predicted.tolist(),
                _("Found correctly"): found.correct.tolist(),
                _("Precision (PPV)"): percents(precision),
                _("Recall"): percents(recall),
                "F1": percents(f1),
            },
            column_config=percent_columns(_("Precision (PPV)"), _("Recall"), "F1"),
        )


def _numbers(found: it.finetuning.ClassificationResults) -> None:
    columns = st.columns(4)
    words = bool(found.sentences)
    metric(
        columns[0],
        _("Word accuracy") if words else _("Accuracy"),
        f"{found.accuracy:.1%}",
        between(found.interval),
        _("Interval by bootstrap over sentences, as the words of one sentence are not independent.")
        if words
        else _("The range is Wilson's interval: how far chance alone can shift the accuracy with this many rows."),
    )
    drawn = _("Interval by bootstrap over sentences.") if words else _("Interval by bootstrap over rows.")
    about = _(
        "Mean F1 over the classes that occur here, as true or as predicted labels; rare classes count as much "
        "as common ones."
    )
    metric(
        columns[1],
        _("Macro-F1"),
        f"{found.macro_f1:.1%}",
        between(found.macro_f1_interval),
        sentences(about, drawn),
    )
    columns[2].metric(
        _("Majority-class baseline"),
        f"{found.majority:.1%}",
        help=_("Accuracy of always predicting “{name}”, the most frequent class here.").format(
            name=literal(found.majority_class)
        ),
    )
    metric(columns[3], _("Calibration error (ECE)"), f"{found.ece:.1%}", between(found.ece_interval), drawn)


def _unseen(outcome: it.finetuning.Outcome, found: it.finetuning.ClassificationResults) -> None:
    """Say what could not be evaluated."""
    if found.without_examples:
        some = listed(_("“{name}”").format(name=literal(name)) for name in found.without_examples[:_MOST_NAMED])
        more = " …" if len(found.without_examples) > _MOST_NAMED else ""
        st.caption(
            _("No examples of these classes to evaluate on, so nothing is known about them: {names}.").format(
                names=some + more
            )
        )
    if outcome.unread:
        st.caption(
            _(
                "Words beyond the max length or without a token were not read; they have no prediction and are not "
                "counted here: {count}."
            ).format(count=f"{outcome.unread:,}")
        )


def _remembered(run: it.runs.Run) -> None:
    """Say what the model still knows of what it had learned in the run that it went on from."""
    facts = run.facts
    if "parent_accuracy" not in facts:
        return
    # Runs from before these rows were counted have shares alone.
    count = int(facts.get("parent_rows", 0))
    before, after = (
        f"{one:.1%} ({between(wilson(one * count, count))})"
        for one in (facts.get("parent_accuracy_before", float("nan")), facts["parent_accuracy"])
    )
    st.info(
        _n(
            "On the {count} row that the parent run was evaluated on: accuracy {before} → {after}, loss {loss_before} "
            "→ {loss_after}.",
            "On the {count} rows that the parent run was evaluated on: accuracy {before} → {after}, loss {loss_before} "
            "→ {loss_after}.",
            count,
        ).format(
            count=f"{count:,}",
            before=before,
            after=after,
            loss_before=f"{facts.get('parent_loss_before', float('nan')):.4f}",
            loss_after=f"{facts['parent_loss']:.4f}",
        )
        if count
        else _(
            "On the rows that the parent run was evaluated on: accuracy {before} → {after}; the number of rows was "
            "not recorded."
        ).format(before=before, after=after),
        icon=":material/history_edu:",
    )


def _rows(
    run: it.runs.Run, outcome: it.finetuning.Outcome, found: it.finetuning.ClassificationResults, rows: np.ndarray
) -> None:
    if not len(rows):
        return
    shown = rows[:MOST_ROWS]
    words = outcome.words
    table = {
        **({_("Word"): [words[i] for i in shown]} if words is not None else {}),
        (_("Sentence") if found.sentences else _("Text")): [outcome.texts[i] for i in shown],
        _("True"): [outcome.truth[i] for i in shown],
        _("Prediction"): [found.labels[int(found.answers[i])] for i in shown],
        _("Probability"): percents(found.probabilities[shown].tolist()),
        (_("Sentence no.") if found.sentences else _("Row")): [outcome.origin.numbers[i] for i in shown],
    }
    wide = st.column_config.TextColumn(width="large")
    evaluated_rows(
        run,
        outcome,
        shown,
        table,
        lambda: _all_rows(outcome, found),
        {**percent_columns(_("Probability")), _("Text"): wide, _("Sentence"): wide},
        _("All words (CSV)") if found.sentences else "",
    )


def _all_rows(outcome: it.finetuning.Outcome, found: it.finetuning.ClassificationResults) -> dict[str, list[Any]]:
    return {
        **({"word": list(outcome.words)} if outcome.words is not None else {}),
        "text": list(outcome.texts),
        **({"second_text": list(outcome.pairs)} if outcome.pairs is not None else {}),
        "true": list(outcome.truth),
        "predicted": [found.labels[int(one)] for one in found.answers],
        "probability": [float(one) for one in found.probabilities],
        "row": list(outcome.origin.numbers),
    }


def _classes(found: it.finetuning.ClassificationResults) -> None:
    """Draw how well each class is told, with 95% intervals; what has nothing to divide by is empty."""
    st.markdown("##### " + _("Results by class"))

    def numbers(shares: np.ndarray, ends: np.ndarray) -> tuple[list[float | None], list[str]]:
        known = np.isfinite(ends[:, 0])
        return (
            percents(float(share) if one else None for share, one in zip(shares, known, strict=True)),
            [interval(pair) if one else "" for pair, one in zip(ends, known, strict=True)],
        )

    precision, precise = numbers(found.precision, found.precision_interval)
    recall, recalled = numbers(found.recall, found.recall_interval)
    f1, sure = numbers(found.f1, found.f1_interval)
    data_table(
        {
            _("Class"): list(found.labels),
            (_("Words") if found.sentences else _("Rows")): found.confusion.sum(axis=1).tolist(),
            _("Precision (PPV)"): precision,
            _("Precision, 95%"): precise,
            _("Recall"): recall,
            _("Recall, 95%"): recalled,
            "F1": f1,
            _("F1, 95%"): sure,
        },
        column_config=percent_columns(_("Precision (PPV)"), _("Recall"), "F1"),
    )

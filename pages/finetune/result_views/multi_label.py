"""How good a model is that gives each text any number of classes: its numbers, each class, and each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard.figures.finetuning import threshold_curves
from dashboard.language import _, _n, literal
from dashboard.numbers import between, interval, number, sentences
from dashboard.state import Key
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import data_table
from dashboard.widgets.shares import percent_columns, percents
from interpret.core.labels import LABEL_SEPARATOR
from interpret.finetuning.multi_label_results import THRESHOLD, MultiLabelResults
from pages.finetune.result_views.view import MOST_ROWS, draws, evaluated_rows, metric

# The class whose thresholds are looked at: of one run, so no page but this knows it.
_CLASS = Key("threshold_class", in_address=False)


@draws(MultiLabelResults)
def multi_label_view(run: it.runs.Run, outcome: it.finetuning.Outcome, found: MultiLabelResults) -> None:
    """Draw F1 over all classes and of each, what thresholds would do, and the rows that are most surely wrong."""
    _numbers(found)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _classes(found)
    with right:
        _thresholds(run, found)
    _rows(run, outcome, found)


def _numbers(found: MultiLabelResults) -> None:
    columns = st.columns(4)
    drawn = _("Interval by bootstrap over rows.")
    metric(
        columns[0],
        _("Micro-F1"),
        f"{found.micro_f1:.1%}",
        between(found.micro_f1_interval),
        sentences(_("F1 over all decisions, one for each row and class; a class is given from 50% on."), drawn),
    )
    metric(
        columns[1],
        _("Macro-F1"),
        f"{found.macro_f1:.1%}",
        between(found.macro_f1_interval),
        sentences(_("Mean F1 over the classes that occur here; rare ones count as much as common ones."), drawn),
    )
    metric(
        columns[2],
        _("All classes right"),
        f"{found.exact:.1%}",
        between(found.exact_interval),
        sentences(
            _("The share of rows of which every class is right (subset accuracy); interval: Wilson's."),
            _("Wrong decisions (Hamming loss): {share}.").format(share=f"{found.hamming:.1%}"),
        ),
    )
    columns[3].metric(
        _("Always the same classes"),
        f"{found.baseline:.1%}",
        help=_("Micro-F1 of giving every row the same classes, the best choice for these very rows."),
    )


def _classes(found: MultiLabelResults) -> None:
    st.markdown("##### " + _("Results by class"))

    def ends(pairs: np.ndarray) -> list[str]:
        return ["" if np.isnan(pair[0]) else interval(pair) for pair in pairs]

    data_table(
        {
            _("Class"): list(found.labels),
            _("Rows"): found.truth.sum(axis=0).tolist(),
            _("Given"): found.given.sum(axis=0).tolist(),
            _("Precision (PPV)"): percents(found.precision.tolist()),
            _("Precision, 95%"): ends(found.precision_interval),
            _("Recall"): percents(found.recall.tolist()),
            _("Recall, 95%"): ends(found.recall_interval),
            "F1": percents(found.f1.tolist()),
            _("F1, 95%"): ends(found.f1_interval),
            _("Best threshold"): percents(found.thresholds.tolist()),
        },
        column_config={
            **percent_columns(_("Precision (PPV)"), _("Recall"), "F1"),
            _("Best threshold"): st.column_config.NumberColumn(
                format="%.1f%%",
                help=_(
                    "The probability from which on the class would have to be given for the largest F1 on these very "
                    "rows; 50% for a class of fewer than five."
                ),
            ),
        },
    )
    low, high = found.tuned_gain
    gain = 100 * (found.tuned_macro_f1 - found.macro_f1)
    said = _(
        "With thresholds of their own, chosen for each fifth of the rows on the other four, macro-F1 is {f1}: {gain} "
        "percentage points ({interval})."
    ).format(
        f1=f"{found.tuned_macro_f1:.1%}", gain=number(gain, "+.1f"), interval=between((100 * low, 100 * high), ".1f")
    )
    st.caption(said if low > 0 else sentences(said, _("These rows do not show that they would help.")))


def _thresholds(run: it.runs.Run, found: MultiLabelResults) -> None:
    """Draw what each threshold would do for one class."""
    names = {str(index): name for index, name in enumerate(found.labels)}
    label = int(choose(st.selectbox, _("Class"), names, _CLASS.of(run.id)))
    st.plotly_chart(
        threshold_curves(
            found.probabilities[:, label], found.truth[:, label], (THRESHOLD, float(found.thresholds[label]))
        ),
        key="thresholds",
    )
    st.caption(
        _(
            "Precision, recall and F1 of “{name}” on these rows, if it were given from each probability on. What is "
            "read off here was chosen on the rows that it is read from, and so flatters."
        ).format(name=literal(found.labels[label]))
    )


def _rows(run: it.runs.Run, outcome: it.finetuning.Outcome, found: MultiLabelResults) -> None:
    rest = np.setdiff1d(np.arange(len(found.truth)), found.mistakes)
    shown = np.concatenate([found.mistakes, rest])[:MOST_ROWS]
    st.markdown(
        _n(
            "**{wrong}** of {count} row has a class too many or too few; those first that are most surely wrong:",
            "**{wrong}** of {count} rows have a class too many or too few; those first that are most surely wrong:",
            len(found.truth),
        ).format(wrong=f"{len(found.mistakes):,}", count=f"{len(found.truth):,}")
    )
    table = {
        _("Text"): [outcome.texts[i] for i in shown],
        _("True"): [outcome.truth[i] or "–" for i in shown],
        _("Prediction"): [_given(found, int(i)) or "–" for i in shown],
        _("Row"): [outcome.origin.numbers[i] for i in shown],
    }
    evaluated_rows(
        run,
        outcome,
        shown,
        table,
        lambda: _all_rows(outcome, found),
        {_("Text"): st.column_config.TextColumn(width="large")},
    )


def _given(found: MultiLabelResults, index: int) -> str:
    """Return the classes that a row was given, as files write them."""
    return LABEL_SEPARATOR.join(name for name, there in zip(found.labels, found.given[index], strict=True) if there)


def _all_rows(outcome: it.finetuning.Outcome, found: MultiLabelResults) -> dict[str, list[Any]]:
    return {
        "text": list(outcome.texts),
        **({"second_text": list(outcome.pairs)} if outcome.pairs is not None else {}),
        "true": list(outcome.truth),
        "predicted": [_given(found, index) for index in range(len(found.truth))],
        "row": list(outcome.origin.numbers),
        **{f"p({name})": found.probabilities[:, index].tolist() for index, name in enumerate(found.labels)},
    }

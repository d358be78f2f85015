"""The confusion matrix, shaded and legible at any number of classes, and the pairs that are mistaken most often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, _n, literal
from dashboard.widgets.choices import segments
from dashboard.widgets.data_table import choose_row, data_table
from dashboard.widgets.shares import percent_columns, percents

# Right ones in the blue and mistakes in the orange of the themes' scales, as deep as their share of the true class.
# They are seen through, on light ground and on dark.
_RIGHT, _WRONG, _DEEPEST = "80,145,195", "229,154,82", 0.85
_MOST_CHARACTERS = 14
# Classes of which the matrix needs all of the page's width.
_MANY = 8
_TRUE = "true"


def confusion_view(
    outcome: it.finetuning.Outcome, found: it.finetuning.ClassificationResults, run_id: str
) -> np.ndarray:
    """Draw both; returns the rows of the cell or pair that is chosen, or else those that are wrong."""
    st.markdown(
        "##### " + _("Confusion matrix"),
        help=_("Rows are true classes, columns are predicted classes. Select a cell or a pair to see its texts."),
    )
    # What is chosen in one of the two tables is let go in the other: a new key draws it anew.
    keys = {one: f"{one}:{run_id}" for one in ("confusion", "confused")}
    counts = st.session_state.setdefault("confusion_drawn", Counter())
    pairs = found.confused()

    def clear_selection(other: str) -> None:
        counts[keys[other]] += 1

    def key(one: str) -> str:
        return f"{keys[one]}:{counts[keys[one]]}"

    few = len(found.labels) < _MANY
    above, beside = st.columns([3, 2], gap="medium") if few else (st.container(), st.container())
    with above:
        order = segments(
            _("Order of the classes"),
            {"mistakes": _("most errors first"), "name": _("by name")},
            state.CONFUSION_ORDER,
        )
        classes = class_order(found, order)
        event = data_table(
            _shaded(found, classes),
            on_select=lambda: clear_selection("confused"),
            selection_mode="single-cell",
            key=f"{key('confusion')}:{order}",
            column_config=_columns(found, classes),
        )
    with beside:
        st.markdown(_("Most confused pairs"))
        picked = None
        if len(pairs):
            picked = choose_row(
                _pairs(found, pairs, few),
                len(pairs),
                key("confused"),
                on_select=lambda: clear_selection("confusion"),
                column_config=percent_columns(_("Share of the class")),
            )
    cells = event.selection.get("cells", [])
    chosen = None
    if picked is not None:
        chosen = int(pairs[picked][0]), int(pairs[picked][1])
    elif cells and cells[0][1] != _TRUE:
        chosen = int(classes[cells[0][0]]), int(cells[0][1])
    return _chosen_rows(outcome, found, chosen)


def _chosen_rows(
    outcome: it.finetuning.Outcome, found: it.finetuning.ClassificationResults, chosen: tuple[int, int] | None
) -> np.ndarray:
    if chosen is not None:
        true = np.array([found.labels.index(one) for one in outcome.truth])
        rows = np.flatnonzero((true == chosen[0]) & (found.answers == chosen[1]))
        st.markdown(
            _("**{count}** of class “{truth}”, predicted as “{given}”:").format(
                count=len(rows), truth=literal(found.labels[chosen[0]]), given=literal(found.labels[chosen[1]])
            )
        )
        return rows[np.argsort(-found.probabilities[rows], kind="stable")]
    if len(found.mistakes):
        st.markdown(
            _n("**{count}** error:", "**{count}** errors, most confident first:", len(found.mistakes)).format(
                count=len(found.mistakes)
            )
        )
    else:
        st.markdown(_("No errors. Select a cell to see its texts."))
    return found.mistakes


def class_order(found: it.finetuning.ClassificationResults, order: str) -> np.ndarray:
    """Return the indices of the classes in the order they are drawn: as they are named, or the most mistaken first."""
    wrong = found.confusion * (1 - np.eye(len(found.labels), dtype=np.int64))
    mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
    return np.arange(len(found.labels)) if order == "name" else np.argsort(-mistakes, kind="stable")


def short_names(names: Sequence[str], most: int = _MOST_CHARACTERS) -> list[str]:
    """Cut long names in their middle, and never two of them to the same."""
    lengths = [most] * len(names)
    while True:
        short = [_cut(name, length) for name, length in zip(names, lengths, strict=True)]
        counts = Counter(short)
        alike = [index for index, one in enumerate(short) if counts[one] > 1 and len(names[index]) > lengths[index]]
        if not alike:
            return short
        for index in alike:
            lengths[index] += 4


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most - most // 2 - 1) :]}"


def _shaded(found: it.finetuning.ClassificationResults, classes: np.ndarray) -> Any:
    """Return the matrix as a table in that order, each cell as deep as its share of its true class."""
    confusion = found.confusion[np.ix_(classes, classes)]
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    table = pd.DataFrame(confusion, columns=[str(index) for index in classes])
    table.insert(0, _TRUE, [found.labels[index] for index in classes])
    # A twentieth is to be seen too.
    depths = _DEEPEST * np.sqrt(shares)
    styles = np.full(table.shape, "", dtype=object)
    for row, column in zip(*np.nonzero(confusion), strict=True):
        colour = _RIGHT if row == column else _WRONG
        styles[row, column + 1] = f"background-color: rgba({colour},{depths[row, column]:.2f})"
    counts = [str(index) for index in classes]
    style = table.style.apply(lambda _table: styles, axis=None).format(lambda n: str(n) if n else "·", subset=counts)
    return style.format(_shortener(found), subset=[_TRUE])


def _shortener(found: it.finetuning.ClassificationResults) -> Callable[[str], str]:
    """Return what cuts a class's name to be drawn; the cell keeps all of it, to be opened, searched and copied."""
    short = dict(zip(found.labels, short_names(found.labels), strict=True))
    return lambda name: short[name]


def _columns(found: it.finetuning.ClassificationResults, classes: np.ndarray) -> dict[str, Any]:
    names = short_names(found.labels)
    widest = max(map(_width, names))
    return {
        _TRUE: st.column_config.TextColumn(_("true ↓ · predicted →"), pinned=True, width=max(120, widest)),
        **{
            str(index): st.column_config.Column(
                names[index], help=literal(found.labels[index]), width=max(56, _width(names[index]))
            )
            for index in classes
        },
    }


def _width(name: str) -> int:
    """Return the pixels that a column's name takes; a Chinese character is as wide as two letters."""
    return 20 + sum(14 if ord(one) > 0x2E7F else 7 for one in name)


def _pairs(found: it.finetuning.ClassificationResults, pairs: np.ndarray, short: bool) -> Any:
    totals, names = found.confusion.sum(axis=1), found.labels
    table = {
        _("True"): [names[true] for true, _given in pairs],
        _("Prediction"): [names[given] for _true, given in pairs],
        _("Count"): [int(found.confusion[true, given]) for true, given in pairs],
        _("Share of the class"): percents(found.confusion[true, given] / totals[true] for true, given in pairs),
    }
    drawn = pd.DataFrame(table)
    return drawn.style.format(_shortener(found), subset=[_("True"), _("Prediction")]) if short else drawn

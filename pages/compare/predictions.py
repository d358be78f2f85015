"""What two models predict for the rows of a file: how often each is right, and which predictions flip."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import page_file, state
from dashboard.analysis import Analysis, Source
from dashboard.language import _, _n, literal
from dashboard.numbers import between, interval, known, number, sentences
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.choices import choose
from dashboard.widgets.collection import Collection, collection_input
from dashboard.widgets.data_table import choose_row
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.file_input import open_row
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from interpret.core.file_rows import free_name
from interpret.core.labels import is_missing, multi_labels
from pages.compare.two import Two

# What is begun by itself: some seconds on two cores.
_SOON_CHARACTERS = 30_000


@guarded
def predictions(two: Two) -> None:
    """The accuracy of both on the same rows, their difference, and the rows of which they say something else."""
    collection = collection_input()
    if collection is None or not collection.columns:
        st.info(
            _("Provide texts with a label each: in a file with a label column, or after a tab in each pasted line.")
        )
        return
    columns = {name: name for name in collection.columns}
    column = choose(
        st.selectbox, _("Labels"), columns, state.COMPARED_LABELS.of(collection.about), collection.label, width=260
    )
    given = [i for i, label in enumerate(collection.columns[column]) if not is_missing(label)]
    if not given:
        st.info(_("The column “{column}” has no labels. Choose another one.").format(column=literal(column)))
        return
    several = multi_labels([collection.columns[column][i] for i in given])
    if several is not None:
        st.info(
            _(
                "The column “{column}” has several labels in a cell, such as “{cell}”. Here each row has one: choose "
                "another column."
            ).format(column=literal(column), cell=literal(several[:60]))
        )
        return
    texts, labels = (tuple(values[i] for i in given) for values in (collection.texts, collection.columns[column]))
    analysis = _analysis(two, collection, column, texts, labels)
    found = _compared(two, collection, column, texts, labels)
    if found is None:
        return
    if not found.count:
        st.info(
            _(
                "There are too few texts to predict each by a head that was fitted without it: each class needs at "
                "least two that read differently."
            )
        )
        return
    _accuracies(two, found)
    _flips(two, collection, column, found, given, texts)
    stem = two.stem("predictions")
    export_bar(_downloads(collection, found, given, texts, labels, analysis, stem), analysis)
    st.caption(
        _(
            "What this does not mean: that two models give the same class does not say that they do so for the same "
            "reasons; the tab “Attributions” shows the words. Rows that a model was trained on flatter it."
        )
    )


def _analysis(
    two: Two, collection: Collection, column: str, texts: tuple[str, ...], labels: tuple[str, ...]
) -> Analysis:
    """Describe how the predictions are compared."""
    number_of = collection.rows[1]
    about = (collection.about, column)
    lines = f"column = table.columns.index({column!r})\nrows = [row for row in rows if not is_missing(row[column])]\n"
    kept = Source(
        "rows",
        "from interpret.core.labels import is_missing, multi_labels\n\n" + lines,
        about,
        lambda: None,
        after=(collection.source,),
    )
    given: dict[str, Any] = {
        "texts": Source(
            "texts", f"texts = [row[{number_of}] for row in rows]\n", about, lambda: texts, collection.name, (kept,)
        ),
        "labels": Source("labels", "labels = [row[column] for row in rows]\n", about, lambda: labels, "", (kept,)),
    }
    first, second = (
        Analysis("attribution.predict_classes", subject.spec, name=name, **given)
        for subject, name in ((two.first, "first"), (two.second, "second"))
    )
    return Analysis(
        "attribution.compare_predictions",
        two.first.spec,
        name="changes",
        shows=(".flipped", ".agreement", ".difference", ".difference_interval"),
        first=first,
        second=second,
        **given,
    )


def _compared(
    two: Two, collection: Collection, column: str, texts: tuple[str, ...], labels: tuple[str, ...]
) -> it.attribution.PredictionChanges | None:
    def work(progress: Progress) -> it.attribution.PredictionChanges:
        first, second = (it.attribution.predict_classes(encoder, texts, labels, progress) for encoder in two.encoders)
        return it.attribution.compare_predictions(first, second, texts, labels)

    return long_work(
        "both_predictions",
        f"{two.first.spec}:{two.second.spec}:{collection.about}:{len(texts)}:{column}",
        _n("Predict {count} row with both", "Predict {count} rows with both", len(texts)).format(
            count=f"{len(texts):,}"
        ),
        work,
        {"rows": _("rows")},
        auto=sum(map(len, texts)) <= _SOON_CHARACTERS,
        keep=4,
    )


def _accuracies(two: Two, found: it.attribution.PredictionChanges) -> None:
    """Say how often each is right, and how much oftener the second."""
    for column, name, made, measured in zip(
        st.columns(2, gap="large"),
        two.names,
        (found.first, found.second),
        (found.first_accuracy, found.second_accuracy),
        strict=True,
    ):
        with column, st.container(border=True):
            st.markdown(f"**{literal(name)}**")
            st.caption(
                _("The model's own head answers.")
                if made.own
                else _(
                    "It has no head that gives a row one of these classes: a linear head on its frozen sentence "
                    "vectors answers, fitted to the other rows (five-fold cross-validation)."
                )
            )
            if measured is None:
                st.caption(_("No label is a class of both models, so it is not known how often they are right."))
            else:
                accuracy_line(measured, "not known" if made.own else "out-of-fold", explains=False)
    # Of texts that read the same both say the same again.
    flips = round(found.count * (1 - found.agreement))
    said = _n(
        "**{flips} of {count} prediction flips**; the two agree on {agreement} ({interval}).",
        "**{flips} of {count} predictions flip**; the two agree on {agreement} ({interval}).",
        found.count,
    ).format(
        flips=f"{flips:,}",
        count=f"{found.count:,}",
        agreement=f"{found.agreement:.1%}",
        interval=between(found.agreement_interval),
    )
    if found.count < found.compared.sum():
        said = sentences(said, _("Texts that read the same count once, by the first of them."))
    measured_on = 0 if found.first_accuracy is None else found.first_accuracy.count
    if 0 < measured_on < found.count:
        said = sentences(
            said,
            _("Texts whose label is not a class of both, not counted as right or wrong: {count}.").format(
                count=f"{found.count - measured_on:,}"
            ),
        )
    st.markdown(sentences(said, _difference_line(two, found)))


def _difference_line(two: Two, found: it.attribution.PredictionChanges) -> str:
    """Say which is oftener right, where the interval lets anybody say so."""
    low, high = found.difference_interval
    if np.isnan(low):
        return ""
    ends = {"interval": _("95%: {range}").format(range=interval((100 * low, 100 * high), ".1f"))}
    value = number(100 * found.difference, "+.1f")
    if low <= 0 <= high:
        return _(
            "Which of them is oftener right is not known from these rows: the difference is {value} percentage points "
            "({interval}), which includes 0."
        ).format(value=value, **ends)
    better = two.names[0 if found.difference < 0 else 1]
    return _("{model} is oftener right: {value} percentage points ({interval}).").format(
        model=literal(better),
        value=number(100 * abs(found.difference), ".1f"),
        interval=_("95%: {range}").format(range=interval(sorted((abs(100 * low), abs(100 * high))), ".1f")),
    )


def _flips(
    two: Two,
    collection: Collection,
    column: str,
    found: it.attribution.PredictionChanges,
    given: list[int],
    texts: tuple[str, ...],
) -> None:
    """List the rows whose predictions flip; a chosen one can be explained."""
    if not len(found.flipped):
        st.info(_("No prediction flips: both models say the same of every row."))
        return
    rows = [given[i] for i in found.flipped]
    table: dict[str, list[Any]] = {
        _("Row"): [collection.origin.numbers[row] for row in rows],
        _("Text"): [collection.texts[row] for row in rows],
    }
    table[free_name(table, column)] = [collection.columns[column][row] for row in rows]
    for name, one in zip(two.names, (found.first, found.second), strict=True):
        table[free_name(table, name)] = [one.said[i] for i in found.flipped]
        table[_("p ({model})").format(model=name)] = [100 * float(one.probability[i]) for i in found.flipped]
    table = collection.origin.some(rows).beside(table)
    chosen = choose_row(
        table,
        len(rows),
        key="flips",
        column_config={
            _("p ({model})").format(model=name): st.column_config.NumberColumn(format="%.1f%%", width=90)
            for name in two.names
        },
    )
    st.caption(_("First those of which both were surest. Choose a row to read it on the other tabs and pages."))
    if chosen is not None:
        index = int(found.flipped[chosen])
        text, number_of = texts[index], collection.origin.numbers[given[index]]
        with st.container(horizontal=True):
            st.button(
                _("Compare the attributions of this row"),
                key="flip_here",
                icon=":material/ink_highlighter:",
                on_click=_read_here,
                args=(collection, number_of, text),
            )
            if st.button(_("Open it in Attributions"), key="flip_open", icon=":material/arrow_forward:"):
                open_row(collection.file, number_of, text)
                st.switch_page(page_file("attributions"))


def _read_here(collection: Collection, row: int, text: str) -> None:
    open_row(collection.file, row, text)
    st.session_state[state.TWO] = "attributions"


def _downloads(
    collection: Collection,
    found: it.attribution.PredictionChanges,
    given: list[int],
    texts: tuple[str, ...],
    labels: tuple[str, ...],
    analysis: Analysis,
    stem: str,
) -> list[Download]:
    flipped = set(found.flipped.tolist())

    def rows() -> bytes:
        return as_csv(
            collection.origin.some(given).beside(
                {
                    "row": [collection.origin.numbers[i] for i in given],
                    "text": list(texts),
                    "label": list(labels),
                    "first": list(found.first.said),
                    "first_probability": known(found.first.probability),
                    "second": list(found.second.said),
                    "second_probability": known(found.second.probability),
                    "flipped": [i in flipped for i in range(len(texts))],
                }
            )
        )

    def numbers() -> bytes:
        return as_json(
            {
                **analysis.about,
                "rows": len(texts),
                "compared": int(found.compared.sum()),
                "counted": found.count,
                "flipped_rows": [collection.origin.numbers[given[i]] for i in found.flipped],
                "agreement": found.agreement,
                "agreement_interval": found.agreement_interval,
                "difference": known(np.array([found.difference]))[0],
                "difference_interval": known(np.array(found.difference_interval)),
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", rows, _("A row for each text, with both predictions")),
        Download("JSON", f"{stem}.json", "application/json", numbers, _("The counts and intervals, with settings")),
    ]

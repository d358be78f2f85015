"""A file's rows in, and what came of explaining them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT, ownership, state
from dashboard.analysis import Analysis, Source, table_lines
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n, explain, literal
from dashboard.numbers import listed, number
from dashboard.report.facts import training_texts_of
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import choose_row
from dashboard.widgets.export import Download, as_csv
from dashboard.widgets.file_input import open_row
from dashboard.widgets.file_line import file_line
from dashboard.widgets.models import chosen_run
from dashboard.widgets.run_view import run_rows
from dashboard.widgets.slot_view import column_of, slot_file
from dashboard.widgets.table_caption import unlabelled_caption
from dashboard.widgets.target_view import TargetChoice
from interpret.attribution.row_attributions import rows_table
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of, sample_rows
from interpret.core.files import SUFFIXES
from interpret.core.labels import multi_labels
from interpret.core.scripts import fold

_SEED = 0


@dataclass(frozen=True, eq=False)
class Input:
    """The rows of a file that are read.

    Attributes
    ----------
    file, about
        The file, and what tells this choice of rows and columns from others.
    texts, labels, highlights
        Of each row; None where there is no such column.
    origin
        Which rows of the file these are.
    columns
        Places of the columns with texts, labels and highlights, -1 for none.
    most
        How many rows are read at most, 0 for all.
    path
        Where lines of Python find the file.
    """

    file: SlotFile
    about: str
    texts: tuple[str, ...]
    labels: tuple[str, ...] | None
    highlights: tuple[str, ...] | None
    origin: FileRows
    columns: tuple[int, int, int]
    most: int
    path: str


def rows_input() -> Input | None:
    """Draw the file and its columns; None before there is a file.

    Raises
    ------
    InputError
        If the file cannot be read or has no rows.
    """
    label = _("A file with a text in each row, and optionally a label: {kinds}").format(kinds=" ".join(SUFFIXES))
    file, folder = slot_file("rows", label, SUFFIXES), ""
    if file is None:
        example = "topics.csv"
        st.toggle(_("Use the built-in example with six topics"), key=state.ROWS_EXAMPLE, persist_state="session")
        if not st.session_state.get(state.ROWS_EXAMPLE):
            st.info(
                _("Choose a file. Each row is explained, and the most influential words for each class are collected.")
            )
            return None
        folder = "dashboard/examples/"
        file = SlotFile(example, (ROOT / folder / example).read_bytes())
    table = file.table
    file_line("rows", file, ("text", "label", "id", "highlights"))
    column = column_of("rows", file, "text")
    labels, marks = (
        -1 if found is None else found
        for found in (column_of("rows", file, "label", required=False), file.roles.highlights)
    )
    several = multi_labels([row[labels] for row in table.rows]) if labels >= 0 else None
    if several is not None:
        st.warning(
            _(
                "The column “{label}” has several labels in a cell, such as “{cell}”. Here each row has a single "
                "prediction, so these labels are not compared with it."
            ).format(label=literal(table.columns[labels]), cell=literal(several[:60])),
            icon=":material/label_off:",
        )
        labels = -1
    if labels >= 0:
        unlabelled_caption([row[labels] for row in table.rows])
    amounts = {100: "100", 500: "500", 2000: f"{2000:,}", 10_000: f"{10_000:,}", 0: _("all")}
    most = choose(st.selectbox, _("Rows to read"), amounts, state.ROWS_MOST.of(file.key), width=220)
    if not table.rows:
        raise InputError("“{name}” has no rows.", name=file.name)
    chosen = _sampled_rows(len(table.rows), most)

    def values(index: int) -> tuple[str, ...]:
        return tuple(table.rows[i][index] for i in chosen)

    return Input(
        file,
        f"{file.about}:{column}:{labels}:{marks}:{most}",
        values(column),
        values(labels) if labels >= 0 else None,
        values(marks) if marks >= 0 else None,
        rows_of(table, chosen, [table.columns[column]]),
        (column, labels, marks),
        most,
        folder + file.name,
    )


def _sampled_rows(total: int, most: int) -> list[int]:
    """Return the places of the rows that are read, and say so where these are not all."""
    if total > most > 0:
        st.caption(
            _("{count} of {total} rows are read, sampled at random with seed {seed}.").format(
                count=f"{most:,}", total=f"{total:,}", seed=_SEED
            )
        )
    return sample_rows(total, most, _SEED)


def trained_texts() -> frozenset[str] | None:
    """Return what the chosen model's run, and those that it went on from, learned from; None where nobody knows."""
    chosen = chosen_run()
    if not chosen:
        return None
    # Of one whose files are damaged nobody knows it any more.
    with suppress(it.InputError):
        return training_texts_of(ownership.run(chosen), run_rows)
    return None


def accuracy_lines(found: it.attribution.RowAttributions) -> None:
    """Say how often the classifier is right, on which rows, and what that is worth."""
    for basis, measured in found.accuracies.items():
        accuracy_line(measured, basis)
    if any(row.out_of_fold for row in found.rows):
        st.caption(
            _(
                "Correct and wrong are counted on out-of-fold predictions: each row is predicted by a classifier "
                "fitted without it and without other rows of the same text. The classifier that is explained was "
                "fitted on all rows."
            )
        )


def completeness_line(found: it.attribution.RowAttributions) -> None:
    """Say how far the scores of the rows miss what they should add up to, for a method that promises a sum."""
    if not it.attribution.METHODS[found.method].complete:
        return
    errors = np.array([row.attribution.error for row in found.rows])
    allowed = found.rows[0].attribution.tolerance
    st.caption(
        _("Completeness error: median {median}, largest {most}; at most {allowed} in {share} of the rows.").format(
            median=f"{np.median(errors):.2%}",
            most=f"{errors.max():.2%}",
            allowed=f"{allowed:.1%}",
            share=f"{(errors <= allowed).mean():.1%}",
        )
    )


def human_line(found: it.attribution.RowAttributions) -> None:
    """Say how the words compare with those that people marked, where any did."""
    means = found.plausibility
    if means:
        written = {
            name: number(mean) + ("" if np.isnan(half) else f" ± {half:.3f}") for name, (mean, half) in means.items()
        }
        st.markdown(
            _n(
                "**Plausibility** on {count} row with highlights (± 95%): token F1 {f1}, IoU {iou}, AUPRC {auprc} "
                "(chance level {chance}). It shows whether people highlight the same words, not whether the model uses "
                "them.",
                "**Plausibility** on {count} rows with highlights (± 95%): token F1 {f1}, IoU {iou}, AUPRC {auprc} "
                "(chance level {chance}). It shows whether people highlight the same words, not whether the model uses "
                "them.",
                sum(row.human is not None for row in found.rows),
            ).format(
                count=sum(row.human is not None for row in found.rows),
                f1=written["token_f1"],
                iou=written["iou"],
                auprc=written["auprc"],
                chance=written["auprc_by_chance"],
            )
        )


def chosen_row(file: SlotFile, found: it.attribution.RowAttributions) -> None:
    """Draw the rows as a table; the one that is clicked can be opened in the other tabs."""
    wrong = any(row.wrong for row in found.evaluated)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        query = st.text_input(_("Find in the texts"), key="rows_find", placeholder=_("words in the text"), width=360)
        classes = {"": _("all"), **{one: one for one in found.known}}
        answer = choose(st.selectbox, _("Model output"), classes, state.ROWS_ANSWER, width=200)
        only = st.toggle(_("Only wrong predictions"), key="rows_wrong") if wrong else False
    rows = [
        row
        for row in found.rows
        if (not only or (row.wrong and row.label in found.known))
        and answer in ("", row.said)
        and fold(query or "") in fold(row.text)
    ]
    fitted = any(row.out_of_fold for row in found.rows)
    said = _("Prediction (out-of-fold)") if fitted else _("Model output")
    # Of the explained target, as the words are: what the classifier says that was fitted on the row too.
    probability = _("Probability (not out-of-fold)") if fitted else _("Probability")
    table: dict[str, list[Any]] = {
        _("Row"): [found.number(row.index) for row in rows],
        _("Text"): [row.text for row in rows],
        _("Truncated"): [row.cut for row in rows],
        _("Label"): [row.label for row in rows],
        said: [row.said or row.attribution.target.name for row in rows],
        _("Explained target"): [row.attribution.target.name for row in rows],
        probability: [row.probability for row in rows],
        _("Words with the largest scores"): [_best(row.attribution) for row in rows],
    }
    picked = choose_row(
        found.origin.some([row.index for row in rows]).beside(table),
        len(rows),
        key=f"rows_table:{only}:{answer}:{query}",
        column_config={probability: st.column_config.NumberColumn(format="%.3f")},
    )
    row = rows[picked] if picked is not None else None
    st.button(
        _("Open this row in “Word attributions”"),
        key="open_row",
        disabled=row is None,
        icon=":material/open_in_new:",
        on_click=_open,
        args=(file, found.number(row.index), row.text) if row is not None else (),
        help=_("Choose a row of the table first."),
    )


def _best(one: it.Attribution) -> str:
    scores, tokens = one.word_scores(), one.tokens
    order = [i for i in np.argsort(-np.abs(scores), kind="stable") if not tokens.special[tokens.groups[i][0]]][:3]
    return listed(f"{tokens.words[i]} {number(scores[i], '+.2f')}" for i in order)


def _open(file: SlotFile, number: int, text: str) -> None:
    open_row(file, number, text)
    st.session_state[state.WHY] = "why"


def rows_downloads(found: it.attribution.RowAttributions, stem: str) -> list[Download]:
    """Offer the rows and the classes' words as files."""

    def words() -> bytes:
        rows = []
        for name in found.classes:
            numbers = found.numbers_with(name)
            rows += [(name, *one, " ".join(map(str, numbers[one.word]))) for one in found.words(name)]
        half, p = _("95% interval, half-width"), _("p (Holm)")
        titles = (_("Class"), _("Word"), _("Mean score"), half, _("Texts"), p, _("Rows"))
        return as_csv({title: [row[index] for row in rows] for index, title in enumerate(titles)})

    return [
        Download(
            _("Rows (CSV)"), f"{stem}.csv", "text/csv", lambda: as_csv(rows_table(found)), _("A row for each text")
        ),
        Download(_("Words (CSV)"), f"{stem}-words.csv", "text/csv", words, _("A row for each class and word")),
    ]


def rows_analysis(choice: TargetChoice, read: Input, method: str, baseline: str, tolerance: float) -> Analysis:
    """Describe how the rows are explained."""
    column, labels, marks = read.columns
    lines = table_lines(read.path, read.file.encoding) + "indices = range(len(table.rows))\n"
    if read.most:
        draw = f"np.random.default_rng({_SEED}).choice(len(table.rows), {read.most}, replace=False)"
        lines += f"if len(table.rows) > {read.most}:\n    import numpy as np\n\n    indices = sorted({draw}.tolist())\n"
    rows = Source("rows", lines + "rows = [table.rows[i] for i in indices]\n", read.about, lambda: None)

    def source(name: str, value: object, made: str) -> Source:
        return Source(name, f"{made}\n", read.about, lambda: value, read.file.name, (rows,))

    origin = f"origin = rows_of(table, indices, [table.columns[{column}]])"
    more: dict[str, Any] = {} if choice.head is None else {"head": choice.head}
    more |= {"origin": source("origin", read.origin, f"from interpret.core.file_rows import rows_of\n\n{origin}")}
    if read.labels is not None:
        more["labels"] = source("labels", read.labels, f"labels = [row[{labels}] for row in rows]")
    if read.highlights is not None:
        more["highlights"] = source("highlights", read.highlights, f"highlights = [row[{marks}] for row in rows]")
    return Analysis(
        "attribution.attribute_rows",
        choice.subject.spec,
        name="found",
        shows=(".words(found.classes[0])", ".accuracies"),
        texts=source("texts", read.texts, f"texts = [row[{column}] for row in rows]"),
        target=choice.target,
        method=method,
        baseline=baseline,
        tolerance=tolerance,
        **more,
    )


def skipped_rows(found: it.attribution.RowAttributions) -> None:
    """Say which rows were left out, and why, and whether the labels are any that the model knows."""
    labels = {row.label for row in found.rows if row.label}
    foreign = sorted(labels - set(found.known))
    if foreign and found.known:
        st.warning(
            _n(
                "{count} label in the file is not a class of this classifier: “{label}”; it knows {known}. Rows with "
                "it count as neither correct nor wrong. Choose another column, or a classifier for this label.",
                "{count} labels in the file are not classes of this classifier, such as “{label}”; it knows {known}. "
                "Rows with them count as neither correct nor wrong. Choose another column, or a classifier for these "
                "labels.",
                len(foreign),
            ).format(count=len(foreign), label=literal(foreign[0]), known=literal(", ".join(found.known[:12]))),
            icon=":material/label_off:",
        )
    for title, left in ((_("Rows left out"), found.skipped), (_("Highlights not used"), found.unmarked)):
        if left:
            with st.expander(f"{title}: {len(left):,}"):
                for index, error in left[:100]:
                    st.markdown(_("Row {row}: {why}").format(row=found.number(index), why=explain(error)))

"""Many texts in: the file in use, its columns, and how many of its rows are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st

from dashboard import state
from dashboard.analysis import Source, table_lines
from dashboard.language import _
from dashboard.widgets.choices import choose
from dashboard.widgets.file_line import file_line
from dashboard.widgets.slot_view import column_of, slot_file
from dashboard.widgets.table_caption import labels_caption
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of
from interpret.core.files import SUFFIXES
from interpret.core.labels import is_missing, multi_labels

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_SEED = 0
# Files with columns.
LABELLED = tuple(one for one in SUFFIXES if one not in (".txt", ".md"))


@dataclass(frozen=True)
class Corpus:
    """Texts of a file, with their labels where a column of these was asked for, and else with their pairs or None.

    Attributes
    ----------
    about
        Tells one choice of texts from any other.
    total
        How many rows of the file hold text; fewer are read where ``texts`` is shorter.
    columns
        The indices of the columns: the text's, and the label's or the pair's, -1 for none.
    origin
        Which rows of the file these are.
    encoding
        The one that somebody chose for the file; empty where it is found.
    """

    name: str
    about: str
    texts: tuple[str, ...]
    pairs: tuple[str | None, ...]
    labels: tuple[str, ...]
    total: int
    columns: tuple[int, int]
    origin: FileRows
    encoding: str = ""

    def source(self, name: Literal["texts", "labels", "pairs"]) -> Source:
        """Return texts, labels, or texts with their pairs, with the lines of Python that read them."""
        text, other = self.columns
        wanted = f"row[{text}].strip()"
        lines = table_lines(self.name, self.encoding)
        if self.labels:
            wanted += f" and not is_missing(row[{other}])"
            lines = "from interpret.core.labels import is_missing\n" + lines
        lines += f"rows = [row for row in table.rows if {wanted}]\n"
        if len(self.texts) < self.total:
            drawn = f"np.random.default_rng({_SEED}).choice(len(rows), {len(self.texts)}, replace=False)"
            lines += f"import numpy as np\n\nrows = [rows[i] for i in sorted({drawn})]\n"
        pair = f"row[{other}]" if other >= 0 and not self.labels else "None"
        row = {"texts": f"row[{text}]", "labels": f"row[{other}].strip()", "pairs": f"(row[{text}], {pair})"}[name]
        found = {
            "texts": self.texts,
            "labels": self.labels,
            "pairs": tuple(zip(self.texts, self.pairs, strict=True)) if not self.labels else (),
        }[name]
        rows = Source("rows", lines, self.about, lambda: None)
        return Source(name, f"{name} = [{row} for row in rows]\n", self.about, lambda: found, self.name, (rows,))


def corpus_input(
    wants: Literal["texts", "labels", "pairs"] = "texts", beside: DeltaGenerator | None = None, amount: str = ""
) -> Corpus | None:
    """Draw the input and return what is chosen; None before there is a file.

    Parameters
    ----------
    wants
        What there has to be: texts, which may have a second one each; texts with labels; texts with a second one.
    beside
        A container for how many rows are read; below the others unless given.
    amount
        What that is called there, if not that rows are read.

    Raises
    ------
    InputError
        If the file cannot be read, or it is not known which of its columns is one that there has to be.
    """
    labelled = wants == "labels"
    label = (
        _("A file with a text and a label in each row: {kinds}")
        if labelled
        else _("A file of texts, one per row or paragraph: {kinds}")
    )
    suffixes = LABELLED if labelled else SUFFIXES
    file = slot_file(wants, label.format(kinds=" ".join(suffixes)), suffixes)
    if file is None:
        return None
    table = file.table
    role = "label" if labelled else "pair"
    file_line(wants, file, ("text", role))
    column = column_of(wants, file, "text")
    found = column_of(wants, file, role, required=wants != "texts")
    amounts = {300: "300", 500: "500", 2000: f"{2000:,}", 0: _("all")}
    most = choose(
        (beside or st).selectbox,
        amount or _("Rows to read"),
        amounts,
        state.CORPUS_ROWS.of(file.key, wants),
        300 if labelled else 500,
        width=220,
    )
    other = -1 if found is None else found
    empty = is_missing if labelled else lambda cell: not cell.strip()
    full = [i for i, row in enumerate(table.rows) if row[column].strip() and (other < 0 or not empty(row[other]))]
    if labelled:
        labels_caption([row[other] for row in table.rows], len(table.rows) - len(full))
        several = multi_labels([table.rows[i][other] for i in full])
        if several is not None:
            raise InputError(
                "The column “{label}” has several labels in a cell, such as “{cell}”. A row can have only one label "
                "in training: choose another column, or add a yes/no column for each label.",
                label=table.columns[other],
                cell=several[:60],
            )
    if not full:
        raise InputError("“{name}” has no rows with text in these columns. Choose others.", name=file.name)
    indices = full
    if len(full) > most > 0:
        chosen = np.random.default_rng(_SEED).choice(len(full), most, replace=False)
        indices = [full[i] for i in sorted(chosen)]
        st.caption(
            _("{count} of {total} rows are read, sampled at random with seed {seed}.").format(
                count=f"{most:,}", total=f"{len(full):,}", seed=_SEED
            )
        )
    picked = [table.rows[i] for i in indices]
    shown = [table.columns[i] for i in (column, other) if i >= 0]
    return Corpus(
        file.name,
        f"{file.about}:{column}:{other}:{most}",
        tuple(row[column] for row in picked),
        tuple(row[other] if other >= 0 and not labelled else None for row in picked),
        tuple(row[other].strip() for row in picked) if labelled else (),
        len(full),
        (column, other),
        rows_of(table, indices, shown),
        file.encoding,
    )

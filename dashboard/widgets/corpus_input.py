"""Many texts in: a file, its columns, and how many of its rows are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st

from dashboard import cache, state
from dashboard.analysis import Source, table_lines
from dashboard.language import _, literal
from dashboard.widgets.choices import choose
from dashboard.widgets.table_caption import labels_caption, table_caption
from dashboard.widgets.uploader import uploader
from interpret.core.characters import whole_characters
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of
from interpret.core.files import SUFFIXES, Table
from interpret.core.labels import is_missing, multi_labels

_SEED = 0


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
    """

    name: str
    about: str
    texts: tuple[str, ...]
    pairs: tuple[str | None, ...]
    labels: tuple[str, ...]
    total: int
    columns: tuple[int, int]
    origin: FileRows

    def source(self, name: Literal["texts", "labels", "pairs"]) -> Source:
        """Return texts, labels, or texts with their pairs, with the lines of Python that read them."""
        text, other = self.columns
        wanted = f"row[{text}].strip()"
        lines = table_lines(self.name)
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


def kept_file(key: str, label: str, suffixes: tuple[str, ...]) -> tuple[str, bytes] | None:
    """Draw an uploader that keeps its file while other tabs and pages are looked at; None before there is one."""
    kept = f"{key}_kept"

    def take() -> None:
        upload = st.session_state[key]
        if upload is None:
            st.session_state.pop(kept, None)
        else:
            st.session_state[kept] = (upload.name, upload.getvalue())

    uploader(label, suffixes, key, take)
    found = st.session_state.get(kept)
    if found:
        # Whatever the uploader says: one that was away for a moment comes back without its file.
        st.caption(_("In use: {name}").format(name=literal(found[0])))
    # A name may hold half a character, which neither a key nor a message can.
    return (whole_characters(found[0]), found[1]) if found else None


def corpus_input(key: str, labelled: bool = False) -> Corpus | None:
    """Draw the input and return what is chosen; None before there is a file.

    Raises
    ------
    InputError
        If the file cannot be read, or has no column of labels where one is needed.
    """
    label = (
        _("A file with a text and a label in each row: {kinds}")
        if labelled
        else _("A file of texts, one per row or paragraph: {kinds}")
    )
    suffixes = tuple(one for one in SUFFIXES if not labelled or one not in (".txt", ".md"))
    found = kept_file(f"corpus:{key}", label.format(kinds=" ".join(suffixes)), suffixes)
    if found is None:
        return None
    name, content = found
    table = cache.table(content, name)
    table_caption(table, name)
    if labelled and len(table.columns) < 2:
        raise InputError("“{name}” has a single column. A labelled file needs two: the text, and its label.", name=name)
    file = hashlib.sha1(content + name.encode(), usedforsecurity=False).hexdigest()[:12]
    column, other, most = _choices(table, f"{key}:{file}", labelled)
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
        raise InputError("“{name}” has no rows with text in these columns. Choose others.", name=name)
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
        name,
        f"{file}:{column}:{other}:{most}",
        tuple(row[column] for row in picked),
        tuple(row[other] if other >= 0 and not labelled else None for row in picked),
        tuple(row[other].strip() for row in picked) if labelled else (),
        len(full),
        (column, other),
        rows_of(table, indices, shown),
    )


def _choices(table: Table, about: str, labelled: bool) -> tuple[int, int, int]:
    """Let the columns and the number of rows be chosen; -1 stands for no second column, and 0 for all rows."""
    sample = table.rows[:200]
    names = dict(enumerate(table.columns))
    columns = st.columns(3 if len(names) > 1 else 2)
    column = choose(
        columns[0].selectbox, _("Column with the text"), names, state.CORPUS_TEXT.of(about), table.longest_column
    )
    others = {index: name for index, name in names.items() if index != column}
    other = -1
    if labelled:
        # A label is what repeats most.
        fewest = min(others, key=lambda index: len({row[index] for row in sample}))
        other = choose(
            columns[1].selectbox, _("Column with the label"), others, state.CORPUS_LABEL.of(about, column), fewest
        )
    elif others:
        pairs = {-1: _("(none)"), **others}
        other = choose(
            columns[1].selectbox, _("Column with the second text"), pairs, state.CORPUS_PAIR.of(about, column)
        )
    amounts = {300: "300", 500: "500", 2000: f"{2000:,}", 0: _("all")}
    most = choose(
        columns[-1].selectbox, _("Rows to read"), amounts, state.CORPUS_ROWS.of(about), 300 if labelled else 500
    )
    return column, other, most

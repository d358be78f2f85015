"""A collection of texts with what is known about each: an example, pasted lines, or a file with all of its columns."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache as keep_forever

import numpy as np
import streamlit as st

from dashboard import ROOT, data_slot, state
from dashboard.analysis import Source, table_lines
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n, literal
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.file_line import file_line
from dashboard.widgets.slot_view import column_of, slot_file
from interpret.core.column_roles import ColumnRoles
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of
from interpret.core.files import SUFFIXES, Table, read_table
from interpret.core.labels import as_number, has_decimal_commas, is_missing, with_point

SEED = 0
_FILES = {"topics": "topics.csv", "senses": "senses.csv", "chinese": "topics.zh-CN.csv"}


@dataclass(frozen=True, eq=False)
class Collection:
    """Texts and their columns.

    Attributes
    ----------
    name
        What it is called, as a file's name.
    about
        Tells one choice of texts from any other.
    texts
        The texts.
    origin
        Which rows of a file these are, and what else it says of each; of pasted lines, which lines.
    total
        How many rows held text; fewer are here where ``texts`` is shorter.
    rows
        Lines of Python that make ``table`` of the file, and the column with the text in each of its ``rows``.
    label
        The column with the label; None without one.
    file
        The file of the data slot that the texts are from; None for others.
    """

    name: str
    about: str
    texts: tuple[str, ...]
    origin: FileRows
    total: int
    rows: tuple[str, int]
    label: str | None = None
    file: SlotFile | None = None

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """What else is known of each text, by the columns' names."""
        return self.origin.columns

    @property
    def source(self) -> Source:
        """The texts, with the lines of Python that read them."""
        lines, column = self.rows
        lines += f"rows = [row for row in table.rows if row[{column}].strip()]\n"
        if len(self.texts) < self.total:
            drawn = f"np.random.default_rng({SEED}).choice(len(rows), {len(self.texts)}, replace=False)"
            lines += f"import numpy as np\n\nrows = [rows[i] for i in sorted({drawn})]\n"
        lines += f"texts = [row[{column}] for row in rows]\n"
        return Source("texts", lines, self.about, lambda: self.texts, self.name)

    @property
    def characters(self) -> int:
        """How long the texts are together."""
        return sum(map(len, self.texts))


@keep_forever
def _example(name: str) -> Table:
    file = _FILES[name]
    return read_table((ROOT / "dashboard/examples" / file).read_bytes(), file)


def collection_input() -> Collection | None:
    """Draw the input and return what is chosen; None before there is anything.

    Raises
    ------
    InputError
        If a file cannot be read or has no rows with text.
    """
    sources = {"example": _("Examples"), "pasted": _("Paste lines"), "file": _("File")}
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        usual = "file" if data_slot.files(SUFFIXES) else "example"
        source = segments(_("Texts from"), sources, state.FROM, usual)
        state.publish(state.FROM, usual)
        if source == "example":
            return _from_examples()
    state.remember(state.CORPUS, None)
    if source == "file":
        return _from_file()
    found = _pasted()
    if found is not None:
        st.caption(
            _(
                "These texts are not stored in the page's address: after a reload, or from a link, the page opens "
                "without them."
            )
        )
    return found


def _from_examples() -> Collection:
    names = {
        "topics": _("Six topics (English)"),
        "senses": _("Words with two senses"),
        "chinese": _("Six topics (Chinese)"),
    }
    name = choose(st.pills, _("Example"), names, state.CORPUS, required=True, label_visibility="collapsed")
    state.publish(state.CORPUS)
    path = f"dashboard/examples/{_FILES[name]}"
    return _collection(_example(name), _FILES[name], ColumnRoles(0, label=1), f"example:{name}", 0, table_lines(path))


def _pasted() -> Collection | None:
    text = st.text_area(
        _("Texts, one per line"),
        key=state.PASTED,
        height=140,
        persist_state="session",
        help=_("Press Ctrl+Enter or click outside the box to apply. A line can end with a tab and a label."),
    )
    lines = {number: line for number, line in enumerate((text or "").splitlines(), 1) if line.strip()}
    rows = [tuple(part.strip() for part in line.split("\t", 1)) for line in lines.values()]
    if not rows:
        return None
    labelled = any(len(row) > 1 for row in rows)
    columns = ("text", "label") if labelled else ("text",)
    table = Table(columns, tuple((*row, "")[: len(columns)] for row in rows), "utf-8", tuple(lines))
    about = hashlib.sha1((text or "").encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:12]
    made = f"Table({columns!r}, {table.rows!r}, 'utf-8', {table.numbers!r})"
    code = f"from interpret.core.files import Table\n\ntable = {made}\n"
    roles = ColumnRoles(0, label=1 if labelled else None)
    return _collection(table, _("pasted lines"), roles, f"pasted:{about}", 0, code)


def _from_file() -> Collection | None:
    label = _("A file of texts, one per row or paragraph: {kinds}").format(kinds=" ".join(SUFFIXES))
    file = slot_file("collection", label, SUFFIXES)
    if file is None:
        return None
    file_line("collection", file, ("text", "label", "id"))
    column = column_of("collection", file, "text")
    amounts = {500: "500", 2000: f"{2000:,}", 10_000: f"{10_000:,}", 50_000: f"{50_000:,}", 0: _("all")}
    most = choose(st.selectbox, _("Rows to read"), amounts, state.COLLECTION_ROWS.of(file.key), width=220)
    about = f"{file.about}:{column}:{most}"
    return _collection(file.table, file.name, file.roles, about, most, table_lines(file.name, file.encoding), file)


def _collection(
    table: Table, name: str, roles: ColumnRoles, about: str, most: int, lines: str, file: SlotFile | None = None
) -> Collection:
    column = roles.text or 0
    indices = [i for i, row in enumerate(table.rows) if row[column].strip()]
    if not indices:
        raise InputError("“{name}” has no rows with text in these columns. Choose others.", name=name)
    total = len(indices)
    if total > most > 0:
        chosen = np.random.default_rng(SEED).choice(total, most, replace=False)
        indices = [indices[i] for i in sorted(chosen)]
        st.caption(
            _("{count} of {total} rows are read, sampled at random with seed {seed}.").format(
                count=f"{most:,}", total=f"{total:,}", seed=SEED
            )
        )
    if total < len(table.rows):
        st.caption(
            _n(
                "{count} row of “{name}” has no text and is skipped.",
                "{count} rows of “{name}” have no text and are skipped.",
                len(table.rows) - total,
            ).format(count=f"{len(table.rows) - total:,}", name=literal(name))
        )
    texts = tuple(table.rows[i][column] for i in indices)
    label = roles.label if roles.label is not None else next(iter(roles.doubtful.get("label", ())), None)
    return Collection(
        name,
        about,
        texts,
        rows_of(table, indices, [table.columns[column]]),
        total,
        (lines, column),
        None if label is None else table.columns[label],
        file,
    )


def as_numbers(values: Sequence[str]) -> np.ndarray | None:
    """Return a column as numbers, NaN where it is missing; None if it holds anything else, or nothing."""
    given = [value for value in values if not is_missing(value)]
    commas = has_decimal_commas(given)
    found = [math.nan if is_missing(value) else as_number(with_point(value) if commas else value) for value in values]
    return np.array(found, np.float32) if given and None not in found else None

"""A passage of the file in use, picked from a list: the same row on every page."""

from __future__ import annotations

import streamlit as st

from dashboard import data_slot, state
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n, literal
from dashboard.subject import Row
from dashboard.widgets.choices import choose
from dashboard.widgets.file_line import file_line
from dashboard.widgets.slot_view import column_of, slot_file
from interpret.core.characters import beginning
from interpret.core.errors import InputError
from interpret.core.files import SUFFIXES, Table

_MOST_LISTED = 200
_WHOLE = -1
_LONGEST_CELL = 80


def file_input() -> tuple[str, str | None, Row | None]:
    """Draw the input and return the passage, its second text where a column has one, and which row it is.

    Raises
    ------
    InputError
        If no file is chosen yet, or it cannot be read, or holds nothing that is searched for.
    """
    file = slot_file("text", _("A file with text: {kinds}").format(kinds=" ".join(SUFFIXES)), SUFFIXES)
    if file is None:
        raise InputError("No file is chosen yet. Drop one above, or use an example.")
    table = file.table
    file_line("text", file, ("text", "pair", "label", "id"))
    column = column_of("text", file, "text")
    index = _row_input(table, file, column)
    if index == _WHOLE:
        return "\n\n".join(values[0] for values in table.rows), None, None
    values = table.rows[index]
    row = row_of(file, index)
    _row_line(row)
    pair = file.roles.pair
    return values[column], values[pair] if pair is not None else None, row


def row_of(file: SlotFile, index: int) -> Row:
    """Return what a file says of one of its rows beside its texts."""
    table, roles = file.table, file.roles
    others = {name: table.rows[index][i] for i, name in enumerate(table.columns) if i not in (roles.text, roles.pair)}
    label = "" if roles.label is None else table.rows[index][roles.label].strip()
    return Row(file.name, table.numbers[index], label, tuple(others.items()))


def open_row(file: SlotFile | None, number: int, text: str) -> None:
    """Let every page read one row of a file, for a click on it wherever it is listed; of no held file, its text."""
    if file is None or data_slot.find_file(file.key) is None:
        state.read_text(text)
        return
    data_slot.use_file(file.key)
    state.read_from_file()
    st.session_state[state.FILE_ROW.of(file.key)] = file.table.numbers.index(number)
    st.session_state[_search_key(file)] = ""


def _search_key(file: SlotFile) -> str:
    return f"search:{file.key}"


def _row_line(row: Row) -> None:
    """Say which row it is, and what else the file says of it."""
    said = [_("Row {row}").format(row=f"{row.number:,}")]
    for name, value in row.columns:
        if value.strip():
            shown = value if len(value) <= _LONGEST_CELL else value[: _LONGEST_CELL - 1] + "…"
            said.append(f"{literal(name)}: **{literal(shown)}**")
    st.caption(" · ".join(said))


def _row_input(table: Table, file: SlotFile, column: int) -> int:
    """Let a passage be picked; -1 stands for the whole of a file of paragraphs."""
    left, right = st.columns([1, 2])
    search = left.text_input(
        _("Find"), key=_search_key(file), placeholder=_("words in the passage"), persist_state="session"
    )
    wanted = (search or "").casefold()
    found = [index for index, row in enumerate(table.rows) if row[column].strip() and wanted in row[column].casefold()]
    if not found:
        raise InputError(
            "No passage of “{name}” contains “{search}”. Search for something else.", name=file.name, search=wanted
        )
    key = state.FILE_ROW.of(file.key)
    first = _from_address(found)
    chosen = st.session_state.get(key, first)
    # The row that is looked at stays in the list, however far down the file it stands.
    listed = found[:_MOST_LISTED]
    if chosen in found and chosen not in listed:
        listed.append(chosen)
    options = {}
    if file.suffix in (".txt", ".md") and len(table.rows) > 1 and not wanted:
        options[_WHOLE] = _("The whole file")
    for index in listed:
        options[index] = f"{table.numbers[index]}: {beginning(table.rows[index][column], 90)}"
    row = choose(right.selectbox, _("Passage"), options, key, first if first in options else listed[0])
    state.remember(state.FILE_ROW, str(row))
    st.caption(
        _n(
            "{rows} passage, {found} found, {listed} listed.",
            "{rows} passages, {found} found, {listed} listed.",
            len(table.rows),
        ).format(rows=f"{len(table.rows):,}", found=f"{len(found):,}", listed=len(listed))
    )
    return row


def _from_address(found: list[int]) -> int:
    """Return the row that the address names, if it is one of these; else the first."""
    requested = st.query_params.get(state.FILE_ROW, "")
    row = (
        int(requested)
        if requested.isascii() and requested.removeprefix("-").isdigit() and len(requested) < 8
        else found[0]
    )
    return row if row in found or row == _WHOLE else found[0]

"""A passage of an uploaded file: its encoding found, its column chosen, the passage picked from a list."""

import hashlib

import streamlit as st

from dashboard import cache, state
from dashboard.language import _, _n, literal
from dashboard.widgets.choices import choose
from dashboard.widgets.table_caption import table_caption
from dashboard.widgets.uploader import uploader
from interpret.core.characters import whole_characters
from interpret.core.errors import InputError
from interpret.core.files import SUFFIXES, Table

_FILE, _UPLOADER = "file", "uploader"
_MOST_LISTED = 200


def file_input() -> tuple[str, str | None]:
    """Draw the input and return the passage, with its second text where a column for it is chosen.

    Raises
    ------
    InputError
        If no file is chosen yet, or it cannot be read, or holds nothing that is searched for.
    """
    uploader(_("A file with text: {kinds}").format(kinds=" ".join(SUFFIXES)), SUFFIXES, _UPLOADER, _take)
    if _FILE not in st.session_state:
        raise InputError("No file is chosen yet. Drop one above, or use an example.")
    name, content = st.session_state[_FILE]
    name = whole_characters(name)
    table = cache.table(content, name)
    table_caption(table, name)
    if st.session_state.get(_UPLOADER) is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_("In use: {name}").format(name=literal(name)))
            st.button(_("Remove"), on_click=_drop, type="tertiary")
    # Whatever is chosen about a file is that file's own.
    about = hashlib.sha1(content + name.encode(), usedforsecurity=False).hexdigest()[:12]
    column, pair_column = _columns(table, about)
    row = _row(table, name, column, f"{about}:{column}")
    if row < 0:
        return "\n\n".join(values[0] for values in table.rows), None
    values = table.rows[row]
    return values[column], values[pair_column] if pair_column >= 0 else None


def _take() -> None:
    # Kept apart from the widget, which forgets its file when another source or page is looked at.
    upload = st.session_state[_UPLOADER]
    if upload is None:
        _drop()
    else:
        st.session_state[_FILE] = (upload.name, upload.getvalue())


def _drop() -> None:
    st.session_state.pop(_FILE, None)


def _columns(table: Table, about: str) -> tuple[int, int]:
    """Let the columns be chosen; -1 stands for no second text."""
    if len(table.columns) == 1:
        return 0, -1
    left, right = st.columns(2)
    names = dict(enumerate(table.columns))
    column = choose(left.selectbox, _("Column with the text"), names, state.FILE_COLUMN.of(about), table.longest_column)
    others = {-1: _("(none)"), **{index: name for index, name in names.items() if index != column}}
    return column, choose(right.selectbox, _("Column with the second text"), others, state.FILE_PAIR.of(about, column))


def _row(table: Table, name: str, column: int, about: str) -> int:
    """Let a passage be picked; -1 stands for the whole of a file of paragraphs."""
    left, right = st.columns([1, 2])
    search = left.text_input(_("Find"), key=f"search:{about}", placeholder=_("words in the passage"))
    wanted = (search or "").casefold()
    found = [index for index, row in enumerate(table.rows) if row[column].strip() and wanted in row[column].casefold()]
    if not found:
        raise InputError(
            "No passage of “{name}” contains “{search}”. Search for something else.", name=name, search=wanted
        )
    options = {}
    if name.lower().endswith((".txt", ".md")) and len(table.rows) > 1 and not wanted:
        options[-1] = _("The whole file")
    for index in found[:_MOST_LISTED]:
        text = " ".join(table.rows[index][column].split())
        options[index] = f"{index + 1}: {text[:90]}{'…' if len(text) > 90 else ''}"
    row = choose(right.selectbox, _("Passage"), options, state.FILE_ROW.of(about, wanted), found[0])
    st.caption(
        _n(
            "{rows} passage, {found} found, {listed} listed.",
            "{rows} passages, {found} found, {listed} listed.",
            len(table.rows),
        ).format(rows=f"{len(table.rows):,}", found=f"{len(found):,}", listed=min(len(found), _MOST_LISTED))
    )
    return row

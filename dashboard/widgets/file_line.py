"""Which file a part of a page reads, in a line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import data_slot
from dashboard.data_slot import SlotFile
from dashboard.language import _, literal
from dashboard.widgets.slot_view import data_card
from dashboard.widgets.table_caption import rows_read, warn_of_names
from interpret.core.encodings import encoding_name

# Of each file, which roles of columns the lines of which sections have named in this run of the page, from the top.
_LINES = "file_lines"


def file_line(section: str, file: SlotFile, used: Sequence[str]) -> None:
    """Say in a line which file is read, and which of its columns as what, beside the way to its card.

    Where a part of the page above has said it already, only what is new is said: a tab can read the page's file.

    Parameters
    ----------
    used
        The roles of columns that are read.
    """
    lines: dict[str, Sequence[str]] = st.session_state.setdefault(_LINES, {}).setdefault(file.key, {})
    above = list(lines.values())[: list(lines).index(section) if section in lines else None]
    lines[section] = used
    table, names = file.table, _short_role_names()
    columns = [
        f"{names[role]}: **{literal(table.columns[index])}**"
        for role in used
        if not any(role in said for said in above) and (index := getattr(file.roles, role)) is not None
    ]
    if above:
        if columns:
            st.caption(" · ".join(columns))
        return
    parts = [f"**{literal(file.name)}**", encoding_name(table.encoding), rows_read(table, file.name), *columns]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(" · ".join(parts), width="content")
        if data_slot.find_file(file.key) is not None and st.button(
            _("Data card"), key=f"card:{section}", type="tertiary", icon=":material/table:"
        ):
            data_card(file.key)
    warn_of_names(table)


def no_file_lines() -> None:
    """Forget, at the beginning of a page, what was said of files."""
    st.session_state.pop(_LINES, None)


def _short_role_names() -> dict[str, str]:
    return {
        "text": _("text"),
        "pair": _("second text"),
        "label": _("label"),
        "id": _("id"),
        "time": _("time"),
        "highlights": _("highlights"),
    }

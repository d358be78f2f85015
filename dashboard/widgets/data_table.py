"""Tables of data: drawn in one way, and with a row to choose from."""

from __future__ import annotations

from typing import Any

import streamlit as st

# What stands where nothing is known: the grid's own word for it would be “None”.
UNKNOWN = "–"


def data_table(data: Any, **how: Any) -> Any:
    """Draw a table without row indices.

    Parameters
    ----------
    data
        Columns by their titles, or whatever else `streamlit.dataframe` takes.
    how
        What `streamlit.dataframe` takes beside it.
    """
    return st.dataframe(data, hide_index=True, placeholder=UNKNOWN, **how)


def choose_row(data: Any, rows: int, key: str, on_select: Any = "rerun", **how: Any) -> int | None:
    """Draw a table of which one row can be chosen, and return the index of that row; None where none is.

    Parameters
    ----------
    rows
        How many rows the table has: what was chosen in a longer one that stood here before is not chosen in this.
    key
        By which the choice is kept: another one for other rows.
    on_select
        What is called first where the choice changes.
    """
    event = data_table(data, key=key, on_select=on_select, selection_mode="single-row", **how)
    picked = [row for row in event.selection.rows if row < rows]
    return picked[0] if picked else None

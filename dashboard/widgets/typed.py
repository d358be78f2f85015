"""Fields for text that keep what is in them, whichever page is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import state


def typed(draw: Callable[..., Any], label: str, key: state.Key, **more: Any) -> str:
    """Draw a field for text and return what is in it.

    Parameters
    ----------
    draw
        ``st.text_area`` or ``st.text_input``, of the page or of a column.
    **more
        Handed to ``draw``.
    """
    if key in st.session_state:
        # What nobody typed, such as the text in the address after a reload, Streamlit keeps but draws as nothing on the
        # next page that has the field, unless it is told anew.
        st.session_state[key] = st.session_state[key]
    return str(draw(label, key=key, persist_state="session", **more) or "")

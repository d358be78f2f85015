"""Tabs of which only the open one is run, with the open one in the URL."""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import state
from dashboard.language import language


def lazy_tabs(names: Mapping[str, str], key: str) -> tuple[str, DeltaGenerator]:
    """Draw tabs and return the open one's name and its place on the page.

    Parameters
    ----------
    names
        The tabs, as the URL knows them, and their labels.
    """
    # Tabs know each other by their labels, which change with the language: see `choices.choose`.
    widget = f"{key}:{language()}"
    first = next(iter(names))
    state.seed(key, first, names)
    st.session_state[widget] = names[st.session_state[key]]
    by_label = {label: name for name, label in names.items()}

    def take() -> None:
        st.session_state[key] = by_label[st.session_state[widget]]

    places = st.tabs(list(names.values()), key=widget, on_change=take)
    state.publish(key, first)
    opened = st.session_state[key]
    return opened, places[list(names).index(opened)]

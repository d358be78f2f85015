"""Tabs of which only the open one is run, with the open one in the URL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import state
from dashboard.language import _, language


@dataclass(frozen=True)
class Tab:
    """A tab of a page: one entry in the page's list.

    Attributes
    ----------
    name
        What the URL calls it.
    label
        What the page calls it, in English: `interpret.core.sentences.sentence` lets the catalogue find it.
    view
        What draws it, called with what the page gives to `draw_tabs`.
    """

    name: str
    label: str
    view: Callable[..., None]


def draw_tabs(tabs: Sequence[Tab], key: state.Key, *subject: object) -> None:
    """Draw the tabs, and in the open one its view of the subject.

    Parameters
    ----------
    key
        Of the open tab, in the session and the URL.
    """
    # Tabs know each other by their labels, which change with the language: see `choices.choose`.
    widget = f"{key}:{language()}"
    labels = {tab.name: _(tab.label) for tab in tabs}
    first = tabs[0].name
    state.seed(key, first, labels)
    st.session_state[widget] = labels[st.session_state[key]]
    by_label = {label: name for name, label in labels.items()}

    def take() -> None:
        st.session_state[key] = by_label[st.session_state[widget]]

    containers = st.tabs(list(labels.values()), key=widget, on_change=take)
    state.publish(key, first)
    opened = list(labels).index(st.session_state[key])
    with containers[opened]:
        tabs[opened].view(*subject)

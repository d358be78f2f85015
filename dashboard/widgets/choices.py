"""One of several: a value in the session and in the URL, under labels in the reader's language."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import streamlit as st

from dashboard import state
from dashboard.language import language, literal

T = TypeVar("T", bound=state.Value)


def choose(
    draw: Callable[..., Any],
    label: str,
    options: Mapping[T, str],
    key: state.Key,
    default: T | None = None,
    new: bool = False,
    **more: Any,
) -> T:
    """Draw a choice and return its value.

    The browser knows options by their labels, and sends a label of the old language back after the language, or the
    file that the options come from, has changed. So the widget has a key for each language, and the value is kept
    beside it under ``key`` alone; give what depends on a file a key that names the file.

    Parameters
    ----------
    draw
        ``st.selectbox``, ``st.pills`` or ``st.segmented_control``, of the page or of a column.
    options
        Values, as the URL and Python know them, and what the reader sees: text, of which no Markdown is made.
    default
        The key's, or else the first option, unless given.
    new
        Whether values that are not among the options may be typed.
    **more
        Handed to ``draw``.
    """
    if default is None:
        default = next((one for one in options if one == key.default), next(iter(options)))
    widget = f"{key}:{language()}"
    state.seed(key, default, None if new else options)
    st.session_state[widget] = st.session_state[key]

    def take() -> None:
        st.session_state[key] = st.session_state[widget]

    # A list that drops down shows its options as they are; buttons read them as Markdown.
    written = str if getattr(draw, "__name__", "") == "selectbox" else literal
    labels = distinct_labels(options)
    draw(
        label,
        list(options),
        format_func=lambda value: written(labels.get(value, str(value))),
        key=widget,
        on_change=take,
        **more,
    )
    return st.session_state[key]


def distinct_labels(options: Mapping[T, str]) -> dict[T, str]:
    """Number labels that are alike from the second on: the browser sends a label back, which has to name one value."""
    seen: set[str] = set()
    found = {}
    for value, label in options.items():
        name, number = label, 1
        while name in seen:
            number += 1
            name = f"{label} ({number})"
        seen.add(name)
        found[value] = name
    return found


def segments(
    label: str, options: Mapping[T, str], key: state.Key, default: T | None = None, help: str | None = None
) -> T:
    """Draw a choice of few as a segmented control; the options speak for themselves on the screen."""
    return choose(
        st.segmented_control, label, options, key, default, required=True, label_visibility="collapsed", help=help
    )

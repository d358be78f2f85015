"""One of a few: a segmented control whose value is in the session and in the URL."""

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from dashboard import state

T = TypeVar("T", bound=str)


def choice(label: str, options: Mapping[T, str], key: str, help: str | None = None) -> T:
    """Draw a choice; its first option is the default, which the URL leaves out.

    Parameters
    ----------
    label
        Read by screen readers; the options speak for themselves on the screen.
    options
        Values, as the URL and Python know them, and what the reader sees.
    """
    default = next(iter(options))
    state.seed(key, default, options)
    value = st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        help=help,
    )
    state.publish(key, default)
    return default if value is None else value

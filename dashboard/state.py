"""What is looked at: names of shared keys, their defaults, and their place in the URL.

Streamlit can bind a widget to the URL by itself (``bind="query-params"``), but it then writes the option as the
reader sees it: a link made in Chinese would not open in English. So values are written here as they are.
"""

import os
from collections.abc import Container
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from dashboard import ROOT
from dashboard.language import nearest_language
from interpret.core.characters import whole_characters
from interpret.core.files import cache_folder

LANGUAGE, MODEL, REVISION, DEVICE, PRECISION = "lang", "model", "revision", "device", "precision"
TEXT, PAIR, WINDOW_A, WINDOW_B = "text", "pair", "window", "window_b"
UNIT, SPECIALS, DIRECTION = "unit", "specials", "direction"
HEADS, SCALE, MINIMUM = "heads", "scale", "minimum"
TAB, LAYER, HEAD, TOKEN, METHOD, OFF = "tab", "layer", "head", "token", "method", "off"
OVER, MEASURE, VIEW, AFTER, TEMPERATURE = "over", "measure", "view", "after", "temperature"
GOAL, TARGET = "goal", "target"
LEVEL, WORD, POOLING, KEPT_LAYERS = "level", "word", "pooling", "kept"
PROMPT, QUERY_PROMPT = "prompt", "query_prompt"
MAP, DIMS, METRIC, SETTING, SEED = "map", "dims", "metric", "setting", "seed"
SHOWN, COLOUR, DRAWN, AT = "shown", "colour", "drawn", "at"
METHODS, BASELINE, EXPLAINED, WHY, SHOWN_AS = "methods", "baseline", "explain", "why", "as"
GROUPING, GROUPS, LEAST, QUERY, SHOW = "grouping", "groups", "least", "query", "show"

HIDDEN, UNIT_HIDDEN, BESIDE, LENS, PRE = "hidden", "hide", "beside", "lens", "pre"
STAGE, RUN, PROBE, GROUP = "stage", "run", "probe", "sweep"

# Browsers and mail programs pass on links of about two thousand characters.
LONGEST_IN_URL = 1500

Value = str | int | bool


def repair() -> None:
    """Put U+FFFD for each half of a character in what was typed: no message to a browser holds one.

    Streamlit itself does so for what the URL says.
    """
    for key, value in list(st.session_state.items()):
        if isinstance(value, str) and (whole := whole_characters(value)) != value:
            st.session_state[key] = whole


# Values that links of before have: key, what they say, what it is now.
_RENAMED = ((UNIT, "piece", "token"), (UNIT_HIDDEN, "piece", "token"), (SHOWN_AS, "piece", "token"))


def renew() -> None:
    """Let a link that was made before a value had its name open the same view."""
    for key, before, now in _RENAMED:
        if st.query_params.get(key) == before:
            st.query_params[key] = now


def seed(key: str, default: Value, allowed: Container[Value] | None = None) -> bool:
    """Give a widget's key its value before the widget is drawn: what it was, or what the URL says, or the default.

    Both come from a browser and are not to be trusted: what is not among ``allowed`` becomes the default. Returns
    whether that was so.
    """
    value = st.session_state.get(key)
    if value is None:
        value = _parsed(st.query_params.get(key), default)
    refused = allowed is not None and value not in allowed
    if refused:
        value = default
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return refused


def publish(key: str, default: Value) -> None:
    """Write a widget's value into the URL, or take it out where it is the default."""
    value = st.session_state.get(key, default)
    remember(key, None if value == default else str(value))


def remember(key: str, value: str | None) -> None:
    """Put a value into the URL, or take it out where it is None or too long."""
    if value is not None and fits_in_url(value):
        if st.query_params.get(key) != value:
            st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]


def fits_in_url(value: str) -> bool:
    """Tell whether a value is short enough for a link."""
    return len(quote(value)) <= LONGEST_IN_URL


def asked(key: str, default: str) -> str:
    """Return a value before its widget is drawn: as the person set it, or else as the URL has it."""
    value = st.session_state.get(key, st.query_params.get(key, default))
    return value if isinstance(value, str) and value else default


def asked_language() -> str:
    """Return the language of this session: chosen, in the URL, or else the browser's."""
    browser = nearest_language(st.context.locale or "") or "en"
    return nearest_language(asked(LANGUAGE, browser)) or browser


def models_folder() -> Path:
    """Return the folder whose subfolders the model picker offers, set by ``BERTOSCOPE_MODELS``."""
    return Path(os.environ.get("BERTOSCOPE_MODELS") or ROOT / "models")


def runs_folder() -> Path:
    """Return the folder where fine-tunes and what came of them are kept, set by ``BERTOSCOPE_RUNS``."""
    return Path(os.environ.get("BERTOSCOPE_RUNS") or ROOT / "runs")


def embeddings_folder() -> Path:
    """Return the folder where vectors are kept."""
    return cache_folder() / "embeddings"


def embeddings_limit() -> int:
    """Return how many bytes of vectors are kept, set in GB by ``BERTOSCOPE_CACHE_GB``; 5 GB unless it is a number."""
    try:
        return int(float(os.environ["BERTOSCOPE_CACHE_GB"]) * 1e9)
    except (KeyError, ValueError, OverflowError):
        return 5_000_000_000


def _parsed(text: str | None, default: Value) -> Value:
    if text is None:
        return default
    if isinstance(default, bool):
        return text == "True"
    if isinstance(default, int):
        return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default
    return text

"""Take it away: the same bar under every picture."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from dashboard.analysis import Analysis, python_lines
from dashboard.components.save_buttons import save_buttons
from dashboard.language import _, language, speaking
from interpret.core.csv_output import csv_text


class Download(NamedTuple):
    """One file on offer; it is made only when somebody asks for it."""

    label: str
    file: str
    mime: str
    make: Callable[[], bytes]
    about: str


def export_bar(downloads: Sequence[Download], *analyses: Analysis, picture: str | None = None, lines: str = "") -> None:
    """Draw the bar.

    Parameters
    ----------
    downloads
        The files on offer.
    *analyses
        What is shown, of which Python code is offered that gives the same in a notebook.
    picture
        The name of the picture on the page that PNG and SVG are made of, in the browser; None where there is none.
    lines
        The code, where what is shown is not of an encoder's analyses.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if picture is not None:
            save_buttons(picture)
        for one in downloads:
            st.download_button(
                one.label,
                partial(_made_in, language(), one.make),
                file_name=one.file,
                mime=one.mime,
                help=one.about,
                key=f"download:{one.label}:{one.file}",
                on_click="ignore",
                icon=":material/download:",
            )
        with st.popover(
            "Python", icon=":material/code:", help=_("Python code that gives the same numbers in a notebook")
        ):
            st.code(lines or python_lines(*analyses), language="python", wrap_lines=True)


def _made_in(code: str, make: Callable[[], bytes]) -> bytes:
    # Streamlit makes a file in a thread of its own, which knows no session and so no reader.
    with speaking(code):
        return make()


def file_stem(*parts: str) -> str:
    """Make a file's name of what it shows: letters and digits of any script, joined by hyphens."""
    words = re.findall(r"\w+", " ".join(parts))
    return "-".join(words)[:80].strip("-") or "bertoscope"


def as_json(value: object) -> bytes:
    """Write JSON with its text readable."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def as_csv(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Write columns as a table, with a mark that spreadsheets know."""
    return csv_text(columns).encode("utf-8-sig")

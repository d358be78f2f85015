"""Two buttons that ask a picture on the page to save itself, as PNG or as SVG."""

from pathlib import Path

import streamlit as st

from dashboard.components.bundle import bundle

_FOLDER = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "bertoscope.picture_buttons",
    html="<div class='bar'></div>\n",
    css=(_FOLDER / "save_buttons.css").read_text("utf-8"),
    js=bundle(_FOLDER / "save_buttons.js"),
)


def save_buttons(picture: str) -> None:
    """Draw the buttons for a picture, by the name that it listens to."""
    _COMPONENT(key=f"picture:{picture}", data={"picture": picture}, width="content", height="content")

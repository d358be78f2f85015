"""Pictures drawn in the browser on a canvas, each from a result to a component: steps, paths and switches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.canvas import script

_FOLDER = Path(__file__).parent


def picture(name: str, html: str) -> Callable[..., Any]:
    """Register one picture's component: its script beside this file, in the style that all of them share."""
    return st.components.v2.component(
        f"bertoscope.{name}",
        html=f"<div class='picture' data-testid='{name}'>{html}</div>",
        css=(_FOLDER / "pictures.css").read_text("utf-8"),
        js=script(_FOLDER / f"{name}.js"),
    )

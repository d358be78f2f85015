"""What every picture drawn in the browser shares: colours of the theme, labels, and a canvas that also writes SVG."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.components.bundle import ROOT, bundle


def picture(name: str, html: str) -> Callable[..., Any]:
    """Register one picture's component: its script and style in its own folder, over the style that all share."""
    styles = (ROOT / "canvas" / "picture.css", ROOT / name / f"{name}.css")
    return st.components.v2.component(
        f"bertoscope.{name}",
        html=f"<div class='picture' data-testid='{name}'>{html}</div>",
        css="".join(style.read_text("utf-8") for style in styles if style.exists()),
        js=bundle(ROOT / name / f"{name}.js"),
    )

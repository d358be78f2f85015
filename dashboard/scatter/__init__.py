"""A cloud of points, layer by layer: Plotly's WebGL, a slider that moves the points, hover, lasso and box.

Streamlit's own Plotly chart draws each layer anew and sends all of it again. This component keeps every layer in the
browser, so that the points can be seen moving, and sends back which layer is looked at and what is selected.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly
import streamlit as st
from jaxtyping import Float32

from dashboard.canvas import script
from dashboard.language import _, language

_FOLDER = Path(__file__).parent
_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

# Plotly itself, once for each page that is opened: the browser keeps a message that it has seen.
_LIBRARY = st.components.v2.component(
    "bertoscope.plotly",
    html="<span></span>",
    js=_PLOTLY.read_text("utf-8")
    + "\nexport default () => { document.dispatchEvent(new CustomEvent('bertoscope:plotly')); };\n",
)
_COMPONENT = st.components.v2.component(
    "bertoscope.scatter",
    html=(_FOLDER / "scatter.html").read_text("utf-8"),
    css=(_FOLDER / "scatter.css").read_text("utf-8"),
    js=script(_FOLDER / "scatter.js"),
    # Plotly puts its own styles into the page, where a shadow root would not see them.
    isolate_styles=False,
)


@dataclass(frozen=True, eq=False)
class Colours:
    """What the colours of points stand for.

    Attributes
    ----------
    title
        Its name.
    values
        A number for each point: the place of its group among ``groups``, or where there are none, a quantity.
    groups
        The names of groups, in the order of the legend; the last may stand for all others.
    others
        Whether it does.
    """

    title: str
    values: Float32[np.ndarray, "point"]
    groups: tuple[str, ...] = ()
    others: bool = False


@dataclass(frozen=True)
class View:
    """What the browser says: which layer is looked at, as a place among those drawn, and which points are selected."""

    layer: int
    selected: tuple[int, ...]


def scatter(
    points: Float32[np.ndarray, "layer point dim"],
    layers: Sequence[str],
    colours: Colours,
    hover: Sequence[str],
    found: Sequence[int],
    start: int,
    title: str,
    file: str,
    key: str,
    multiples: bool = False,
) -> View:
    """Draw the cloud.

    Parameters
    ----------
    points
        Where each point lies at each layer, laid over one another.
    layers
        The layers' names.
    hover
        What each point says of itself.
    found
        Points to be set off from the rest, as by a search.
    start
        The layer to begin at, as a place among those drawn.
    title, file
        The line over a saved picture, and the name of its file without an ending.
    multiples
        Whether all layers are drawn beside each other, small and only to look at.
    """
    _LIBRARY(key=f"{key}:plotly", width="content", height="content")
    state = st.session_state.get(key)
    content = points.astype("<f4").tobytes() + colours.values.astype("<f4").tobytes()
    texts = json.dumps([hover, colours.groups, colours.title, layers, language()], ensure_ascii=False)
    about = hashlib.sha1(content + texts.encode(), usedforsecurity=False).hexdigest()[:16]
    header = {
        "key": about,
        "shape": points.shape,
        "found": [int(one) for one in found],
        "start": start,
        "title": title,
        "file": file,
        "picture": key,
    }
    # The browser has had it: a lasso or another layer should not send megabytes again.
    send = not (isinstance(state, Mapping) and state.get("have") == about)
    if send:
        header |= {
            "hover": hover,
            "layers": layers,
            "groups": colours.groups,
            "others": colours.others,
            "multiples": multiples,
            "colour": colours.title,
            "strings": _strings(),
        }
    text = json.dumps(header, ensure_ascii=False).encode()
    # What follows has to begin at a whole number of its words.
    text += b" " * (-len(text) % 4)
    result = _COMPONENT(
        key=key,
        data=struct.pack("<I", len(text)) + text + (content if send else b""),
        on_layer_change=lambda: None,
        on_have_change=lambda: None,
        on_selected_change=lambda: None,
    )
    return read_view(result.layer, result.selected, about, points.shape[0], points.shape[1], start)


def read_view(layer: object, selected: object, key: str, layers: int, points: int, start: int) -> View:
    """Check what a browser says; what makes no sense, or is of another cloud, counts for nothing."""
    place = start
    if isinstance(layer, Mapping) and layer.get("key") == key:
        value = layer.get("layer")
        place = value if type(value) is int and 0 <= value < layers else start
    places: tuple[int, ...] = ()
    if isinstance(selected, Mapping) and selected.get("key") == key and isinstance(selected.get("places"), list):
        places = tuple(
            sorted({one for one in selected["places"] if type(one) is int and 0 <= one < points}),
        )
    return View(place, places)


def _strings() -> dict[str, str]:
    return {
        "layer": _("Layer"),
        "play": _("Play through the layers"),
        "stop": _("Stop playing"),
        "plot": _("Map of {count} points. The search over it selects points without a mouse."),
        "hint": _("Drag around points to select them; scroll to zoom; double-click to let go."),
        "hint3": _("Drag to turn, scroll to zoom, click a point to select it."),
    }

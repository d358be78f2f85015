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
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import plotly
import streamlit as st
from jaxtyping import Float32

from dashboard.components.bundle import bundle
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
    js=bundle(_FOLDER / "scatter.js"),
    # Plotly puts its own styles into the page, where a shadow root would not see them.
    isolate_styles=False,
)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points at every layer.

    Attributes
    ----------
    points
        Where each point lies at each layer, laid over one another.
    layers
        The layers' names.
    hover
        What each point says of itself.
    """

    points: Float32[np.ndarray, "layer point dim"]
    layers: tuple[str, ...]
    hover: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """What tells this cloud from others, in whatever colours."""
        digest = hashlib.sha1(self.points.tobytes(), usedforsecurity=False)
        digest.update(json.dumps([self.points.shape, self.hover], ensure_ascii=False).encode())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Colours:
    """What the colours of points stand for.

    Attributes
    ----------
    title
        Its name.
    values
        A number for each point: the index of its group in ``groups``, or where there are none, a quantity, NaN
        where it is not known.
    groups
        The names of groups, in the order of the legend; the last may stand for all others.
    ranks
        Which of the palette's colours each group has.
    others
        Whether the last group stands for others, and so is grey.
    """

    title: str
    values: Float32[np.ndarray, " point"]
    groups: tuple[str, ...] = ()
    ranks: tuple[int, ...] = ()
    others: bool = False


@dataclass(frozen=True)
class View:
    """What the browser says: which layer is looked at, as an index among those drawn, and which points are selected."""

    layer: int
    selected: tuple[int, ...]


def cloud_view(cloud: Cloud, start: int, key: str) -> View:
    """Return what the browser last said of a cloud that is drawn at ``key``; ``start`` where it said no layer."""
    said = st.session_state.get(key)
    return read_view(said, cloud.key, cloud.points.shape[0], cloud.points.shape[1], start)


def scatter(
    cloud: Cloud,
    colours: Colours,
    marked: Sequence[int],
    start: int,
    title: str,
    file: str,
    key: str,
    multiples: bool = False,
) -> None:
    """Draw the cloud; `cloud_view` tells what is done with it.

    Parameters
    ----------
    marked
        Points to be set off from the rest: those selected, or found by a search.
    start
        The layer to begin at, as an index among those drawn.
    title, file
        The line over a saved picture, and the name of its file without an ending.
    multiples
        Whether all layers are drawn beside each other, small and only to look at.
    """
    _LIBRARY(key=f"{key}:plotly", width="content", height="content")
    said = st.session_state.get(key)
    content = cloud.points.astype("<f4").tobytes() + colours.values.astype("<f4").tobytes()
    words = json.dumps([colours.groups, colours.ranks, colours.title, cloud.layers, language()], ensure_ascii=False)
    about = cloud.key + hashlib.sha1(colours.values.tobytes() + words.encode(), usedforsecurity=False).hexdigest()[:16]
    header: dict[str, Any] = {
        "key": about,
        "cloud": cloud.key,
        "shape": cloud.points.shape,
        "marked": [int(one) for one in marked],
        "start": start,
        "title": title,
        "file": file,
        "picture": key,
    }
    # The browser has had it: a lasso or another layer should not send megabytes again.
    send = not (isinstance(said, Mapping) and said.get("have") == about)
    if send:
        header |= {
            "hover": cloud.hover,
            "layers": cloud.layers,
            "groups": colours.groups,
            "ranks": colours.ranks,
            "others": colours.others,
            "multiples": multiples,
            "colour": colours.title,
            "strings": _strings(),
        }
    text = json.dumps(header, ensure_ascii=False).encode()
    # What follows has to begin at a whole number of its words.
    text += b" " * (-len(text) % 4)
    _COMPONENT(
        key=key,
        data=struct.pack("<I", len(text)) + text + (content if send else b""),
        on_layer_change=lambda: None,
        on_have_change=lambda: None,
        on_selected_change=lambda: None,
    )


def read_view(said: object, cloud: str, layers: int, points: int, start: int) -> View:
    """Check what a browser says; what makes no sense, or is of another cloud, counts for nothing."""
    shown = start
    selected_points: tuple[int, ...] = ()
    if isinstance(said, Mapping):
        layer, selected = said.get("layer"), said.get("selected")
        if isinstance(layer, Mapping) and layer.get("cloud") == cloud:
            value = layer.get("layer")
            shown = value if type(value) is int and 0 <= value < layers else start
        if isinstance(selected, Mapping) and selected.get("cloud") == cloud:
            found = selected.get("places")
            numbers = found if isinstance(found, list) else []
            selected_points = tuple(sorted({one for one in numbers if type(one) is int and 0 <= one < points}))
    return View(shown, selected_points)


def _strings() -> dict[str, str]:
    return {
        "layer": _("Layer"),
        "play": _("Play through the layers"),
        "stop": _("Stop playing"),
        "plot": _("Map of {count} points. To select points without a mouse, use the search above the map."),
        "hint": _("Drag around points to select them; scroll to zoom; double-click to clear the selection."),
        "unknown": _("(empty)"),
        "hint3": _("Drag to rotate, scroll to zoom, click a point to select it."),
    }

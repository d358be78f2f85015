"""The attention explorer: all heads at once, and the chosen one as a heat map and as lines.

It is a Streamlit component (v2, no frame) in plain JavaScript and Canvas, drawn by the modules beside this file, in the
dashboard as in an exported file.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from dashboard.components.bundle import bundle
from dashboard.language import _, language

if TYPE_CHECKING:
    from interpret.attention.view import AttentionView

SCALES = ("linear", "sqrt", "log")
_FOLDER = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "bertoscope.explorer",
    html=(_FOLDER / "explorer.html").read_text("utf-8"),
    css=(_FOLDER / "explorer.css").read_text("utf-8"),
    js=bundle(_FOLDER / "component.js"),
)


@dataclass(frozen=True)
class Look:
    """What is looked at in the explorer.

    Attributes
    ----------
    heads
        The chosen heads, as (layer, head); several are averaged.
    scale
        How weights become colours, one of `SCALES`.
    minimum
        Weights below it are not drawn.
    have
        The key of the thumbnails that the browser has already.
    sequence
        Counts the choices made in the browser, so that an answer that comes late does not undo the next choice.
    """

    heads: tuple[tuple[int, int], ...]
    scale: str = "sqrt"
    minimum: float = 0.0
    have: str = ""
    sequence: int = 0


def read_look(value: object, layers: int, heads: int, default: Look) -> Look:
    """Check what a browser or a URL says is looked at; what makes no sense becomes the default's."""
    if not isinstance(value, Mapping):
        return default
    chosen = value.get("heads")
    pairs: list[tuple[int, int]] = []
    for pair in chosen if isinstance(chosen, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and all(type(one) is int for one in pair):
            layer, head = pair
            if 0 <= layer < layers and 0 <= head < heads and (layer, head) not in pairs:
                pairs.append((layer, head))
    minimum = value.get("minimum")
    return Look(
        heads=tuple(pairs) or default.heads,
        scale=value["scale"] if value.get("scale") in SCALES else default.scale,
        minimum=float(minimum) if isinstance(minimum, int | float) and 0 <= minimum <= 1 else default.minimum,
        have=str(value.get("have") or "")[:64],
        sequence=value["sequence"] if type(value.get("sequence")) is int else 0,
    )


def explorer(view: AttentionView, thumbnails: bytes, look: Look, title: str, file: str, key: str) -> object:
    """Draw the explorer and return what its browser side last said is looked at, to be read by `read_look`.

    Parameters
    ----------
    view
        What to show.
    thumbnails
        The bytes of ``view.thumbnails()``; sent only where the browser has not got them.
    look
        What is looked at.
    title, file
        The line over saved pictures, and the name of their files without an ending.
    """
    header = _header(view, thumbnails, look, title, file)
    matrix = view.average(look.heads).tobytes()
    send = look.have != header["key"]
    text = json.dumps({**header, "thumbnails": send}, ensure_ascii=False).encode()
    data = struct.pack("<I", len(text)) + text + matrix + (thumbnails if send else b"")
    result = _COMPONENT(key=key, data=data, on_look_change=lambda: None)
    return result.look


def standalone(view: AttentionView, look: Look, title: str, file: str) -> bytes:
    """Return one HTML file that shows this view of all heads, offline and without Bertoscope.

    Weights lie in it in half precision: three significant digits, fewer below 0.0001.
    """
    layers, heads = view.trace.attention.shape[:2]
    thumbnails = view.thumbnails().tobytes()
    weights = b"".join(
        view.head(layer, head).astype("<f2").tobytes() for layer in range(layers) for head in range(heads)
    )
    header = {**_header(view, thumbnails, look, title, file), "thumbnails": True}
    source = bundle(_FOLDER / "standalone.js")
    parts = {
        "language": language().replace("_", "-"),
        "title": html.escape(title),
        "css": (_FOLDER / "standalone.css").read_text("utf-8") + (_FOLDER / "explorer.css").read_text("utf-8"),
        "body": (_FOLDER / "explorer.html").read_text("utf-8"),
        # In a script element only "<" can end it; JSON may write it as an escape anywhere.
        "header": json.dumps(header, ensure_ascii=False).replace("<", "\\u003c"),
        "thumbnails": base64.b64encode(gzip.compress(thumbnails, 6, mtime=0)).decode(),
        "weights": base64.b64encode(gzip.compress(weights, 6, mtime=0)).decode(),
        "note": html.escape(
            _("Made with Bertoscope. The attention weights in this file are in half precision. The file works offline.")
        ),
        "script": source,
        # Nothing but this very script may run in the page, whatever a text holds.
        "hash": base64.b64encode(hashlib.sha256(source.encode()).digest()).decode(),
    }
    page = (_FOLDER / "standalone.html").read_text("utf-8")
    # One pass over the page, so that nothing inside a part is ever taken for a place.
    texts = page.split("%%")
    return "".join(parts[text] if index % 2 else text for index, text in enumerate(texts)).encode()


def _header(view: AttentionView, thumbnails: bytes, look: Look, title: str, file: str) -> dict[str, Any]:
    tokens = view.trace.tokens
    layers, heads = view.trace.attention.shape[:2]
    firsts = np.array([group[0] for group in tokens.groups]) if view.unit == "word" else np.arange(len(tokens))
    segment = tokens.segment[firsts]

    def border(indices: np.ndarray) -> int | None:
        second = np.flatnonzero(segment[indices])
        return int(second[0]) if len(second) and second[0] > 0 else None

    labels = (view.query_labels, view.key_labels)
    about = hashlib.sha1(thumbnails + repr((labels, language())).encode(), usedforsecurity=False)
    return {
        "key": about.hexdigest()[:16],
        "sequence": look.sequence,
        "layers": layers,
        "heads_per_layer": heads,
        "rows": len(view.queries),
        "columns": len(view.keys),
        "thumbnailShape": _thumbnail_shape(view),
        "queryLabels": labels[0],
        "keyLabels": labels[1],
        "queryPlaces": view.queries.tolist(),
        "keyPlaces": view.keys.tolist(),
        "keySpecial": tokens.special[firsts[view.keys]].astype(int).tolist(),
        "queryBreak": border(view.queries),
        "keyBreak": border(view.keys),
        "heads": look.heads,
        "scale": look.scale,
        "minimum": look.minimum,
        "title": title,
        "file": file,
        "strings": _strings(),
    }


def _thumbnail_shape(view: AttentionView, side: int = 64) -> Sequence[int]:
    return min(side, len(view.queries)), min(side, len(view.keys))


def _strings() -> dict[str, str]:
    return {
        "layer": _("Layer"),
        "layerHead": _("Layer {layer}, head {head}"),
        "average": _("Average of {count} heads"),
        "averageAll": _("Average of all heads"),
        "averageLayer": _("Average over the heads of layer {layer}"),
        "averageHead": _("Average of head {head} over all layers"),
        "grid": _("All heads, one row per layer"),
        "gridHint": _(
            "All heads: rows are layers, columns are heads, both counted from 0. Click a head to select it; hold "
            "Shift to average several; click a row or column number to average that row or column. Arrow keys move."
        ),
        "matrix": _("Heat map of the selected head. Arrow keys move, Enter pins, plus and minus zoom."),
        "lines": _("The selected head as lines from queries to keys. Arrow keys move, Enter pins."),
        "pinned": _("Pinned: {what}"),
        "matrixHint": _("Drag to zoom, double-click to reset. Click a token or a cell to pin it."),
        "axes": _("query ↓  key →"),
        "from": _("from (query)"),
        "to": _("to (key)"),
        "colour": _("Colour"),
        "linear": _("linear"),
        "sqrt": _("square root"),
        "log": _("log"),
        "minimum": _("Minimum weight"),
        "weight": _("weight"),
        "zoom-in": _("Zoom in"),
        "zoom-out": _("Zoom out"),
        "zoom-reset": _("Reset zoom"),
        "drawn": _("Showing the {drawn} strongest of {all} links ≥ {least}."),
        "drawnAll": _("All links ≥ {least} are shown: {all}."),
        "readoutHint": _("Point at a token or a cell to read its weights."),
        "looksAt": _("{token} attends to: "),
        "lookedAtBy": _("{token} is attended to by: "),
        "summary": _(
            "{name}. Strongest: {links}. On average, a token gives {self} of its attention to itself, {previous} to "
            "the previous token, {next} to the next one and {special} to special tokens."
        ),
    }

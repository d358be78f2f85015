"""The attention explorer: all heads at once, and the chosen one as a heat map and as lines.

It is a Streamlit component (v2, no frame) in plain JavaScript and Canvas, drawn by the modules beside this file, in the
dashboard as in an exported file.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from jaxtyping import Float32

from dashboard.components.bundle import bundle
from dashboard.language import _, language

if TYPE_CHECKING:
    from interpret.attention.view import AttentionView

SCALES = ("linear", "sqrt", "log")
# What an exported file may weigh: one that opens at once, and can be sent by mail.
_MOST_BYTES = 12_000_000
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

    Weights lie in it as `root_steps` says, with what that rounds written beside them.
    """
    thumbnails = view.thumbnails().tobytes()
    source = bundle(_FOLDER / "standalone.js")
    header = {**_header(view, thumbnails, look, title, file), "thumbnails": True}
    parts = {
        "language": language().replace("_", "-"),
        "title": html.escape(title),
        "css": (_FOLDER / "standalone.css").read_text("utf-8") + (_FOLDER / "explorer.css").read_text("utf-8"),
        "body": (_FOLDER / "explorer.html").read_text("utf-8"),
        "thumbnails": _packed(thumbnails),
        "script": source,
        # Nothing but this very script may run in the page, whatever a text holds.
        "hash": base64.b64encode(hashlib.sha256(source.encode()).digest()).decode(),
    }
    # Beside it there are the shell, the note, and labels, of which no letter has more than six bytes in JSON.
    beside = sum(map(len, parts.values())) + 6 * len(json.dumps(header)) + 10_000
    steps, parts["weights"] = packed_weights(view, _MOST_BYTES - beside)
    # In a script element only "<" can end it; JSON may write it as an escape anywhere.
    parts["header"] = json.dumps({**header, "steps": steps}, ensure_ascii=False).replace("<", "\\u003c")
    parts["note"] = html.escape(
        _(
            "Made with Bertoscope. The file works offline. Attention weights in it are rounded, their square roots "
            "to {steps} steps: a weight near 1 is off by at most {large}, one of 0.01 by at most {small}."
        ).format(steps=f"{steps:,}", large=_rounded_up(1 / steps), small=_rounded_up(0.1 / steps))
    )
    page = (_FOLDER / "standalone.html").read_text("utf-8")
    # One pass over the page, so that nothing inside a part is ever taken for a place.
    texts = page.split("%%")
    return "".join(parts[text] if index % 2 else text for index, text in enumerate(texts)).encode()


def packed_weights(view: AttentionView, most: int) -> tuple[int, str]:
    """Return all weights as a text of at most so many characters, and how many steps their square roots have in it.

    A square root has fine steps where weights are small, as most are: 65,535 from 0 to 1 are finer than half precision.
    Of 72 heads and 512 tokens that would be 40 MB, for the last bits of a weight are as good as random and do not
    shrink: there a byte holds as many steps as there is room for.
    """
    layers, heads = view.trace.attention.shape[:2]
    count = layers * heads * len(view.queries) * len(view.keys)
    # A character holds six bits.
    steps = 65535 if count * 16 / 6 <= most else 255
    while True:
        text = _packed(
            b"".join(
                rounded_roots(view.head(layer, head), steps).tobytes()
                for layer in range(layers)
                for head in range(heads)
            )
        )
        if len(text) <= most or steps == 1:
            return steps, text
        steps = max(1, int(steps * 2 ** (-0.05 - 6 * (len(text) - most) / count)))


def rounded_roots(weights: Float32[np.ndarray, "query key"], steps: int) -> np.ndarray:
    """Return weights as whole numbers, the nearest to ``steps · √weight``."""
    return np.rint(steps * np.sqrt(weights.astype(np.float64))).astype("<u2" if steps > 255 else "u1")


def _packed(data: bytes) -> str:
    """Return bytes as text, gzipped by runs and frequencies alone: weights repeat in no other way, and this is fast."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return base64.b64encode(packer.compress(data) + packer.flush()).decode()


def _rounded_up(value: float) -> str:
    """Write a small number with one figure, and no less than it is: with what the square of half a step adds to it."""
    digits = 1 - math.ceil(math.log10(value))
    return f"{math.ceil(1.01 * value * 10**digits) / 10**digits:.{digits}f}"


def _header(view: AttentionView, thumbnails: bytes, look: Look, title: str, file: str) -> dict[str, Any]:
    tokens = view.tokens
    layers, heads = view.trace.attention.shape[:2]
    firsts = np.array([group[0] for group in view.groups])
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

"""One attention head, two beside each other on one scale, or what sets them apart."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from dashboard.components.canvas import picture
from dashboard.language import _, language

NAME = "beside"
_COMPONENT = picture(NAME, "<div class='sides'></div><p class='readout' aria-live='polite' data-testid='readout'></p>")
# Below it, what two passes through one model differ by would be drawn as if it were a difference.
_LEAST_MOST = 0.01


@dataclass(frozen=True)
class Side:
    """One heat map: its tokens are its rows and its columns.

    Attributes
    ----------
    name
        What a cell's weight is called by.
    title, about
        What stands over it: which head, in a line, and of what, in one or several.
    border
        The row where a pair's second text begins; None for one text.
    """

    name: str
    title: str
    about: str
    labels: tuple[str, ...]
    border: int | None
    weights: Float32[np.ndarray, "query key"]


def beside(
    sides: Sequence[Side], difference: Side | None, linked: bool, scale: str, title: str, file: str, key: str = NAME
) -> None:
    """Draw one or two sides, or in their place the difference of the two.

    Parameters
    ----------
    difference
        What is drawn in the place of the sides; its values may be below 0.
    linked
        Whether a cell of the one side is a cell of the other, so that both are pointed at together.
    scale
        How weights become colours, one of `dashboard.components.explorer.SCALES`; the same on both sides. That of
        differences has 0 in its middle, and is linear or by the square root.
    title, file
        The line over a saved picture, and the name of its file without an ending.
    """
    numbers = b"".join(
        np.ascontiguousarray(one.weights, "<f4").tobytes()
        for one in (*sides, *(() if difference is None else (difference,)))
    )
    header: dict[str, Any] = {
        "picture": key,
        "title": title,
        "file": file,
        "linked": linked,
        "scale": scale,
        "sides": [_written(one) for one in sides],
        "difference": None if difference is None else _written(difference) | {"most": widest(difference.weights)},
        "strings": {
            "axes": _("query ↓  key →"),
            "weight": _("weight"),
            "difference": _("difference"),
            "cell": _("“{query}” → “{key}”"),
            "hint": _("Point at a cell to read it; click to pin the reading."),
            "keys": _("Arrow keys move, Enter pins the reading, plus and minus zoom, 0 shows all."),
        },
    }
    about = hashlib.sha1(json.dumps([header, language()]).encode() + numbers, usedforsecurity=False)
    text = json.dumps({"key": about.hexdigest()[:16], **header}, ensure_ascii=False).encode()
    _COMPONENT(key=key, data=struct.pack("<I", len(text)) + text + numbers)


def widest(differences: Float32[np.ndarray, "query key"]) -> float:
    """Return where a scale around 0 ends that has all differences on it: two figures, and never below 0.01."""
    most = max(float(np.abs(differences).max(initial=0)), _LEAST_MOST)
    step = 10 ** (np.floor(np.log10(most)) - 1)
    return min(1.0, float(f"{np.ceil(most / step - 1e-9) * step:.6g}"))


def _written(side: Side) -> dict[str, Any]:
    return {name: getattr(side, name) for name in ("name", "title", "about", "labels", "border")}

"""Layer × head heat maps: what each head is like, or how much it matters, and a click to choose one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Float32

from dashboard.components.canvas import picture
from dashboard.language import _

_COMPONENT = picture("maps", "<div class='maps'></div><p class='readout' aria-live='polite' data-testid='readout'></p>")


@dataclass(frozen=True)
class HeadMap:
    """One map: a number for each head, on a scale from ``least`` to ``most``.

    Where ``least`` is below zero the scale has two sides and zero in its middle.
    """

    title: str
    about: str
    values: Float32[np.ndarray, "layer head"]
    least: float
    most: float


def head_maps(
    maps: Sequence[HeadMap],
    chosen: tuple[int, int],
    title: str,
    file: str,
    key: str,
    names: Sequence[Sequence[str | None]] | None = None,
) -> tuple[int, int] | None:
    """Draw maps and return the head that was clicked in this run, or None.

    Parameters
    ----------
    chosen
        The head with a frame around it.
    title, file
        The line over a saved picture, and the name of its file without an ending.
    names
        What each head is called, as ``names[layer][head]``.
    """
    drawn = [
        {
            "title": one.title,
            "about": one.about,
            "values": np.nan_to_num(one.values).astype(float).round(5).tolist(),
            "least": one.least,
            "most": one.most,
            "diverging": one.least < 0,
        }
        for one in maps
    ]
    about = hashlib.sha1(json.dumps([drawn, chosen]).encode(), usedforsecurity=False).hexdigest()[:16]
    before = f"{key}:before"
    result = _COMPONENT(
        key=key,
        data={
            "key": about,
            "picture": key,
            "title": title,
            "file": file,
            "maps": drawn,
            "chosen": list(chosen),
            "names": names,
            "head": _("Layer {layer}, head {head}"),
            "hint": _(
                "Rows are layers, columns are heads. Point at a head to read its value; click to select it on "
                "every tab."
            ),
        },
        on_head_change=lambda: None,
    )
    layers, heads = maps[0].values.shape
    clicked = result.head
    if clicked == st.session_state.get(before) or not isinstance(clicked, list | tuple) or len(clicked) != 2:
        return None
    st.session_state[before] = clicked
    layer, head = clicked
    if type(layer) is int and type(head) is int and 0 <= layer < layers and 0 <= head < heads:
        return layer, head
    return None

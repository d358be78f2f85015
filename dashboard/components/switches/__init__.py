"""A switch for every head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.components.canvas import picture
from dashboard.language import _

NAME = "switches"
_COMPONENT = picture(NAME, "<div class='switches'></div>")

Heads = tuple[tuple[int, int], ...]


def read_off(value: object, layers: int, heads: int) -> Heads:
    """Check what a browser or a URL says is switched off; what makes no sense is on."""
    given = value.get("heads") if isinstance(value, Mapping) else value
    off = set()
    for pair in given if isinstance(given, list | tuple) else []:
        if isinstance(pair, list | tuple) and len(pair) == 2 and all(type(one) is int for one in pair):
            layer, head = pair
            if 0 <= layer < layers and 0 <= head < heads:
                off.add((layer, head))
    return tuple(sorted(off))


def switches(layers: int, heads: int, off: Sequence[tuple[int, int]], key: str) -> Heads:
    """Draw the switches and return which heads are off.

    Parameters
    ----------
    off
        What is off before anybody has switched. Under another key the browser's part begins anew with it.
    """
    said = st.session_state.get(key, {}).get("off")
    sequence = said.get("sequence") if isinstance(said, Mapping) else None
    if said is not None:
        off = read_off(said, layers, heads)
    _COMPONENT(
        key=key,
        data={
            "layers": layers,
            "heads": heads,
            "off": [list(one) for one in off],
            "sequence": sequence if type(sequence) is int else 0,
            "strings": {
                "all": _("All heads, a switch for each, one row per layer"),
                "layer": _("Layer {layer}"),
                "head": _("Layer {layer}, head {head}"),
            },
        },
        on_off_change=lambda: None,
    )
    return tuple(off)

"""How attention is looked at: the switches over the explorer, and its numbers as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from jaxtyping import Float32

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.widgets.choices import choice
from interpret.attention import Direction, Unit

Heads = Sequence[tuple[int, int]]


def view_controls(pair: bool) -> tuple[Unit, bool, Direction]:
    """Draw the switches: unit, special pieces and, where there are two texts, direction."""
    units: dict[Unit, str] = {"piece": _("Pieces"), "word": _("Words")}
    directions: dict[Direction, str] = {"all": _("All"), "A→A": "A→A", "A→B": "A→B", "B→A": "B→A", "B→B": "B→B"}
    state.seed(state.SPECIALS, True)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        unit = choice(
            _("Unit"),
            units,
            state.UNIT,
            _("Words: weights to a word's pieces are added up, weights from them averaged (Clark et al. 2019)."),
        )
        direction: Direction = choice(_("Direction"), directions, state.DIRECTION) if pair else "all"
        specials = st.toggle(
            _("[CLS] and [SEP]"),
            key=state.SPECIALS,
            persist_state="session",
            help=_("Off leaves them out and shares each row out anew over the rest, so that it sums to 1 again."),
        )
    state.publish(state.SPECIALS, True)
    if not pair:
        state.remember(state.DIRECTION, None)
    return unit, specials, direction


def heads_of_url() -> Mapping[str, object] | None:
    """Return what the URL says is looked at, unchecked; None where it says nothing."""
    text = st.query_params.get(state.HEADS)
    scale, minimum = st.query_params.get(state.SCALE), st.query_params.get(state.MINIMUM)
    if text is None and scale is None and minimum is None:
        return None
    heads = [[int(part) for part in one.split(".") if part.isdigit()] for one in (text or "").split(",")]
    try:
        least = float(minimum or 0)
    except ValueError:
        least = 0.0
    return {"heads": heads, "scale": scale, "minimum": least}


def heads_in_words(heads: Heads) -> str:
    """Name what is chosen."""
    if len(heads) == 1:
        return _("Layer {layer}, head {head}").format(layer=heads[0][0], head=heads[0][1])
    return _("Average of {count} heads").format(count=len(heads))


def weights_csv(view: it.AttentionView, weights: Float32[np.ndarray, "query key"]) -> bytes:
    """Write weights as a table: a row for each query, a column for each key, with a mark that spreadsheets know."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["query \\ key", *view.key_labels])
    for label, row in zip(view.query_labels, weights, strict=True):
        writer.writerow([label, *(f"{weight:.8g}" for weight in row)])
    return buffer.getvalue().encode("utf-8-sig")


def python_lines(spec: it.EncoderSpec, text: str, pair: str | None, view: it.AttentionView, heads: Heads) -> str:
    """Write the lines of Python that give the same weights."""
    checkpoint = spec.checkpoint
    name = repr(checkpoint.name)
    if checkpoint.source == "hub":
        name = f"it.find_checkpoint({checkpoint.name!r}, revision={checkpoint.revision!r})"
    second = f", pair={pair!r}" if pair is not None else ""
    return "\n".join(
        (
            "import interpret as it",
            "",
            f"encoder = it.load_encoder({name}, device={spec.device!r}, precision={spec.precision!r})",
            f"trace = it.trace(encoder, {text!r}{second})",
            f"view = it.attention_view(trace, unit={view.unit!r}, specials={view.specials}, "
            f"direction={view.direction!r})",
            f"weights = view.average({list(heads)})  # query key",
        )
    )

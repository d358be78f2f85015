"""BertViz's views: which one, and with how many layers it can be drawn without freezing the browser."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.components.bertviz import MOST_BYTES, MOST_NODES, Size, View, predicted_size
from dashboard.language import _, _n
from dashboard.widgets.choices import segments


def pick_view() -> View:
    """Draw the choice of a view."""
    names: dict[View, str] = {"head": _("Head view"), "model": _("Model view"), "neuron": _("Neuron view")}
    view = segments(_("View"), names, state.VIEW)
    state.publish(state.VIEW)
    return view


def using(view: View) -> str:
    """Say how a view is used, which it does not say itself."""
    return {
        "head": _(
            "Point at a token to see its lines. Each coloured square is a head: click to hide or show it, "
            "double-click to see it alone."
        ),
        "model": _("One row per layer, one column per head. Click a picture to enlarge it, and again to close it."),
        "neuron": _(
            "Point at a token on the left, then click its plus sign: query, keys, their product and the softmax "
            "appear. Blue is above zero, orange below."
        ),
    }[view]


def fitting_layers(trace: it.Trace, view: View) -> list[int]:
    """Let layers be chosen and return them; none where the page would be too large, which is then said."""
    count = len(trace.attention)
    whole = predicted_size(trace, view, count)
    most = max((layers for layers in range(1, count + 1) if predicted_size(trace, view, layers).fits), default=0)
    if not most:
        st.warning(
            _(
                "For {tokens} tokens, BertViz would draw {nodes} lines and boxes ({size} MB) even for a single layer, "
                "but this page's limit is {most} ({largest} MB): the browser would freeze. The tab “Attention maps” "
                "shows everything at once. Or shorten the text."
            ).format(tokens=len(trace.tokens), **_numbers(predicted_size(trace, view, 1))),
            icon=":material/hourglass_disabled:",
        )
        return []
    key = state.BERTVIZ_LAYERS.of(view, count)
    if key not in st.session_state:
        st.session_state[key] = list(range(min(most, count)))
    if most < count:
        st.info(
            _n(
                "All {count} layers would need {nodes} lines and boxes ({size} MB); this page's limit is {most} "
                "({largest} MB). For this text, only {layers} layer fits.",
                "All {count} layers would need {nodes} lines and boxes ({size} MB); this page's limit is {most} "
                "({largest} MB). For this text, up to {layers} layers fit.",
                most,
            ).format(count=count, layers=most, **_numbers(whole)),
            icon=":material/filter_list:",
        )
    if len(st.session_state[key]) > most:
        st.session_state[key] = st.session_state[key][:most]
    chosen = sorted(st.pills(_("Layers"), range(count), selection_mode="multi", key=key, persist_state="session"))
    if not chosen:
        st.info(_("No layer is chosen. Choose at least one."))
        return []
    size = predicted_size(trace, view, len(chosen))
    if not size.fits:
        st.warning(
            _("{count} layers are too many for this text: choose at most {layers}.").format(
                count=len(chosen), layers=most
            )
        )
        return []
    return chosen


def _numbers(size: Size) -> dict[str, str]:
    return {
        "nodes": f"{size.nodes:,}",
        "size": f"{size.size / 1e6:.1f}",
        "most": f"{MOST_NODES:,}",
        "largest": f"{MOST_BYTES / 1e6:.0f}",
    }

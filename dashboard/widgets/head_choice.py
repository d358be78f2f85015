"""Which head, which layer, which token: pickers that all tabs of a page share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import interpret as it
from dashboard import cache, state
from dashboard.components.explorer import Look, read_look
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.attention_view import first_head, heads_of_url
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import choose_row

if TYPE_CHECKING:
    from interpret.core.tokens import Tokens

_SYNCED = "head_synced"


def pick_head(subject: Subject, left: DeltaGenerator, right: DeltaGenerator) -> tuple[int, int]:
    """Draw the pickers of a layer and a head; they begin at the first that the explorer shows, and it follows them."""
    encoder = cache.encoder(subject.spec)
    in_url = st.query_params.get(state.HEADS, "")
    if st.session_state.get(_SYNCED) != in_url or state.LAYER not in st.session_state:
        st.session_state[state.LAYER], st.session_state[state.HEAD] = chosen_head(subject)
    layer = choose(left.selectbox, _("Layer"), {i: str(i) for i in range(encoder.layers)}, state.LAYER)
    head = choose(right.selectbox, _("Head"), {i: str(i) for i in range(encoder.heads)}, state.HEAD)
    # Only a choice is written: several heads that are averaged in the explorer stay what they are.
    if (layer, head) != chosen_head(subject):
        choose_head(layer, head)
    st.session_state[_SYNCED] = st.query_params.get(state.HEADS, "")
    return layer, head


def choose_head(layer: int, head: int) -> None:
    """Choose a head for the explorer and every tab."""
    state.remember(state.HEADS, f"{layer}.{head}")


def chosen_head(subject: Subject) -> tuple[int, int]:
    """Return the first of the heads that the explorer shows, or would show first."""
    encoder = cache.encoder(subject.spec)
    look = read_look(heads_of_url(), encoder.layers, encoder.heads, Look((first_head(subject),)))
    return look.heads[0]


def pick_token(
    tokens: Tokens, label: str, default: int, container: DeltaGenerator, key: state.Key = state.TOKEN
) -> int:
    """Draw the picker of a token; another text begins anew at ``default``."""
    about = hashlib.sha1(tokens.ids.tobytes(), usedforsecurity=False).hexdigest()[:12]
    of = f"{key}_of"
    if st.session_state.get(of, about) != about:
        st.session_state[key] = default
    st.session_state[of] = about
    names = {int(i): f"{i} {tokens.labels[i]}" for i in tokens.shown}
    token = choose(container.selectbox, label, names, key, default)
    state.publish(key, default)
    return token


def informative_token(trace: it.Trace, layer: int, head: int) -> int:
    """Return the token that looks hardest at another word, in one head: one to begin with, and no more than that."""
    ordinary = np.flatnonzero(~trace.tokens.special)
    block = trace.attention[layer, head][np.ix_(ordinary, ordinary)].copy()
    np.fill_diagonal(block, 0)
    return int(ordinary[block.max(axis=1).argmax()])


def head_buttons(layer: int, head: int) -> None:
    """Draw what is chosen, and the ways to look at it in other tabs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**" + _("Layer {layer}, head {head}").format(layer=layer, head=head) + "**")
        for tab, label in (("where", _("Where it looks")), ("steps", _("Step by step"))):
            st.button(label, key=f"go:{tab}", on_click=_go, args=(tab, layer, head), icon=":material/arrow_forward:")


def pick_row(
    columns: Mapping[str, Sequence[Any]], chosen: tuple[int, int], help: Mapping[str, str] | None = None
) -> None:
    """Draw a table with columns for layer and head; picking a row chooses its head everywhere."""
    config = {
        name: st.column_config.Column(help=(help or {}).get(name))
        if not (values and isinstance(values[0], float))
        else st.column_config.NumberColumn(format="%.3f", help=(help or {}).get(name))
        for name, values in columns.items()
    }
    st.caption(_("Choose a row to select its head in all tabs."))
    layers, heads = columns[_("Layer")], columns[_("Head")]
    row = choose_row(
        dict(columns),
        len(layers),
        # With another head chosen, here or elsewhere, no row stays picked.
        key=f"rows:{len(columns)}:{chosen}",
        column_config=config,
    )
    if row is not None and (layers[row], heads[row]) != chosen:
        choose_head(layers[row], heads[row])
        st.rerun()


def _go(tab: str, layer: int, head: int) -> None:
    choose_head(layer, head)
    st.session_state[state.TAB] = tab

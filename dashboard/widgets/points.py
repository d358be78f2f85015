"""Points on a map: which layer, what each says of itself, which are found or selected, and what becomes of these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import ROOT, state
from dashboard.language import _
from dashboard.widgets.embeddings_export import item_table
from dashboard.widgets.embeddings_view import Read
from dashboard.widgets.export import as_csv

_MOST_HOVERED = 160
_CONTEXT = 60


def pick_layer(layers: Sequence[int], chosen: int | None = None) -> int:
    """Return the layer that is looked at, in every tab, or make ``chosen`` that one; the last to begin with."""
    if chosen is not None:
        st.session_state[state.AT] = chosen
    state.seed(state.AT, layers[-1], layers)
    state.publish(state.AT, layers[-1])
    return st.session_state[state.AT]


def hover_texts(read: Read, places: np.ndarray) -> list[str]:
    """Return what each point says of itself: its words, or the word with what stands around it, and its columns."""
    embeddings = read.embeddings
    said = []
    for place in places:
        text = embeddings.texts[embeddings.text[place]]
        if embeddings.level == "texts":
            shown = text[:_MOST_HOVERED] + ("…" if len(text) > _MOST_HOVERED else "")
        else:
            start, end = (int(one) for one in embeddings.span[place])
            before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
            shown = f"{'…' if start > _CONTEXT else ''}{before}【{text[start:end]}】{after}"
            shown += "…" if end + _CONTEXT < len(text) else ""
        columns = [
            f"{name}: {values[embeddings.text[place]][:60]}"
            for name, values in list(read.collection.columns.items())[:4]
        ]
        said.append("\n".join([" ".join(shown.split()), *columns]))
    return said


def found_points(read: Read, places: np.ndarray, search: str | None) -> tuple[int, ...]:
    """Return which of the points shown hold what is searched for: in the word itself, or in their text."""
    wanted = (search or "").strip().casefold()
    if not wanted:
        return ()
    embeddings = read.embeddings
    inside = [wanted in text.casefold() for text in embeddings.texts]
    return tuple(int(i) for i, place in enumerate(places) if inside[embeddings.text[place]])


def selection_table(read: Read, items: np.ndarray, stem: str) -> None:
    """Draw the selected items as a table that can be taken away, or a row of it to the Attention page."""
    if not len(items):
        st.caption(_("Nothing is selected. Draw around points with the lasso or the box, or search, to see them here."))
        return
    table = item_table(read, items)
    st.markdown("**" + _("{count} points selected").format(count=f"{len(items):,}") + "**")
    picked = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"selected:{stem}:{len(items)}:{int(items.sum())}",
        height=min(38 + 35 * len(items), 320),
    )
    rows = [row for row in picked["selection"]["rows"] if row < len(items)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            _("Selected rows (CSV)"),
            lambda: as_csv(table),
            f"{stem}-selected.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        if st.button(
            _("Look at this text on the Attention page"),
            disabled=not rows,
            icon=":material/arrow_forward:",
            help=_("Pick a row of the table first."),
        ):
            _to_attention(table[_("Text")][rows[0]])


def _to_attention(text: str) -> None:
    for key, value in (("source", "typed"), (state.TEXT, text), ("with_pair", False)):
        st.session_state[key] = value
    st.switch_page(ROOT / "pages" / "attention.py")

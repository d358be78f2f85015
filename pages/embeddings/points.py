"""Points on a map: which layer, what each says of itself, which are found or selected, and what becomes of these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import page_file, state
from dashboard.figures import hidden_state_names
from dashboard.language import _, _n, literal
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import choose_row
from dashboard.widgets.export import as_csv
from dashboard.widgets.file_input import open_row
from interpret.core.characters import beginning
from interpret.core.scripts import fold
from pages.embeddings.embeddings_view import Read
from pages.embeddings.export import item_table

_MOST_HOVERED = 160
_CONTEXT = 60
_MARKED = "marked_points"


def pick_layer(layers: Sequence[int], chosen: int | None = None) -> int:
    """Return the layer that is looked at, in every tab, or make ``chosen`` that one; the last to begin with."""
    if chosen is not None:
        st.session_state[state.AT] = chosen
    state.seed(state.AT, layers[-1], layers)
    state.publish(state.AT, layers[-1])
    return st.session_state[state.AT]


def layer_input(layers: Sequence[int]) -> int:
    """Let the reader choose the hidden state that is looked at; see `pick_layer`."""
    pick_layer(layers)
    names = dict(zip(layers, hidden_state_names(layers), strict=True))
    return choose(st.selectbox, _("Hidden state"), names, state.AT, layers[-1], width=180)


def hover_texts(read: Read, indices: np.ndarray) -> tuple[str, ...]:
    """Return what each point says of itself: its words, or the word with what stands around it, and its columns."""
    embeddings = read.embeddings
    said = []
    for index in indices:
        text = embeddings.texts[embeddings.text[index]]
        if embeddings.level == "texts":
            shown = beginning(text, _MOST_HOVERED)
        else:
            start, end = (int(one) for one in embeddings.span[index])
            before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
            shown = f"{'…' if start > _CONTEXT else ''}{before}【{text[start:end]}】{after}"
            shown += "…" if end + _CONTEXT < len(text) else ""
        columns = [
            f"{name}: {values[embeddings.text[index]][:60]}"
            for name, values in list(read.collection.columns.items())[:4]
        ]
        row = _("Row {row}").format(row=read.collection.origin.numbers[embeddings.text[index]])
        said.append("\n".join([" ".join(shown.split()), row, *columns]))
    return tuple(said)


def search_input() -> str:
    """Draw the search over a map, and return what is looked for."""
    return (
        st.text_input(
            _("Find in the texts"),
            key=state.SEARCH_POINTS,
            persist_state="session",
            width=220,
            placeholder=_("words in the text"),
        )
        or ""
    ).strip()


def marked_points(
    read: Read, indices: np.ndarray, search: str, selected: tuple[int, ...], cloud: str
) -> tuple[int, ...]:
    """Return the points that are set off: those last searched for or last drawn around, whichever came last.

    Before either they are those of the row of the file that every page reads.
    """
    found = _found(read, indices, search)
    before = st.session_state.get(_MARKED, {})
    now = {"cloud": cloud, "search": search, "selected": selected}
    marked = before.get("marked", ())
    if before.get("cloud") != cloud:
        # Another map of the same points keeps what is searched for.
        marked = selected or found or _of_row(read, indices)
    elif before["search"] != search:
        marked = found
    elif before["selected"] != selected:
        marked = selected
    st.session_state[_MARKED] = {**now, "marked": marked}
    return marked


def _found(read: Read, indices: np.ndarray, search: str) -> tuple[int, ...]:
    if not search:
        return ()
    wanted = fold(search)
    inside = [wanted in fold(text) for text in read.embeddings.texts]
    return tuple(int(i) for i, index in enumerate(indices) if inside[read.embeddings.text[index]])


def _of_row(read: Read, indices: np.ndarray) -> tuple[int, ...]:
    """Return the points of the row that was chosen on another page."""
    file = read.collection.file
    row = None if file is None else st.session_state.get(state.FILE_ROW.of(file.key))
    if file is None or not isinstance(row, int) or not 0 <= row < len(file.table.rows):
        return ()
    number = file.table.numbers[row]
    texts = [text for text, other in enumerate(read.collection.origin.numbers) if other == number]
    return tuple(int(i) for i in np.flatnonzero(np.isin(read.embeddings.text[indices], texts)))


def selection_table(read: Read, items: np.ndarray, stem: str, search: str) -> None:
    """Draw the marked items as a table that can be taken away, or a row of it to the Attention page."""
    if not len(items):
        nothing = _("Nothing is selected. Select points with the lasso or box tool, or search, to list them here.")
        missed = _("None of the texts shown contains “{search}”.").format(search=literal(search))
        st.caption(missed if search else nothing)
        return
    table = item_table(read, items)
    st.markdown(
        "**"
        + _n("{count} point selected", "{count} points selected", len(items)).format(count=f"{len(items):,}")
        + "**"
    )
    picked = choose_row(
        table,
        len(items),
        key=f"selected:{stem}:{len(items)}:{int(items.sum())}",
        height=min(38 + 35 * len(items), 320),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            _("Selected rows (CSV)"),
            lambda: as_csv(table),
            f"{stem}-selected.csv",
            "text/csv",
            key="selected_rows",
            on_click="ignore",
            icon=":material/download:",
        )
        if st.button(
            _("Analyse this text on the Attention page"),
            key="to_attention",
            disabled=picked is None,
            icon=":material/arrow_forward:",
            help=_("Choose a row of the table first."),
        ):
            assert picked is not None
            index = int(read.embeddings.text[items[picked]])
            open_row(read.collection.file, read.collection.origin.numbers[index], read.collection.texts[index])
            st.switch_page(page_file("attention"))

"""Text in: typed, an example, or a passage of an uploaded file; one text or a pair."""

import json
from dataclasses import dataclass
from functools import cache as keep_forever
from typing import Any

import streamlit as st

from dashboard import ROOT, data_slot, state
from dashboard.language import _, language
from dashboard.subject import Row
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.file_input import file_input
from dashboard.widgets.typed import typed
from interpret.core.files import SUFFIXES


@dataclass(frozen=True)
class Chosen:
    """The text that is looked at, whether a link can carry it, and which row of a file it is."""

    text: str
    pair: str | None
    shareable: bool
    row: Row | None = None


@keep_forever
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((ROOT / "dashboard/examples/texts.json").read_text("utf-8"))
    return rows


@keep_forever
def examples() -> dict[str, tuple[str, str | None]]:
    """The texts that come with the dashboard, by id; the first is the one that is drawn first."""
    return {row["id"]: (row["text"], row["pair"]) for row in _rows()}


def usual_example(kind: str, code: str = "") -> str:
    """Return the id of the example of a kind in the reader's language, or another; in English where there is none.

    It is English too where no model that reads the reader's language comes with this installation.

    Parameters
    ----------
    kind
        Its id in English.
    code
        The language; the reader's unless given.
    """
    spoken = language() if state.MODEL.default != state.MODEL.usual else "en"
    own = f"{(code or spoken).partition('_')[0]}_{kind}"
    return own if own in examples() else kind


def known_link(text: str, pair: str | None) -> tuple[str, str] | None:
    """Return the two tokens of an example of which one has to look at the other; None for any other text."""
    for row in _rows():
        if (row["text"], row["pair"]) == (text, pair) and "link" in row:
            query, key = row["link"]
            return query, key
    return None


def text_input(kind: str = "coreference", code: str = "") -> Chosen:
    """Draw the input and return what is chosen. What was typed or uploaded stays while another source is used.

    Parameters
    ----------
    kind, code
        The example that stands there before anybody has typed, and in which language: see `usual_example`.
    """
    first = usual_example(kind, code)
    sources = {"typed": _("Type"), "example": _("Examples"), "file": _("File")}
    default = "typed"
    if state.EXAMPLE in st.query_params:
        default = "example"
    elif state.TEXT not in st.query_params and data_slot.files(SUFFIXES):
        default = "file"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        source = segments(_("Text from"), sources, state.SOURCE, default)
        if source == "typed":
            state.seed(state.WITH_PAIR, state.PAIR in st.query_params)
            # As in `typed`: what a reload has set is lost on the next page unless it is told anew.
            st.session_state[state.WITH_PAIR] = st.session_state[state.WITH_PAIR]
            st.toggle(
                _("Second text"), key=state.WITH_PAIR, persist_state="session", help=_("Two texts: segments A and B")
            )
    if source == "example":
        chosen = _from_examples(code)
    elif source == "file":
        text, pair, row = file_input()
        chosen = Chosen(text, pair, False, row)
    else:
        chosen = _typed(first, code)
    state.remember(state.SOURCE, "file" if source == "file" else None)
    if source != "file":
        state.remember(state.FILE_ROW, None)
    if source != "example":
        state.remember(state.EXAMPLE, None)
    if source != "typed" or chosen == Chosen(*examples()[first], True):
        state.remember(state.TEXT, None)
        state.remember(state.PAIR, None)
    if not chosen.shareable and source != "file":
        st.caption(_("This text is not part of the page's address, so a link to this page opens without it."))
    return chosen


def offer_second_text() -> None:
    """Draw a button that makes room for a second text, where texts are typed."""
    if st.session_state[state.SOURCE] == "typed":
        st.button(_("Add a second text"), on_click=_make_room, icon=":material/add:", key="make_room")


def _make_room() -> None:
    st.session_state[state.WITH_PAIR] = True


def _typed(first: str, code: str) -> Chosen:
    first_text = examples()[first][0]
    if state.TEXT not in st.query_params:
        # Nobody typed it: in another language another one stands there.
        st.session_state[state.TEXT] = _in_language(st.session_state.get(state.TEXT, first_text), code)
    state.seed(state.TEXT, first_text)
    two = bool(st.session_state[state.WITH_PAIR])
    *columns, last = st.columns([4, 4, 1.5] if two else [8, 1.5], vertical_alignment="bottom")
    text = typed(
        columns[0].text_area,
        _("Text A") if two else _("Text"),
        state.TEXT,
        height=80,
        help=_(
            "Press Ctrl+Enter or click outside to analyse it. Texts of any length work; long texts are read in windows."
        ),
    )
    pair = None
    if two:
        state.seed(state.PAIR)
        pair = typed(columns[1].text_area, _("Text B"), state.PAIR, height=80)
    last.button(_("Analyse"), key="analyse", type="primary", width="stretch")
    if text == first_text and pair is None:
        return Chosen(text, pair, True)
    # Both or none: a link with half of a pair would show something else.
    shareable = state.fits_in_url(text + (pair or ""))
    state.remember(state.TEXT, text if shareable else None)
    state.remember(state.PAIR, pair if shareable else None)
    return Chosen(text, pair, shareable)


def _in_language(text: str, code: str) -> str:
    """Return for an example's text its sibling's in a language; any other as it is."""
    name = next((name for name, (one, _pair) in examples().items() if one == text), "")
    return examples()[usual_example(name.removeprefix("zh_"), code)][0] if name else text


def _from_examples(code: str) -> Chosen:
    kinds = {
        "coreference": _("Coreference"),
        "short": _("Short"),
        "ambiguous": _("Ambiguous word"),
        "pair": _("Two sentences"),
        "medicine": _("Medicine"),
        "finance": _("Finance"),
        "law": _("Law"),
        "chinese": _("Chinese"),
        "mixed": _("Chinese and English"),
    }
    kind = choose(st.pills, _("Example"), kinds, state.EXAMPLE, required=True, label_visibility="collapsed")
    text, pair = examples()[usual_example(kind, code)]
    st.text(text if pair is None else f"A  {text}\nB  {pair}")
    state.remember(state.EXAMPLE, kind)
    return Chosen(text, pair, True)

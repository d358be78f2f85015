"""Text in: typed, an example, or a passage of an uploaded file; one text or a pair."""

import json
from dataclasses import dataclass
from functools import cache as keep_forever

import streamlit as st

from dashboard import ROOT, cache, state
from dashboard.language import _, literal
from interpret.errors import InputError
from interpret.files import SUFFIXES, Table

_SOURCE, _EXAMPLE, _FILE, _WITH_PAIR = "source", "example", "file", "with_pair"
_SEARCH, _ROW, _COLUMN, _PAIR_COLUMN = "search", "row", "column", "pair_column"
_MOST_LISTED = 200


@dataclass(frozen=True)
class Chosen:
    """The text that is looked at, and whether a link can carry it."""

    text: str
    pair: str | None
    shareable: bool


@keep_forever
def examples() -> dict[str, tuple[str, str | None]]:
    """The texts that come with the dashboard, by id; the first is the one that is drawn first."""
    rows = json.loads((ROOT / "dashboard/examples/texts.json").read_text("utf-8"))
    return {row["id"]: (row["text"], row["pair"]) for row in rows}


def text_input() -> Chosen:
    """Draw the input and return what is chosen. What was typed or uploaded stays while another source is used."""
    sources = {"typed": _("Type"), "example": _("Examples"), "file": _("File")}
    default = "example" if _EXAMPLE in st.query_params else "typed"
    state.seed(_SOURCE, default, sources)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        source = st.segmented_control(
            _("Text from"),
            list(sources),
            format_func=sources.__getitem__,
            key=_SOURCE,
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        if source == "typed":
            state.seed(_WITH_PAIR, state.PAIR in st.query_params)
            st.toggle(_("Second text"), key=_WITH_PAIR, persist_state="session", help=_("Two texts: segments A and B"))
    if source == "example":
        chosen = _from_examples()
    elif source == "file":
        chosen = _from_file()
    else:
        chosen = _typed()
    if source != "example":
        state.remember(_EXAMPLE, None)
    if source != "typed" or chosen == Chosen(*next(iter(examples().values())), True):
        state.remember(state.TEXT, None)
        state.remember(state.PAIR, None)
    if not chosen.shareable:
        st.caption(_("This text is not part of the page's address: a link to this page opens without it."))
    return chosen


def _typed() -> Chosen:
    first_text = next(iter(examples().values()))[0]
    state.seed(state.TEXT, first_text)
    two = bool(st.session_state[_WITH_PAIR])
    *places, last = st.columns([4, 4, 1] if two else [8, 1], vertical_alignment="bottom")
    text = places[0].text_area(
        _("Text A") if two else _("Text"),
        key=state.TEXT,
        height=80,
        persist_state="session",
        help=_(
            "Press Ctrl+Enter, or click outside, to look at it. Text of any length works; long text is read in windows."
        ),
    )
    pair = None
    if two:
        state.seed(state.PAIR, "")
        pair = places[1].text_area(_("Text B"), key=state.PAIR, height=80, persist_state="session")
    last.button(_("Look"), type="primary", width="stretch")
    text = text or ""
    if text == first_text and pair is None:
        return Chosen(text, pair, True)
    # Both or none: a link with half of a pair would show something else.
    shareable = state.fits_in_url(text + (pair or ""))
    state.remember(state.TEXT, text if shareable else None)
    state.remember(state.PAIR, pair if shareable else None)
    return Chosen(text, pair, shareable)


def _from_examples() -> Chosen:
    names = {
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
    state.seed(_EXAMPLE, next(iter(names)), names)
    name = st.pills(
        _("Example"),
        list(names),
        format_func=names.__getitem__,
        key=_EXAMPLE,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    text, pair = examples()[str(name)]
    st.text(text if pair is None else f"A  {text}\nB  {pair}")
    state.remember(_EXAMPLE, str(name))
    return Chosen(text, pair, True)


def _from_file() -> Chosen:
    upload = st.file_uploader(
        _("A file with text: {kinds}").format(kinds=" ".join(SUFFIXES)),
        type=[suffix[1:] for suffix in SUFFIXES],
        key="uploader",
    )
    if upload is not None:
        st.session_state[_FILE] = (upload.name, upload.getvalue())
    if _FILE not in st.session_state:
        raise InputError("No file is chosen yet. Drop one above, or use an example.")
    name, content = st.session_state[_FILE]
    table = cache.table(content, name)
    if upload is None:
        st.caption(_("In use: {name}").format(name=literal(name)))
    column, pair_column = _columns(table)
    row = _row(table, name, column)
    if row is None:
        return Chosen("\n\n".join(values[0] for values in table.rows), None, False)
    values = table.rows[row]
    pair = values[pair_column] if pair_column is not None else None
    return Chosen(values[column], pair, False)


def _columns(table: Table) -> tuple[int, int | None]:
    if len(table.columns) == 1:
        return 0, None
    # The text is most likely what is longest.
    sample = table.rows[:200]
    longest = max(range(len(table.columns)), key=lambda index: sum(len(row[index]) for row in sample))
    none = _("(none)")
    left, right = st.columns(2)
    state.seed(_COLUMN, table.columns[longest], table.columns)
    column = left.selectbox(_("Column with the text"), table.columns, key=_COLUMN)
    others = [none, *(name for name in table.columns if name != column)]
    state.seed(_PAIR_COLUMN, none, others)
    pair = right.selectbox(_("Column with the second text"), others, key=_PAIR_COLUMN)
    return table.columns.index(str(column)), None if pair == none else table.columns.index(str(pair))


def _row(table: Table, name: str, column: int) -> int | None:
    """Let a passage be picked; None stands for the whole of a file of paragraphs."""
    left, right = st.columns([1, 2])
    search = left.text_input(_("Find"), key=_SEARCH, placeholder=_("words in the passage")).casefold()
    found = [index for index, row in enumerate(table.rows) if search in row[column].casefold()]
    if not found:
        raise InputError(
            "No passage of “{name}” holds “{search}”. Search for something else.", name=name, search=search
        )
    whole = name.lower().endswith((".txt", ".md")) and len(table.rows) > 1 and not search
    options = ([-1] if whole else []) + found[:_MOST_LISTED]
    state.seed(_ROW, found[0], options)

    def label(index: int) -> str:
        if index < 0:
            return _("The whole file")
        text = " ".join(table.rows[index][column].split())
        return f"{index + 1}: {text[:90]}{'…' if len(text) > 90 else ''}"

    row = right.selectbox(_("Passage"), options, format_func=label, key=_ROW)
    st.caption(
        _("{name}, {encoding}: {rows} passages, {found} found, {listed} listed.").format(
            name=literal(name),
            encoding=table.encoding.upper(),
            rows=f"{len(table.rows):,}",
            found=f"{len(found):,}",
            listed=min(len(found), _MOST_LISTED),
        )
    )
    return None if row is None or row < 0 else int(row)

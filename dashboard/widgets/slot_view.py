"""The data slot as people see it: in the sidebar, on pages that read a file, and its card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import streamlit as st

from dashboard import data_slot, state
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n, explain, language, literal
from dashboard.numbers import listed
from dashboard.widgets.choices import distinct_labels
from dashboard.widgets.data_table import data_table
from dashboard.widgets.kept_copies import say_where_copies_are
from dashboard.widgets.notices import guarded
from dashboard.widgets.table_caption import table_caption
from dashboard.widgets.uploader import uploader
from interpret.core import tag_files
from interpret.core.column_roles import ROLES
from interpret.core.data_card import DataCard
from interpret.core.encodings import ENCODINGS, encoding_name
from interpret.core.errors import InputError
from interpret.core.file_rows import free_name
from interpret.core.files import SUFFIXES, Table
from interpret.core.sentences import sentence

_NONE = -1
_SUFFIXES = tuple(dict.fromkeys((*SUFFIXES, *tag_files.SUFFIXES)))
# Of an upload that was refused, by the field that it came through.
_REFUSED = "refused_upload"
# Through which field the last one came.
_UPLOADED = "uploaded_through"
_SINGLE = {
    "label": sentence("“{name}” has a single column. A labelled file needs two: the text, and its label."),
    "pair": sentence("“{name}” has a single column. Two are needed: the text, and the one that belongs to it."),
}
_UNKNOWN = {
    "text": sentence("Several columns of “{name}” could hold the text. Choose one above."),
    "label": sentence("It is not clear which column of “{name}” holds the label. Choose one above."),
    "pair": sentence("It is not clear which column of “{name}” holds the second text. Choose one above."),
}
_MOST_CLASSES_LISTED, _ROWS_SHOWN = 12, 5


def role_names() -> dict[str, str]:
    """Return what each role of a column is called."""
    return {
        "text": _("Column with the text"),
        "pair": _("Column with the second text"),
        "label": _("Column with the label"),
        "id": _("Column with the row's id"),
        "time": _("Column with the time"),
        "highlights": _("Column with highlights"),
    }


def sidebar_slot() -> None:
    """Draw the files that were brought, which of them is in use, and the way to its card."""
    available = data_slot.files()
    if not available:
        _upload("sidebar", _("Your data"), _SUFFIXES)
        return
    names = distinct_labels({one.key: one.name for one in available})
    key = "slot_in_use"
    st.session_state[key] = available[0].key
    st.selectbox(_("Your data"), list(names), format_func=lambda one: names[one], key=key, on_change=_use, args=(key,))
    file = available[0]
    guarded(_summary)(file)
    with st.container(horizontal=True, gap="small"):
        if st.button(_("Data card"), key="slot_card", icon=":material/table:", type="tertiary"):
            data_card(file.key)
        # Of a new key it is closed again: what was added is in the slot, and what is below it was hidden.
        adding = f"slot_add:{st.session_state.get('uploads', 0)}"
        more = st.popover(_("Add"), icon=":material/upload_file:", type="tertiary", key=adding)
    with more:
        _upload("more", _("Another file"), _SUFFIXES)


def slot_file(section: str, label: str, suffixes: Sequence[str]) -> SlotFile | None:
    """Return the file in use of the kinds that a page reads; draw a field for one where there is none.

    Parameters
    ----------
    section
        Tells one part of a page that reads a file from another.
    label
        What is wanted in the file; stands over the field.
    """
    available = data_slot.files(suffixes)
    if not available:
        _upload(section, label, suffixes)
        return None
    return available[0]


@overload
def column_of(section: str, file: SlotFile, role: str, required: Literal[True] = True) -> int: ...
@overload
def column_of(section: str, file: SlotFile, role: str, required: bool) -> int | None: ...
def column_of(section: str, file: SlotFile, role: str, required: bool = True) -> int | None:
    """Return the column that has a role in a file; ask where nobody can tell.

    Parameters
    ----------
    required
        Whether the page can do nothing without it. If not, it is asked only where two columns would do, and is None
        until somebody answers.

    Raises
    ------
    InputError
        If it is required and not known yet.
    """
    roles = file.roles
    column: int | None = getattr(roles, role)
    among = roles.doubtful.get(role, ())
    if column is not None or not (required or among):
        return column
    # Of a single column the text can still be asked: somebody may have said that it is something else.
    if len(file.table.columns) == 1 and role in _SINGLE:
        raise InputError(_SINGLE[role], name=file.name)
    _role_box(file, role, section, among)
    if required:
        raise InputError(_UNKNOWN[role], name=file.name)
    return None


def just_uploaded(section: str) -> bool:
    """Tell, once, whether this run of the page follows an upload through a section's field."""
    return bool(st.session_state.pop(_UPLOADED, "") == section)


def second_file(label: str, suffixes: Sequence[str], first: SlotFile) -> SlotFile | None:
    """Return a file beside the one in use, such as a test set; draw a field for it where there is none."""
    available = [one for one in data_slot.files(suffixes) if one.key != first.key]
    if not available:
        _upload("second", label, suffixes, first=False)
        return None
    names = distinct_labels({one.key: one.name for one in available})
    chosen = st.selectbox(label, list(names), format_func=lambda one: names[one], key=f"second:{first.key}")
    return next((one for one in available if one.key == chosen), available[0])


def data_card(key: str) -> None:
    """Draw, before the page, all that is known of a file and what can be chosen about it."""
    # Here, where the reader's language is known.
    st.dialog(_("Data card"), width="large", icon=":material/table:", on_dismiss="rerun")(guarded(_card))(key)


def _card(key: str) -> None:
    file = data_slot.find_file(key)
    if file is None:
        # By the button below, or in another tab: the page behind still shows it.
        st.rerun()
    if file.suffix in SUFFIXES:
        table = file.table
        table_caption(table, file.name)
        _facts(file.card)
        _encoding_box(file)
        boxes = st.columns(3)
        for index, role in enumerate(ROLES):
            with boxes[index % 3]:
                _role_box(file, role, "card", file.roles.doubtful.get(role, ()))
        _classes(file.card)
        data_table(_beginning(table))
    else:
        _encoding_box(file)
    st.caption(
        _n(
            "The file stays in the memory of the machine that runs Bertoscope, for this browser alone: until you "
            "remove it, Bertoscope stops, or it was not used for {hours} hour.",
            "The file stays in the memory of the machine that runs Bertoscope, for this browser alone: until you "
            "remove it, Bertoscope stops, or it was not used for {hours} hours.",
            data_slot.KEPT_HOURS,
        ).format(hours=data_slot.KEPT_HOURS)
    )
    say_where_copies_are(file)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        done = st.button(_("Done"), key="card_done", type="primary")
        st.button(
            _("Remove this file"),
            key="slot_remove",
            icon=":material/delete:",
            type="tertiary",
            on_click=_drop,
            args=(key,),
        )
    if done:
        st.rerun()


def _drop(key: str) -> None:
    """Remove a file, and with it which of its rows is looked at: a row of that number of another file is another."""
    if data_slot.files()[0].key == key:
        state.remember(state.FILE_ROW, None)
    data_slot.drop_file(key)


def _facts(card: DataCard) -> None:
    facts = [
        _n("{count} row", "{count} rows", card.rows).format(count=f"{card.rows:,}"),
        _("repeated texts: {count}").format(count=f"{card.repeated:,}"),
        _("texts with contradicting labels: {count}").format(count=f"{card.contradicting:,}"),
        _("rows without text: {count}").format(count=f"{card.without_text:,}"),
        _("rows without label: {count}").format(count=f"{card.without_label:,}"),
    ]
    if card.classes:
        facts += [
            _n("{count} class", "{count} classes", len(card.classes)).format(count=len(card.classes)),
            _("majority-class baseline: {share}").format(share=f"{card.majority:.1%}"),
        ]
    median, most = card.words[0], card.words[2]
    facts.append(_("words per text: median {median}, most {most}").format(median=median, most=f"{most:,}"))
    st.markdown(" · ".join(facts))


def _classes(card: DataCard) -> None:
    if not card.classes:
        return
    shown = list(card.classes.items())[:_MOST_CLASSES_LISTED]
    more = len(card.classes) - len(shown)
    line = " · ".join(f"{literal(name)} {count:,}" for name, count in shown)
    if more:
        line += " · " + _n("and {count} more class", "and {count} more classes", more).format(count=more)
    st.caption(line)
    if card.alike:
        names = " · ".join(listed(f"“{literal(name)}”" for name in same) for same in card.alike)
        st.warning(
            _(
                "Labels that differ only in case, spaces or the way a number is written are classes of their own: "
                "{names}. If they mean the same, write them alike in the file."
            ).format(names=names),
            icon=":material/label:",
        )


def _beginning(table: Table) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {_("Row"): list(table.numbers[:_ROWS_SHOWN])}
    for index, name in enumerate(table.columns):
        found[free_name(found, name)] = [row[index] for row in table.rows[:_ROWS_SHOWN]]
    return found


def _summary(file: SlotFile) -> None:
    """Say in a line what the file is."""
    if file.suffix not in SUFFIXES:
        return
    roles, columns = file.roles, file.table.columns
    parts = [_n("{count} row", "{count} rows", len(file.table.rows)).format(count=f"{len(file.table.rows):,}")]
    for name, index in ((_("text"), roles.text), (_("label"), roles.label)):
        if index is not None:
            parts.append(f"{name}: {literal(columns[index])}")
    st.caption(" · ".join(parts))


def _upload(section: str, label: str, suffixes: Sequence[str], first: bool = True) -> None:
    """Draw a field for a file; what it refuses it says below, and what was there stays."""
    count = st.session_state.setdefault("uploads", 0)
    key = f"slot:{section}:{count}"

    def take() -> None:
        upload = st.session_state[key]
        st.session_state.pop(_REFUSED, None)
        if upload is None:
            return
        try:
            taken = data_slot.take_file(upload.name, upload.getvalue(), first)
        except InputError as error:
            st.session_state[_REFUSED] = section, error
            return
        # A field of a new key is empty: the file is in the slot, and this one would show it a second time.
        st.session_state["uploads"] = count + 1
        st.session_state[_UPLOADED] = section
        if first and taken.suffix in SUFFIXES:
            state.read_from_file()

    uploader(label, suffixes, key, take)
    refused = st.session_state.get(_REFUSED)
    if refused is not None and refused[0] == section:
        st.warning(explain(refused[1]), icon=":material/error:")


def _use(key: str) -> None:
    data_slot.use_file(st.session_state[key])
    if data_slot.files()[0].suffix in SUFFIXES:
        state.read_from_file()


def _role_box(file: SlotFile, role: str, section: str, among: Sequence[int]) -> None:
    """Draw the choice of the column that has a role; ``among`` would do, and come first."""
    key = f"role:{section}:{file.about}:{role}:{language()}"
    columns = file.table.columns
    order = [*among, *(index for index in range(len(columns)) if index not in among)]
    options = [*order] if role == "text" else [_NONE, *order]
    current = getattr(file.roles, role)
    undecided = current is None and (role in file.roles.doubtful or section != "card")
    st.session_state[key] = current if current is not None else None if undecided else _NONE

    def take() -> None:
        chosen = st.session_state[key]
        data_slot.say_role(file.key, role, None if chosen in (None, _NONE) else chosen)

    st.selectbox(
        role_names()[role],
        options,
        index=None if undecided else 0,
        format_func=lambda one: _("(none)") if one == _NONE else columns[one],
        key=key,
        on_change=take,
        placeholder=_("Choose a column"),
        help=_("Words that people highlighted, separated by semicolons, or character spans such as 3-9; 15-20.")
        if role == "highlights"
        else (_("Several columns would do: choose the one that is meant.") if among else None),
    )


def _encoding_box(file: SlotFile) -> None:
    key = f"encoding:{file.key}:{language()}"
    found = encoding_name(file.table.encoding) if file.suffix in SUFFIXES and not file.encoding else ""
    names = {"": _("found: {encoding}").format(encoding=found) if found else _("found in the file"), **ENCODINGS}
    st.session_state[key] = file.encoding

    def take() -> None:
        st.session_state.pop(_REFUSED, None)
        try:
            data_slot.say_encoding(file.key, st.session_state[key])
        except InputError as error:
            st.session_state[_REFUSED] = "encoding", error

    st.selectbox(_("Encoding"), list(names), format_func=lambda one: names[one], key=key, on_change=take, width=300)
    refused = st.session_state.get(_REFUSED)
    if refused is not None and refused[0] == "encoding":
        st.warning(explain(refused[1]), icon=":material/error:")

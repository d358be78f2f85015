"""A question and a passage in: an example, typed, or a row of a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache as keep_forever

import streamlit as st

from dashboard import ROOT, data_slot, state
from dashboard.language import _
from dashboard.subject import Row
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.file_input import file_input
from dashboard.widgets.typed import typed
from interpret.core.builtin import reader_facts
from interpret.core.errors import InputError
from interpret.core.files import SUFFIXES
from interpret.core.question_files import Questions, read_questions

_SHIPPED = ROOT / "dashboard/examples/questions.json"


@dataclass(frozen=True)
class Given:
    """A question, the passage that is to answer it, and which row of a file it is."""

    question: str
    passage: str
    row: Row | None = None


@keep_forever
def shipped() -> Questions:
    """The questions that come with the dashboard."""
    return read_questions(_SHIPPED.read_bytes(), _SHIPPED.name)


def question_input() -> Given | None:
    """Draw the input; None while a question or a passage is missing, which is said.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    sources = {"example": _("Examples"), "typed": _("Type"), "file": _("File")}
    default = "example"
    if state.QUESTION in st.query_params:
        default = "typed"
    elif state.QUESTION_ID not in st.query_params and _has_passages():
        default = "file"
    source = segments(_("Question from"), sources, state.QUESTION_SOURCE, default)
    state.remember(state.QUESTION_SOURCE, "file" if source == "file" else None)
    if source != "example":
        state.remember(state.QUESTION_ID, None)
    if source != "typed":
        state.remember(state.QUESTION, None)
        state.remember(state.PASSAGE, None)
    if source != "file":
        state.remember(state.FILE_ROW, None)
        return _from_examples() if source == "example" else _typed()
    question, passage, row = file_input()
    if passage is None:
        st.info(
            _(
                "This file has no column with the passage. Choose a file with a question and its passage in each row, "
                "or one in the form of SQuAD."
            )
        )
        return None
    return Given(question, passage, row)


def _has_passages() -> bool:
    """Tell whether the file in use has a second text in each row."""
    files = data_slot.files(SUFFIXES)
    try:
        return bool(files) and files[0].roles.pair is not None
    except InputError:
        return False


def _from_examples() -> Given:
    found = shipped()
    ids = found.columns["id"]
    # None that the shipped head has learned from.
    options = {one: found.questions[ids.index(one)] for one in reader_facts().held_out}
    chosen = choose(st.selectbox, _("Question"), options, state.QUESTION_ID)
    state.publish(state.QUESTION_ID)
    index = ids.index(chosen)
    return Given(found.questions[index], found.passages[index])


def _typed() -> Given | None:
    found = shipped()
    first = found.columns["id"].index(str(state.QUESTION_ID.default))
    state.seed(state.QUESTION, found.questions[first])
    state.seed(state.PASSAGE, found.passages[first])
    left, last = st.columns([8, 1.5], vertical_alignment="bottom")
    question = typed(left.text_input, _("Question"), state.QUESTION)
    last.button(_("Answer"), key="answer", type="primary", width="stretch")
    passage = typed(
        st.text_area,
        _("Passage"),
        state.PASSAGE,
        height=140,
        help=_(
            "Press Ctrl+Enter or click outside to answer. Passages of any length work; long ones are read in windows."
        ),
    )
    # Both or none: a link with half of them would answer something else.
    fits = state.fits_in_url(question + passage)
    state.remember(state.QUESTION, question if fits else None)
    state.remember(state.PASSAGE, passage if fits else None)
    if not fits:
        st.caption(_("This text is not part of the page's address, so a link to this page opens without it."))
    if not question.strip() or not passage.strip():
        st.info(_("Write a question and a passage that answers it."))
        return None
    return Given(question, passage)

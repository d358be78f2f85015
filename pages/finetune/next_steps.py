"""What to do with a model that is trained: explain a mistake, compare, use, take it along, train further."""

from __future__ import annotations

import functools

import streamlit as st

import interpret as it
from dashboard import data_slot, page_file, state
from dashboard.data_slot import SlotFile
from dashboard.language import _
from dashboard.widgets.base_model import start_from
from dashboard.widgets.file_input import open_row
from dashboard.widgets.models import RUN
from dashboard.widgets.run_actions import model_download, use_button
from dashboard.widgets.run_report import run_report
from interpret.core.errors import InputError
from interpret.core.files import SUFFIXES
from interpret.finetuning.request import data_file, file_of_test_data
from interpret.finetuning.run_files import read_bytes


def next_steps(run: it.runs.Run, outcome: it.finetuning.Outcome, mistake: int | None = None) -> None:
    """Draw what can be done next as buttons.

    Parameters
    ----------
    mistake
        The row of the results that the model got wrong with the most confidence; None where there is none.
    """
    if run.model is None:
        return
    st.markdown("##### " + _("Next steps"))
    with st.container(horizontal=True, key="next_steps"):
        if mistake is not None and st.button(
            _("Explain the most confident error"), icon=":material/troubleshoot:", key="next:explain", type="primary"
        ):
            open_in("attributions", run, outcome, mistake)
        st.button(
            _("Compare before and after"),
            icon=":material/compare:",
            key="next:compare",
            on_click=functools.partial(st.session_state.__setitem__, state.STAGE, "inside"),
        )
        use_button(run, "next:use")
        model_download(run, run.model, "next:download")
        if st.button(
            _("Continue training from this run"),
            icon=":material/fork_right:",
            key="next:go_on",
            help=_("Set up a new run that starts from this model."),
        ):
            start_from(run)
    run_report(run)


def open_in(page: str, run: it.runs.Run, outcome: it.finetuning.Outcome, index: int) -> None:
    """Go to another page with a run's model and one of the rows that it was evaluated on.

    Where the reader's data has the run's file, it is that row of it, with its number, label and columns; else its text.
    """
    st.session_state[state.MODEL] = RUN + run.id
    text, pair = outcome.texts[index], outcome.pairs[index] if outcome.pairs else None
    file = _file_of(run) if outcome.words is None else None
    if file is not None and _has(file, outcome.origin.numbers[index], text, pair):
        open_row(file, outcome.origin.numbers[index], text)
    else:
        state.read_text(text, pair)
    st.switch_page(page_file(page))


def _file_of(run: it.runs.Run) -> SlotFile | None:
    """Return the reader's file whose rows a run was evaluated on; None where it is not among theirs."""
    request = run.request
    name, path = request.data, data_file(run.folder, request)
    if request.test_data:
        name, path = request.test_data, file_of_test_data(run.folder, request)
    files = [one for one in data_slot.files(SUFFIXES) if one.name == name]
    content = read_bytes(path) if files else b""
    return next((one for one in files if one.content == content), None)


def _has(file: SlotFile, number: int, text: str, pair: str | None) -> bool:
    """Tell whether a row of a file reads as the page that opens it would read it."""
    try:
        table, roles = file.table, file.roles
    except InputError:
        return False
    if number not in table.numbers or roles.text is None or (roles.pair is None) != (pair is None):
        return False
    values = table.rows[table.numbers.index(number)]
    return values[roles.text].strip() == text.strip() and (
        roles.pair is None or values[roles.pair].strip() == (pair or "").strip()
    )

"""The record of all runs as a table, the newest chosen at first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import streamlit as st

import interpret as it
from dashboard import ownership, page_file, state
from dashboard.language import _, explain
from dashboard.numbers import interval, listed, number
from dashboard.sign_in.session import needs_sign_in
from dashboard.widgets.data_table import data_table
from dashboard.widgets.run_view import state_names
from dashboard.widgets.shares import percent_columns, percents
from interpret.finetuning.facts import beats_baseline, reported_on

# Of the session: the runs that are chosen, by what the record or their folders call them.
_CHOSEN = "runs_chosen"


@dataclass(frozen=True)
class Row:
    """A run in the record and, where this machine has it, its folder."""

    recorded: it.runs.RunRecord
    run: it.runs.Run | None

    @property
    def state(self) -> str:
        """How it is: of its own folder, or else what MLflow says."""
        if self.run is not None:
            return state_names()[self.run.state]
        names = {"FINISHED": "done", "RUNNING": "running", "KILLED": "stopped", "FAILED": "failed"}
        return state_names().get(names.get(self.recorded.status, ""), self.recorded.status)


def _rows() -> list[Row]:
    root = state.runs_folder()
    here = {run.id: run for run in ownership.runs()}
    try:
        recorded = it.runs.read_record(root) if here or root.is_dir() else []
    except it.InputError as error:
        st.warning(explain(error), icon=":material/cloud_off:")
        recorded = []
    rows = []
    everything = ownership.runs_server()
    for one in recorded:
        # Another server's may have the same name.
        run = here.pop(one.run) if one.run in here and here[one.run].record in ("", one.id) else None
        if run is None and not everything:
            # Somebody else's, or one that is not here any more, of whom nobody knows.
            continue
        # The folder knows what the record may have missed.
        finals = _finals(run) if run is not None else {}
        rows.append(Row(replace(one, metrics={**one.metrics, **finals}), run))
    # What is not in the record, or not yet: its own folder says enough.
    unrecorded = [
        Row(
            it.runs.RunRecord("", run.id, run.request.name, "", "", (), run.request.params(), _finals(run), run.queued),
            run,
        )
        for run in here.values()
    ]
    return sorted([*rows, *unrecorded], key=lambda row: row.recorded.begun, reverse=True)


def _finals(run: it.runs.Run) -> dict[str, float]:
    return {f"final_{name}": value for name, value in run.facts.items()}


def runs_table() -> list[Row]:
    """Draw the table, and return the runs that are chosen in it."""
    rows = _rows()
    if not rows:
        st.info(_("No runs yet. Start one on the “Fine-tune” page; it is kept here with its model and its curves."))
        if st.button(_("Go to Fine-tune"), key="to_finetune", icon=":material/model_training:"):
            st.switch_page(page_file("finetune"))
        return []
    query = st.text_input(_("Filter"), key="runs_query", placeholder=_("name, file, model, state, alias …"))
    if query:
        wanted = query.casefold().split()
        rows = [row for row in rows if all(one in _searched(row) for one in wanted)]
    if not rows:
        st.caption(_("No run has all of these words."))
        return []
    names = [row.recorded.id or row.recorded.run for row in rows]
    # A choice is kept by its index, and indices change when runs come and go.
    key = f"runs_table:{hash(tuple(names))}"
    event = data_table(
        _table(rows),
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": _first_chosen(names, key)}},
        key=key,
        column_config={
            **percent_columns(
                _("Accuracy"), _("Macro-F1"), *(title for title, _name, is_share in _scores() if is_share)
            ),
            **{
                title: st.column_config.NumberColumn(format="%.3f")
                for title, _name, is_share in _scores()
                if not is_share
            },
            _("Above the baseline"): st.column_config.TextColumn(
                help=_(
                    "Whether the 95% interval of the accuracy lies above the majority-class baseline on the same "
                    "rows (for R²: above 0, the score of always predicting the mean)."
                )
            ),
            # Numbers, so that a click on the header sorts by them.
            _("Trainable parameters"): st.column_config.NumberColumn(format="%.3g M"),
            _("Started"): st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            _("Time (s)"): st.column_config.NumberColumn(format="%.0f"),
        },
    )
    st.caption(
        _("Select one run to see its details and actions, or several to compare them; click a column header to sort.")
    )
    found = [index for index in event.selection.rows if index < len(rows)]
    st.session_state[_CHOSEN] = [names[index] for index in found]
    return [rows[index] for index in found]


def _first_chosen(names: list[str], key: str) -> list[int]:
    """Return the rows that a table begins with: those that were chosen in the one before, or else the newest."""
    if key not in _begun():
        chosen = st.session_state.get(_CHOSEN, [])
        _begun()[key] = [index for index, name in enumerate(names) if name in chosen] or [0]
    return _begun()[key]


def _begun() -> dict[str, list[int]]:
    # A default that changed while a table is drawn would take its choice away.
    found: dict[str, list[int]] = st.session_state.setdefault("runs_tables", {})
    return found


def _searched(row: Row) -> str:
    one = row.recorded
    return " ".join([one.name, row.state, one.note, *one.aliases, *one.params.values()]).casefold()


def _table(rows: list[Row]) -> dict[str, list[Any]]:
    def finals(name: str) -> list[float | None]:
        return [row.recorded.metrics.get(f"final_{name}") for row in rows]

    return {
        _("Name"): [row.recorded.name for row in rows],
        _("Alias"): [listed(row.recorded.aliases) for row in rows],
        **(_owners(rows) if needs_sign_in() else {}),
        _("State"): [row.state for row in rows],
        _("Accuracy"): percents(finals("accuracy")),
        _("95% interval"): [_interval(row) for row in rows],
        _("Above the baseline"): [_above(row) for row in rows],
        _("Evaluated on"): [reported(row) for row in rows],
        _("Macro-F1"): percents(finals("macro_f1")),
        **{
            title: percents(finals(name)) if is_share else finals(name)
            for title, name, is_share in _scores()
            if any(value is not None for value in finals(name))
        },
        _("Loss"): finals("loss"),
        _("Trainable parameters"): [None if one is None else one / 1e6 for one in finals("trainable")],
        _("Time (s)"): finals("seconds"),
        _("Data"): [row.recorded.params.get("data", "") for row in rows],
        _("Started"): [datetime.fromtimestamp(row.recorded.begun) for row in rows],
        _("Note"): [row.recorded.note for row in rows],
    }


def _owners(rows: list[Row]) -> dict[str, list[Any]]:
    owners = [None if row.run is None else ownership.owner_of(row.run.folder) for row in rows]
    return {
        _("Owner"): ["" if row.run is None else ownership.owner_name(row.run.folder) for row in rows],
        _("Shared"): [owner is not None and owner.shared for owner in owners],
    }


def _scores() -> list[tuple[str, str, bool]]:
    """Return what runs may be reported with beside an accuracy: its title, its name, and whether it is a share."""
    others = [one for one in it.finetuning.list_objectives().values() if one.fact != "accuracy"]
    return [
        (_("Entity F1"), "entity_f1", True),
        *((_(one.score_label), one.fact, one.score_is_share) for one in others),
    ]


def facts_of(row: Row) -> dict[str, float]:
    """Return a run's final numbers, as it is listed with."""
    begin = "final_"
    return {name[len(begin) :]: value for name, value in row.recorded.metrics.items() if name.startswith(begin)}


def _interval(row: Row) -> str:
    facts = facts_of(row)
    if "low" not in facts:
        return ""
    return interval((facts["low"], facts["high"]), ".2f" if "r2" in facts else ".1%")


def _above(row: Row) -> str:
    return above_baseline(beats_baseline(facts_of(row)))


def above_baseline(above: bool | None) -> str:
    """Say whether a run is shown to be above its baseline; nothing where that is not known."""
    return "" if above is None else _("yes") if above else _("no evidence")


def reported(row: Row) -> str:
    """Say whether the rows that a run is reported on chose its epoch."""
    facts = facts_of(row)
    if not facts:
        return ""
    chooses = row.recorded.params.get("patience", "0") != "0"
    if reported_on(facts, chooses) == "test":
        return _("test set")
    honest = facts.get("honest")
    if honest is None:
        return _("validation set (it chose the epoch)")
    form = ".3f" if "r2" in facts else ".1%"
    return _("validation set (it chose the epoch); with other rows choosing: {score}").format(
        score=number(honest, form)
    )

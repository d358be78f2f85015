"""What to change where there is no room: each way with what it takes, what it costs, and whether it is the same."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import interpret as it
from dashboard.language import _
from dashboard.numbers import number
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from interpret.core.units import gigabytes
from interpret.resources.facts import change_facts
from interpret.resources.workload import Workload
from pages.resources.figures import memory_bars
from pages.resources.planned import Planned, fits_names


@guarded
def changes(planned: Planned) -> None:
    """The cheapest change that fits, and all others beside it."""

    def work(progress: Progress) -> tuple[it.resources.Change, ...]:
        return it.resources.cheaper(planned.shape.config, planned.work, progress, planned.predict)

    found: tuple[it.resources.Change, ...] | None = long_work(
        "resource_changes", planned.about, _("Count other ways"), work, {"changes": _("ways")}, auto=True, keep=8
    )
    if found is None:
        return
    _say_cheapest(planned, found)
    names = change_names(planned.work)
    order = [found[0], *sorted(found[1:], key=lambda one: one.prediction.peak)]
    st.plotly_chart(
        memory_bars(
            [names[one.name] for one in order],
            [one.prediction for one in order],
            planned.calibration,
            (planned.beside_name, planned.beside),
            (planned.room_name, planned.room),
            _("way"),
            lying=True,
        ),
        key="changes",
    )
    table = _columns(planned, order)
    data_table(table, key="changes_table", height=35 * (len(order) + 1) + 3)
    st.caption(
        _(
            "“Same result” leaves rounding and the chance of dropout aside. The arithmetic is that of one step on all "
            "of the batch, however it is divided."
        )
    )
    stem = planned.stem("changes")
    export_bar(
        [
            Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(table), _("A row for each way")),
            Download(
                "JSON",
                f"{stem}.json",
                "application/json",
                lambda: as_json([change_facts(one, planned.calibration) for one in order]),
                _("All numbers of this tab"),
            ),
        ],
        lines=planned.python(
            "ways = it.resources.cheaper(config, work)", "[(one.name, one.prediction.peak) for one in ways]"
        ),
    )


def change_names(work: Workload) -> dict[str, str]:
    """Name the ways to do some work for the reader."""
    return {
        "as it is": _("as it is"),
        "flash": _("attention in tiles"),
        "bfloat16": "bfloat16",
        "checkpointing": _("gradient checkpointing"),
        "smaller steps": _("batches of {batch}, gradients added up").format(batch=work.batch // 2)
        if work.training
        else _("batches of {batch}").format(batch=work.batch // 2),
        "lora": _("LoRA (rank 8)"),
        "lower half frozen": _("lower half frozen"),
        "shorter": _("texts cut at length {length}").format(length=(work.length + 1) // 2),
        "several": _("all that change no result"),
    }


def _say_cheapest(planned: Planned, found: Sequence[it.resources.Change]) -> None:
    names = change_names(planned.work)
    if planned.fits(found[0].prediction) == "yes":
        st.success(_("It fits as it is: nothing has to be changed."), icon=":material/check_circle:")
        return
    fitting = [one for one in found[1:] if planned.fits(one.prediction) == "yes"]
    if not fitting:
        st.warning(
            _(
                "Of none of these ways does the whole range fit. Choose a smaller batch or shorter texts, or another "
                "device."
            ),
            icon=":material/memory:",
        )
        return
    # First what changes no result, and of that what takes the least arithmetic.
    best = min(fitting, key=lambda one: (not one.same, one.operations))
    low, _usual, high = (one + planned.beside for one in planned.calibration.memory(best.prediction))
    said = (
        _("The cheapest change that fits: **{name}**. It takes {low} to {high} GB and {times} × the arithmetic.")
        if best.same
        else _(
            "The cheapest change that fits: **{name}**. It takes {low} to {high} GB and {times} × the arithmetic, and "
            "gives another model."
        )
    )
    st.info(
        said.format(
            name=names[best.name],
            low=gigabytes(int(low)),
            high=gigabytes(int(high)),
            times=number(best.operations / found[0].operations, ".2f"),
        ),
        icon=":material/lightbulb:",
    )


def _columns(planned: Planned, order: Sequence[it.resources.Change]) -> dict[str, list[str]]:
    names, fits = change_names(planned.work), fits_names()
    before = order[0].operations
    memory = [planned.calibration.memory(one.prediction) for one in order]
    return {
        _("Way"): [names[one.name] for one in order],
        _("Memory (GB)"): [gigabytes(int(usual + planned.beside)) for _low, usual, _high in memory],
        _("Range (GB)"): [
            _("{low} to {high}").format(
                low=gigabytes(int(low + planned.beside)), high=gigabytes(int(high + planned.beside))
            )
            for low, _usual, high in memory
        ],
        _("Room"): [fits[planned.fits(one.prediction)] for one in order],
        _("Arithmetic"): [f"{number(one.operations / before, '.2f')} ×" for one in order],
        _("Same result"): [_("yes") if one.same else _("no") for one in order],
    }

"""Work that is done on this machine in processes of their own, beside what was counted; it corrects what is said."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

import interpret as it
from dashboard.language import _, _n
from dashboard.numbers import duration, number
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from interpret.core.units import gigabytes
from interpret.resources.facts import point_columns
from interpret.resources.workload import Workload
from pages.resources.figures import measured_points
from pages.resources.planned import Planned

# Two at once would each take the memory that the other was told is free, and half of its time.
_alone = threading.Lock()
# Seconds between two looks whether it is free.
_LOOK = 0.2
# A point counts for as much of the bar, however long it takes.
_PARTS = 100
# Seconds that a point takes beyond its steps: a process starts.
_START = 8.0


@guarded
def measured(planned: Planned) -> None:
    """A button that measures, and all that was measured on this device."""
    st.markdown(
        _(
            "A process of its own does the work with random weights, which take as much memory and time as trained "
            "ones, and ends. What was measured is kept for this device, and makes the ranges on the other tabs. "
            "Whoever computes meanwhile makes its times longer."
        )
    )
    works = points_of(planned.work)
    names = ", ".join(f"{one.batch} × {one.length}" for one in works)
    st.caption(
        _n("{count} point is measured: {names}.", "{count} points are measured: {names}.", len(works)).format(
            count=len(works), names=names
        )
    )

    def work(progress: Progress) -> int:
        return _measure(planned, works, progress)

    before = len(planned.points)
    long_work("resource_measured", planned.about, _("Measure now"), work, {"point": _("points")}, percent=True)
    points = it.resources.kept_points(it.resources.measurements_folder(), planned.device.name)
    if not points:
        st.info(
            _("Nothing was measured on this device yet. The ranges on the other tabs are from another machine."),
            icon=":material/straighten:",
        )
        return
    if len(points) != before:
        # The other tabs' ranges, and this one's, are of what was known before.
        st.rerun()
    _results(planned, points)


def points_of(work: Workload) -> tuple[Workload, ...]:
    """Return what is measured for some work: itself, half its batch, and half its length."""
    found = [work]
    if work.batch > 1:
        found.append(replace(work, batch=work.batch // 2))
    if work.length > 16:
        found.append(replace(work, length=work.length // 2))
    return tuple(found)


def _measure(planned: Planned, works: Sequence[Workload], progress: Progress) -> int:
    total = _PARTS * len(works)
    while not _alone.acquire(timeout=_LOOK):
        progress(0, 0, "point")
    try:
        # The smallest first: it says soonest how fast this device is.
        for index, work in enumerate(sorted(works, key=lambda one: one.tokens)):
            predicted = planned.shape.predict(work)
            expected = planned.calibration.seconds(predicted)
            patience = _START + 3 * (expected[1] if expected else 10.0)

            def say(spent: float, index: int = index, patience: float = patience) -> None:
                progress(_PARTS * index + int(_PARTS * spent / (spent + patience)), total, "point")

            say(0.0)
            found = it.resources.measure(planned.shape.config, work, planned.device.name, progress=say)
            point = it.resources.make_point(planned.shape.config, predicted, found, planned.shape.name)
            # What is stopped or fails later has kept what it has.
            it.resources.keep_point(it.resources.measurements_folder(), point)
    finally:
        _alone.release()
    return len(works)


def _results(planned: Planned, points: Sequence[it.resources.Point]) -> None:
    wanted = set(points_of(planned.work))
    chosen = {index: one.work in wanted and one.shape == planned.shape.about for index, one in enumerate(points)}
    calibration = it.resources.calibrate(points, planned.device.name, planned.work)
    expected = [
        it.resources.calibrate(points, planned.device.name, one.work).expected(one.counted, one.weights)
        for one in points
    ]
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.plotly_chart(measured_points(points, expected, chosen), key="measured_points")
    order = sorted(range(len(points)), key=lambda index: (not chosen[index], -points[index].made))
    with right:
        data_table(
            {
                _("Model"): [points[i].model for i in order],
                _("Batch × length"): [f"{points[i].work.batch} × {points[i].work.length}" for i in order],
                _("Work"): [_work_name(points[i].work) for i in order],
                _("Counted (GB)"): [gigabytes(points[i].counted) for i in order],
                _("Measured (GB)"): [gigabytes(points[i].taken) for i in order],
                _("Difference"): [number(points[i].taken / max(1, points[i].counted) - 1, "+.0%") for i in order],
                _("Expected (GB)"): [
                    _("{low} to {high}").format(low=gigabytes(int(expected[i][0])), high=gigabytes(int(expected[i][2])))
                    for i in order
                ],
                _("Seconds"): [duration(points[i].typical) for i in order],
                _("GFLOP/s"): [f"{points[i].speed / 1e9:,.0f}" for i in order],
            },
            key="measured_table",
        )
    _say_kept(calibration, planned)
    stem = planned.stem("measured")
    export_bar(
        [
            Download(
                "CSV", f"{stem}.csv", "text/csv", lambda: as_csv(point_columns(points)), _("A row for each point")
            ),
            Download(
                "JSON",
                f"{stem}.json",
                "application/json",
                lambda: as_json({name: list(values) for name, values in point_columns(points).items()}),
                _("All numbers of this tab"),
            ),
        ],
        lines=planned.python(
            "found = it.resources.measure(config, work)",
            "found.peak, found.typical, it.resources.predict(config, work).peak",
        ),
    )


def _work_name(work: Workload) -> str:
    name = _("answering")
    if work.training:
        name = _("LoRA") if work.lora_rank else _("training, partly frozen") if work.frozen else _("training")
    return f"{name}, {work.kernel}"


def _say_kept(calibration: it.resources.Calibration, planned: Planned) -> None:
    if not calibration.count:
        st.caption(_("Of work like the one above nothing was measured yet."))
        return
    low, usual, high = calibration.kept
    whole = (
        _(
            "Of what comes and goes while a model trains, the process keeps {usual} beside what is alive ({low} to "
            "{high}): memory that it has freed, and that the C library holds on to."
        )
        if planned.work.training
        else _(
            "Of what comes and goes while a model answers, the process keeps {usual} beside what is alive ({low} to "
            "{high}): memory that it has freed, and that the C library holds on to."
        )
    )
    source = _n("Made of {count} measurement.", "Made of {count} measurements.", calibration.count)
    st.caption(
        whole.format(usual=number(usual, ".0%"), low=number(low, ".0%"), high=number(high, ".0%"))
        + " "
        + source.format(count=calibration.count)
    )

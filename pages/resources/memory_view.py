"""The memory of the work at hand by part, whether it fits, its time and energy; and both over lengths and batches."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, _n
from dashboard.numbers import duration, interval, number, sentences
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from interpret.core.units import gigabytes
from interpret.resources.facts import curve_facts, prediction_facts
from interpret.resources.fitting import most_texts
from pages.resources.figures import memory_bars, part_names
from pages.resources.planned import Planned, fits_names

# Of a small computer's processor at work. Who has a meter, or a card's data sheet, knows better.
_USUAL_WATTS, _MOST_WATTS = 65, 2000
_A_THOUSAND = 1000


@guarded
def memory(planned: Planned) -> None:
    """What it takes in numbers, part by part, and over lengths and batches."""
    predicted = planned.prediction
    _metrics(planned, predicted)
    _notes(planned, predicted)
    left, right = st.columns([5, 2], gap="large")
    with left:
        name = f"{planned.work.batch} × {planned.work.length}"
        beside, room = (planned.beside_name, planned.beside), (planned.room_name, planned.room)
        axis = _("batch × tokens")
        st.plotly_chart(
            memory_bars([name], [predicted], planned.calibration, beside, room, axis, lying=True), key="by_part"
        )
    with right:
        _table(predicted)
    curves = _curves(planned)
    if curves is not None:
        _downloads(planned, predicted, curves)


def _metrics(planned: Planned, predicted: it.resources.Prediction) -> None:
    low, usual, high = (one + planned.beside for one in planned.calibration.memory(predicted))
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            _("Memory"),
            f"{gigabytes(int(usual))} GB",
            interval((low / 1e9, high / 1e9), ".2f"),
            delta_color="off",
            delta_arrow="off",
            width="content",
            help=_(
                "Counted from the model's own code, without running it, with what the allocator keeps and what the "
                "process takes; the range says where a measurement is expected."
            ),
        )
        st.metric(
            fits_names()[planned.fits(predicted)].capitalize(),
            f"{planned.room / 1e9:.1f} GB",
            planned.room_name.partition(":")[0],
            delta_color="off",
            delta_arrow="off",
            width="content",
        )
        _batch_metric(planned)
        _time_metrics(planned, predicted)


def _batch_metric(planned: Planned) -> None:
    st.metric(
        _("Largest batch"),
        _largest(planned),
        _("the whole range fits"),
        delta_color="off",
        delta_arrow="off",
        width="content",
        help=_("With the upper end of the range, and at this length. 0: not even one text fits."),
    )


def _largest(planned: Planned) -> str:
    with st.spinner(_("Looking for the largest batch …")):
        found = it.resources.largest_batch(
            planned.shape.config, planned.work, planned.room - planned.beside, planned.calibration, planned.predict
        )
    # No larger one was looked at.
    return f"≥ {found:,}" if found == most_texts(planned.work) else f"{found:,}"


def _time_metrics(planned: Planned, predicted: it.resources.Prediction) -> None:
    seconds = planned.calibration.seconds(predicted)
    if seconds is None:
        st.metric(
            _("Arithmetic"),
            f"{number(predicted.operations / 1e12, '.3g')} TFLOP",
            _("per step") if planned.work.training else _("per batch"),
            delta_color="off",
            delta_arrow="off",
            width="content",
            help=_("A time is said for this machine's device, whose speed can be measured."),
        )
        return
    low, usual, high = seconds
    st.metric(
        _("Time per step") if planned.work.training else _("Time per batch"),
        duration(usual),
        _("{low} to {high}").format(low=duration(low), high=duration(high)),
        delta_color="off",
        delta_arrow="off",
        width="content",
        help=_("{flops} TFLOP, at the speed of this device.").format(flops=number(predicted.operations / 1e12, ".3g")),
    )
    texts = _A_THOUSAND / planned.work.batch
    watts = int(st.session_state.get(state.WATTS) or _USUAL_WATTS)
    st.metric(
        _("1,000 texts"),
        duration(texts * usual),
        _("{energy} Wh at {watts} W").format(energy=number(texts * usual * watts / 3600, ".3g"), watts=watts),
        delta_color="off",
        delta_arrow="off",
        width="content",
        help=_("Time, and the energy that it takes if the device draws that much power for all of it."),
    )
    state.seed(state.WATTS, _USUAL_WATTS)
    st.number_input(_("Power (W)"), 1, _MOST_WATTS, key=state.WATTS, persist_state="session", width=130)


def _notes(planned: Planned, predicted: it.resources.Prediction) -> None:
    """Say how sure it is, and what a reader of articles would not expect."""
    calibration = planned.calibration
    if planned.other:
        source = _(
            "Counted with a processor's kernels; nothing of it was measured on a card by us, and the range is a guess."
        )
    elif calibration.count:
        source = _n(
            "The range is made of {count} measurement on this device: see “Measured here”.",
            "The range is made of {count} measurements on this device: see “Measured here”.",
            calibration.count,
        ).format(count=calibration.count)
    else:
        source = _("The range is made of measurements on another machine. “Measured here” corrects it for this one.")
    said = [source]
    share = predicted.parts["attention"] / predicted.peak
    work = planned.work
    if work.kernel == "sdpa" and work.training and share > 0 and not planned.on_a_card:
        said.append(
            _(
                "While attention has dropout, PyTorch computes all length × length weights on a processor: SDPA takes "
                "as much here as eager."
            )
        )
    elif share > 0:
        said.append(
            _("Attention weights, which grow with the square of the length, are {share} of it.").format(
                share=f"{share:.0%}"
            )
        )
    st.caption(sentences(*said))


def _table(predicted: it.resources.Prediction) -> None:
    sizes = {said: predicted.parts[name] for name, said in part_names().items() if predicted.parts[name]}
    sizes[_("counted together")] = predicted.peak
    data_table(
        {_("Part"): list(sizes), _("MB"): [f"{one / 1e6:,.1f}" for one in sizes.values()]},
        key="part_table",
        height=35 * (len(sizes) + 1) + 3,
    )


def _curves(planned: Planned) -> tuple[it.resources.Curve, it.resources.Curve] | None:
    def work(progress: Progress) -> tuple[it.resources.Curve, it.resources.Curve]:
        config, predict = planned.shape.config, planned.predict
        return (
            it.resources.predict_curve(config, planned.work, "length", progress=progress, predict=predict),
            it.resources.predict_curve(config, planned.work, "batch", progress=progress, predict=predict),
        )

    stages = {"length": _("over lengths"), "batch": _("over batches")}
    found: tuple[it.resources.Curve, it.resources.Curve] | None = long_work(
        "resource_curves", planned.about, _("Count over lengths and batches"), work, stages, auto=True, keep=8
    )
    if found is None:
        return None
    titles = _("Over the length"), _("Over the batch size")
    axes = _("tokens per text"), _("texts per batch")
    for column, curve, title, axis in zip(st.columns(2, gap="large"), found, titles, axes, strict=True):
        with column:
            st.subheader(title)
            st.plotly_chart(
                memory_bars(
                    [f"{one:,}" for one in curve.values],
                    curve.predictions,
                    planned.calibration,
                    (planned.beside_name, planned.beside),
                    (planned.room_name, planned.room),
                    axis,
                ),
                key=f"over_{curve.over}",
            )
            _exponent(curve)
    return found


def _exponent(curve: it.resources.Curve) -> None:
    if not curve.exponent > 0:
        return
    values = curve.values
    words = {
        "length": _(
            "Between lengths {first} and {last}, what comes with the texts grows with the length to the power of "
            "{power} (R² {fit}): 1 is in proportion, 2 is with the square."
        ),
        "batch": _(
            "Between batch sizes {first} and {last}, what comes with the texts grows with the batch to the power of "
            "{power} (R² {fit})."
        ),
    }
    st.caption(
        words[curve.over].format(
            first=f"{values[0]:,}",
            last=f"{values[-1]:,}",
            power=number(curve.exponent, ".2f"),
            fit=number(curve.fit, ".4f"),
        )
    )


def _downloads(
    planned: Planned,
    predicted: it.resources.Prediction,
    curves: tuple[it.resources.Curve, it.resources.Curve],
) -> None:
    every = [(curve.over, one) for curve in curves for one in curve.predictions]

    def columns() -> dict[str, list[object]]:
        return {
            "over": [over for over, _one in every],
            "batch": [one.work.batch for _over, one in every],
            "length": [one.work.length for _over, one in every],
            **{f"{name}_bytes": [one.parts[name] for _over, one in every] for name in predicted.parts},
            "peak_bytes": [one.peak for _over, one in every],
            "process_bytes": [round(planned.calibration.memory(one)[1]) for _over, one in every],
            "operations": [one.operations for _over, one in every],
        }

    def facts() -> dict[str, object]:
        return {
            "model": planned.shape.title,
            "device": planned.room_name if planned.other else planned.device.description,
            **prediction_facts(predicted, planned.calibration),
            "curves": [curve_facts(one, planned.calibration) for one in curves],
        }

    stem = planned.stem("memory")
    export_bar(
        [
            Download(
                "CSV", f"{stem}.csv", "text/csv", lambda: as_csv(columns()), _("A row for each length and each batch")
            ),
            Download(
                "JSON", f"{stem}.json", "application/json", lambda: as_json(facts()), _("All numbers of this tab")
            ),
        ],
        lines=planned.python(
            "predicted = it.resources.predict(config, work)",
            'over_lengths = it.resources.predict_curve(config, work, "length")',
            'over_batches = it.resources.predict_curve(config, work, "batch")',
            "predicted.parts, predicted.peak, over_lengths.exponent, over_batches.exponent",
        ),
    )

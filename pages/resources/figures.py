"""Memory by part, over lengths and batches, and beside what was measured, as Plotly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from dashboard.figures import shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.resources.calibration import Calibration, Point, Range
    from interpret.resources.prediction import Prediction

_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
# Alike for parts that stay, and for those that come with the texts, on light and on dark.
_COLOURS = {
    "weights": "#4c78a8",
    "gradients": "#72a0cf",
    "optimizer": "#a9c8e8",
    "attention": "#e4572e",
    "activations": "#f2a65a",
    "logits": "#c9a227",
    "kept": "#9aa0a6",
    "beside": "#c4c7cb",
}
_INK, _LIMIT = "#80868b", "#d93025"
_GB = 1e9


def part_names() -> dict[str, str]:
    """Name the parts of memory for the reader."""
    return {
        "weights": _("weights"),
        "gradients": _("gradients"),
        "optimizer": _("optimizer (AdamW)"),
        "attention": _("attention weights"),
        "activations": _("other activations"),
        "logits": _("logits"),
    }


def memory_bars(
    labels: Sequence[str],
    predictions: Sequence[Prediction],
    calibration: Calibration,
    beside: tuple[str, float],
    room: tuple[str, float],
    title: str,
    *,
    lying: bool = False,
) -> go.Figure:
    """Draw what each prediction takes, stacked, with the interval of the whole, and the device's memory as a line.

    Parameters
    ----------
    labels
        What stands below each bar.
    beside
        What the process or a context is called, and its bytes.
    room
        What the device's memory is called, and its bytes.
    title
        Of the axis of labels.
    lying
        Whether bars lie.
    """
    figure = go.Figure()
    # What lies along the bars, and across them.
    along, over = ("x", "y") if lying else ("y", "x")
    across = [shown(one) for one in labels]
    for name, said in part_names().items():
        _stack(figure, across, [one.parts[name] for one in predictions], said, _COLOURS[name], lying)
    taken = [calibration.memory(one) for one in predictions]
    _stack(
        figure,
        across,
        [usual - one.peak for (_low, usual, _high), one in zip(taken, predictions, strict=True)],
        _("kept by the allocator"),
        _COLOURS["kept"],
        lying,
    )
    _stack(figure, across, [beside[1]] * len(across), beside[0], _COLOURS["beside"], lying)
    whole = [usual + beside[1] for _low, usual, _high in taken]
    figure.add_scatter(
        mode="markers",
        marker={"size": 5, "color": _INK},
        name=_("together, with its interval"),
        hovertemplate=f"%{{{over}}}: %{{{along}:.2f}} GB<extra>" + _("together, with its interval") + "</extra>",
        **{
            over: across,
            along: [one / _GB for one in whole],
            f"error_{along}": {
                "array": [(high - usual) / _GB for _low, usual, high in taken],
                "arrayminus": [(usual - low) / _GB for low, usual, _high in taken],
                "thickness": 1.5,
                "width": 5,
                "color": _INK,
            },
        },
    )
    # A line that is far above all would leave nothing to see below it.
    if room[1] < 3 * max(high + beside[1] for _low, _usual, high in taken):
        _draw_room(figure, room, lying)
    _lay_out(figure, title, len(across), lying)
    return figure


def _draw_room(figure: go.Figure, room: tuple[str, float], lying: bool) -> None:
    line: dict[str, Any] = {"dash": "dash", "width": 1.5, "color": _LIMIT}
    words: dict[str, Any] = {"text": shown(room[0]), "font": {"color": _LIMIT}}
    if lying:
        figure.add_vline(x=room[1] / _GB, line=line, annotation=words, annotation_position="bottom left")
    else:
        figure.add_hline(y=room[1] / _GB, line=line, annotation=words, annotation_position="top left")


def _lay_out(figure: go.Figure, title: str, count: int, lying: bool) -> None:
    height, above = (130 + (36 if count > 1 else 60) * count, 90) if lying else (330, 90)
    figure.update_layout(
        barmode="stack",
        height=height + above,
        margin={"t": above, "b": 10, "r": 20},
        legend=_LEGEND,
        bargap=0.35,
    )
    values: dict[str, Any] = {"title": _("memory (GB)"), "rangemode": "tozero"}
    names: dict[str, Any] = {"title": title, "type": "category"}
    if lying:
        names["autorange"] = "reversed"
    figure.update_xaxes(values if lying else names)
    figure.update_yaxes(names if lying else values)


def _stack(
    figure: go.Figure, across: Sequence[str], sizes: Sequence[float], name: str, colour: str, lying: bool
) -> None:
    if not any(sizes):
        return
    names, values = list(across), [one / _GB for one in sizes]
    figure.add_bar(
        x=values if lying else names,
        y=names if lying else values,
        orientation="h" if lying else "v",
        name=name,
        marker={"color": colour},
        hovertemplate=("%{y}: %{x:.3f} GB<extra>" if lying else "%{x}: %{y:.3f} GB<extra>") + name + "</extra>",
    )


def measured_points(points: Sequence[Point], expected: Sequence[Range], chosen: Mapping[int, bool]) -> go.Figure:
    """Draw what was measured over what was expected, with the line on which both are equal.

    Parameters
    ----------
    expected
        For each point the interval and the usual bytes.
    chosen
        Which points are of the work at hand.
    """
    figure = go.Figure()
    most = max(max(one.taken, ends[2]) for one, ends in zip(points, expected, strict=True)) / _GB
    figure.add_scatter(
        x=[0, most],
        y=[0, most],
        mode="lines",
        line={"dash": "dot", "width": 1, "color": _INK},
        name=_("measured = expected"),
        hoverinfo="skip",
    )
    for learns, name in ((False, _("answering")), (True, _("training"))):
        some = [(index, one) for index, one in enumerate(points) if one.work.training == learns]
        if some:
            figure.add_scatter(
                x=[expected[index][1] / _GB for index, _one in some],
                error_x={
                    "array": [(expected[index][2] - expected[index][1]) / _GB for index, _one in some],
                    "arrayminus": [(expected[index][1] - expected[index][0]) / _GB for index, _one in some],
                    "thickness": 1,
                    "width": 3,
                },
                y=[one.taken / _GB for _index, one in some],
                mode="markers",
                marker={
                    "size": [13 if chosen[index] else 8 for index, _one in some],
                    "color": _COLOURS["attention"] if learns else _COLOURS["weights"],
                    "symbol": "diamond" if learns else "circle",
                },
                text=[
                    shown(f"{one.model} · {one.work.batch} × {one.work.length} · {one.work.kernel}")
                    for _index, one in some
                ],
                name=name,
                hovertemplate="%{text}<br>"
                + _("expected {one} GB, measured {other} GB").format(one="%{x:.2f}", other="%{y:.2f}")
                + "<extra></extra>",
            )
    figure.update_layout(height=380, margin={"t": 50, "b": 10, "r": 10}, legend=_LEGEND)
    figure.update_xaxes(title=_("expected (GB)"), rangemode="tozero")
    figure.update_yaxes(title=_("measured (GB)"), rangemode="tozero")
    return figure

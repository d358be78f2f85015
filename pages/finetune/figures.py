"""What a fine-tune changed inside the model, as Plotly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float32
from plotly.subplots import make_subplots

from dashboard.figures import hidden_state_names, numbered, shown
from dashboard.figures.finetuning import LEGEND, MARGIN, TRAINING, epoch_axis, sequential
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.finetuning.metrics_log import MetricsLog

# Tokens whose names still find room beside a map.
_MOST_LABELS = 32
# Columns of a map whose numbers are written into it.
_MOST_WRITTEN = 10


def moved_map(metrics: MetricsLog, names: Sequence[str]) -> go.Figure:
    """Draw how far each layer group's weights had come at each time of judging, in per cent of what they were."""
    layer_groups = list(metrics.layer_groups)
    values = np.array([[one["moved"].get(name, np.nan) for one in metrics.evaluations] for name in layer_groups]) * 100
    powers = np.log10(np.where(values > 0, values, np.nan))
    figure = go.Figure(
        go.Heatmap(
            x=[f"{one['epoch']:.3g}" for one in metrics.evaluations],
            y=[shown(name) for name in names],
            z=powers,
            customdata=values,
            hovertemplate=_("{layer}, epoch {number}: {share}").format(
                layer="%{y}", number="%{x}", share="%{customdata:.3f}%"
            )
            + "<extra></extra>",
            hoverongaps=False,
            coloraxis="coloraxis",
        )
    )
    if len(metrics.evaluations) <= _MOST_WRITTEN:
        texts = [["" if np.isnan(one) else f"{one:.2f}%" for one in row] for row in values]
        figure.update_traces(text=texts, texttemplate="%{text}")
    return figure.update_layout(
        height=110 + 24 * len(names),
        margin=MARGIN,
        coloraxis=sequential(_("change"), powers, **_ticks(powers)),
        xaxis={"title": _("epoch"), "type": "category"},
        yaxis={"title": _("layer"), "type": "category"},
    )


def _ticks(powers: np.ndarray) -> dict[str, Any]:
    """Return the names of a scale of colours of powers of ten: per cents."""
    known = powers[np.isfinite(powers)]
    ticks = np.linspace(known.min(), known.max(), 4) if known.size else np.array([])
    return {"tickvals": ticks.tolist(), "ticktext": [f"{10**one:.2g}%" for one in ticks]}


def drift_map(drift: np.ndarray) -> go.Figure:
    """Draw how far each head's attention has moved."""
    layers, heads = drift.shape
    figure = go.Figure(
        go.Heatmap(
            x=[str(head) for head in range(heads)],
            y=[str(layer) for layer in range(layers)],
            z=drift,
            coloraxis="coloraxis",
            hovertemplate=_("layer {layer}, head {head}: {bits} bits").format(
                layer="%{y}", head="%{x}", bits="%{z:.3f}"
            )
            + "<extra></extra>",
        )
    )
    return figure.update_layout(
        height=110 + 26 * layers,
        margin=MARGIN,
        coloraxis=sequential(_("bits"), drift) | {"cmin": 0},
        xaxis={"title": _("attention head"), "type": "category"},
        # As in all maps of heads: the first layer on top.
        yaxis={"title": _("layer"), "type": "category", "autorange": "reversed"},
    )


def attention_maps(
    before: Float32[np.ndarray, "query key"],
    after: Float32[np.ndarray, "query key"],
    tokens: Sequence[str],
    names: tuple[str, str, str],
) -> tuple[go.Figure, go.Figure, go.Figure]:
    """Draw one head's attention before and after on one scale, and what changed, to stand side by side."""
    most = float(max(before.max(), after.max()))
    change = after - before
    reach = float(np.abs(change).max()) or 1.0
    one_sided, two_sided = (
        {"cmin": 0.0, "cmax": most},
        {"cmin": -reach, "cmax": reach, "cmid": 0, "autocolorscale": True},
    )
    unit, moved = _("weight"), _("change of the weight")
    maps = ((before, one_sided, unit), (after, one_sided, unit), (change, two_sided, moved))
    labels = numbered(list(tokens))
    few = len(labels) <= _MOST_LABELS
    figures = []
    for name, (weights, colours, of) in zip(names, maps, strict=True):
        figure = go.Figure(
            go.Heatmap(
                z=weights,
                x=labels,
                y=labels,
                coloraxis="coloraxis",
                hovertemplate=_("query %{y}<br>key %{x}<br>weight %{z:.4f}") + "<extra></extra>",
            )
        )
        axis = {"type": "category", "dtick": 1, "tickfont": {"size": 12}, "showticklabels": few}
        figures.append(
            figure.update_layout(
                title={"text": shown(name), "font": {"size": 14}},
                height=max(400, 16 * len(labels)),
                margin=MARGIN,
                coloraxis={**colours, "colorbar": {"title": {"text": of, "side": "right"}, "thickness": 8}},
                # Three maps stand side by side: there is room for some of the keys' names.
                xaxis={**axis, "title": _("key"), "tickangle": -90, "dtick": max(1, -(-len(labels) // 10))},
                yaxis={**axis, "title": _("query"), "autorange": "reversed"},
            )
        )
    first, second, third = figures
    return first, second, third


def moments_lines(steps: Sequence[int], values: np.ndarray, title: str, level: bool) -> go.Figure:
    """Draw a number of each layer, or level, over the steps of a training: the higher the layer the stronger.

    Parameters
    ----------
    values
        A row for each moment, a column for each layer.
    level
        Whether they are levels, where 0 is the embeddings.
    """
    figure = go.Figure()
    count = values.shape[1]
    names = hidden_state_names(range(count)) if level else [_("layer {number}").format(number=i) for i in range(count)]
    for index, strength in enumerate(np.linspace(0.3, 1.0, count)):
        figure.add_scatter(
            x=list(steps),
            y=values[:, index],
            mode="lines+markers",
            name=names[index],
            line={"color": TRAINING, "width": 2},
            opacity=float(strength),
            # Training begins on the frame.
            cliponaxis=False,
        )
    return figure.update_layout(
        height=320,
        margin=MARGIN,
        showlegend=True,
        xaxis={"title": _("step"), "rangemode": "tozero"},
        yaxis={"title": title},
    )


def alike_bars(values: Sequence[float]) -> go.Figure:
    """Draw how alike the vectors of the same texts are before and after, level by level."""
    figure = go.Figure(go.Bar(x=hidden_state_names(range(len(values))), y=list(values), marker={"color": TRAINING}))
    return figure.update_traces(texttemplate="%{y:.2f}").update_layout(
        height=300,
        margin=MARGIN,
        xaxis={"title": _("hidden state"), "type": "category"},
        yaxis={"title": "CKA", "range": [0, 1.08]},
    )


def before_after(maps: np.ndarray, labels: Sequence[str], texts: Sequence[str], names: Sequence[str]) -> go.Figure:
    """Draw the same texts as points before and after, side by side and turned onto each other, coloured by label."""
    figure = make_subplots(
        cols=2, rows=1, subplot_titles=[shown(name) for name in names], shared_xaxes="all", shared_yaxes="all"
    )
    colours = ["#2f7ab9", "#c2660f", "#3a9a5b", "#a04fb0", "#b8452f", "#7c7f1e", "#1d9aa0", "#8a6d3b"]
    for number, label in enumerate(sorted(set(labels))[:20]):
        chosen = [index for index, one in enumerate(labels) if one == label]
        for column, points in enumerate(maps, 1):
            figure.add_scatter(
                x=points[chosen, 0],
                y=points[chosen, 1],
                mode="markers",
                name=shown(label),
                legendgroup=shown(label),
                showlegend=column == 1,
                marker={"color": colours[number % len(colours)], "size": 7, "opacity": 0.8},
                text=[shown(texts[index][:90]) for index in chosen],
                hovertemplate="%{text}<extra>%{fullData.name}</extra>",
                row=1,
                col=column,
            )
    figure.update_xaxes(title=_("first component")).update_yaxes(title=_("second component"), col=1)
    return figure.update_layout(height=440, margin=MARGIN, legend={"orientation": "h", "y": -0.18, "x": 0})


def probe_curves(metrics: MetricsLog, labels: Sequence[str], index: int) -> go.Figure:
    """Draw what a sentence that is watched was given after each epoch."""
    figure = go.Figure()
    epochs = [one["epoch"] for one in metrics.evaluations]
    for column, label in enumerate(labels or [_("model output")]):
        figure.add_scatter(
            x=epochs,
            y=[one["probes"][index][column] for one in metrics.evaluations],
            mode="lines+markers",
            name=shown(label),
            cliponaxis=False,
        )
    return figure.update_layout(
        height=280,
        margin=MARGIN,
        legend=LEGEND,
        xaxis=epoch_axis(max(epochs, default=0)),
        yaxis={"title": _("probability"), "tickformat": ".0%", "range": [0, 1.02]}
        if labels
        else {"title": _("model output")},
    )

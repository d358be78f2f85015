"""How a fine-tune goes and what came of it, as Plotly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float32
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from dashboard.figures import numbered, shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.finetuning.results import Results
    from interpret.finetuning.told import Told

# Seen on light and on dark ground alike.
LEARNED, JUDGED, QUIET = "#2f7ab9", "#c2660f", "#8a8f98"
_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
_MARGIN = {"t": 40, "b": 10, "l": 10, "r": 10}
# More points than a screen is wide help nobody.
_MOST_POINTS = 800
# Pieces whose names still find room beside a map.
_MOST_LABELS = 32
# Columns of a map whose numbers are written into it.
_MOST_WRITTEN = 10


def loss_curve(told: Told, steps: int) -> go.Figure:
    """Draw the loss of each step, its running mean, and the loss on what was held out."""
    figure = go.Figure()
    number, loss = thinned(told.number, told.loss)
    figure.add_scatter(
        x=number, y=loss, mode="lines", name=_("each step"), line={"color": LEARNED, "width": 1}, opacity=0.35
    )
    number, smooth = thinned(told.number, running_mean(told.loss))
    figure.add_scatter(x=number, y=smooth, mode="lines", name=_("running mean"), line={"color": LEARNED, "width": 2.5})
    figure.add_scatter(
        x=[one["step"] for one in told.judged],
        y=[one["loss"] for one in told.judged],
        mode="lines+markers",
        name=_("held out"),
        line={"color": JUDGED, "width": 2},
        marker={"size": 8},
    )
    return figure.update_layout(
        height=300,
        margin=_MARGIN,
        legend=_LEGEND,
        xaxis={"title": _("step"), "range": [0, max(steps, 1)]},
        yaxis={"title": _("loss"), "rangemode": "tozero"},
    )


def score_curve(told: Told, steps: int, majority: float, title: str) -> go.Figure:
    """Draw how good the model is on what was held out, over the line of who always guesses the commonest class."""
    figure = go.Figure()
    figure.add_scatter(
        x=[one["step"] for one in told.judged],
        y=[one["score"] for one in told.judged],
        mode="lines+markers",
        name=title,
        line={"color": JUDGED, "width": 2},
        marker={"size": 8},
    )
    percent = title != "R²"
    if not np.isnan(majority):
        figure.add_scatter(
            x=[0, max(steps, 1)],
            y=[majority, majority],
            mode="lines",
            name=_("always guessing"),
            line={"color": QUIET, "dash": "dash"},
        )
    return figure.update_layout(
        height=300,
        margin=_MARGIN,
        legend=_LEGEND,
        xaxis={"title": _("step"), "range": [0, max(steps, 1)]},
        yaxis={"title": title, "tickformat": ".0%", "range": [0, 1.02]} if percent else {"title": title},
    )


def overlaid(runs: Mapping[str, Told], what: str) -> go.Figure:
    """Draw one curve of several runs: the held-out score, the loss, or the learning rate."""
    figure = go.Figure()
    for title, told in runs.items():
        if what == "score":
            x, y = (np.array([one[name] for one in told.judged]) for name in ("epoch", "score"))
        else:
            x, y = thinned(told.epoch, running_mean(told.loss) if what == "loss" else told.rate)
        figure.add_scatter(x=x, y=y, mode="lines+markers" if what == "score" else "lines", name=shown(title))
    titles = {"score": _("accuracy or R²"), "loss": _("loss, running mean"), "rate": _("learning rate of the head")}
    return figure.update_layout(
        height=340,
        margin=_MARGIN,
        legend=_LEGEND,
        showlegend=True,
        xaxis={"title": _("epoch")},
        yaxis={"title": titles[what]},
    )


def cost_curve(
    names: Sequence[str],
    seconds: Sequence[float],
    scores: Sequence[float],
    ranges: Sequence[tuple[float, float] | None],
    title: str,
) -> go.Figure:
    """Draw how good each depth of freezing is over what it takes, with its 95 % interval."""
    low = [score - one[0] if one else 0.0 for score, one in zip(scores, ranges, strict=True)]
    high = [one[1] - score if one else 0.0 for score, one in zip(scores, ranges, strict=True)]
    figure = go.Figure(
        go.Scatter(
            x=list(seconds),
            y=list(scores),
            mode="lines+markers+text",
            text=list(names),
            textposition="top right",
            marker={"size": 10, "color": JUDGED},
            line={"color": QUIET, "width": 1},
            error_y={"array": high, "arrayminus": low, "color": QUIET, "thickness": 1},
            hovertemplate="%{text}: %{y} · %{x:.1f} s<extra></extra>",
            cliponaxis=False,
        )
    )
    return figure.update_layout(
        height=420,
        margin=_MARGIN | {"r": 140},
        xaxis={"title": _("seconds"), "rangemode": "tozero"},
        yaxis={"title": title, "tickformat": ".0%" if any(ranges) else None},
    )


def rate_curve(told: Told, steps: int) -> go.Figure:
    """Draw the learning rate of the head."""
    number, rate = thinned(told.number, told.rate)
    figure = go.Figure(go.Scatter(x=number, y=rate, mode="lines", line={"color": LEARNED}))
    return figure.update_layout(
        height=220,
        margin=_MARGIN,
        xaxis={"title": _("step"), "range": [0, max(steps, 1)]},
        yaxis={"title": _("learning rate of the head"), "exponentformat": "e", "rangemode": "tozero"},
    )


def gradient_map(told: Told, names: Sequence[str]) -> go.Figure:
    """Draw the length of each floor's gradient over the steps, in powers of ten; frozen floors are empty."""
    number, norms = thinned(told.number, told.norms)
    with np.errstate(divide="ignore"):
        powers = np.where(norms > 0, np.log10(norms), np.nan)
    figure = go.Figure(
        go.Heatmap(
            x=number,
            y=list(names),
            z=powers.T,
            customdata=norms.T,
            hovertemplate="%{y} · " + _("step") + " %{x}: %{customdata:.3g}<extra></extra>",
            hoverongaps=False,
            colorscale="Viridis",
            colorbar={"title": _("length,<br>log₁₀"), "thickness": 10},
        )
    )
    return figure.update_layout(
        height=110 + 24 * len(names), margin=_MARGIN, xaxis={"title": _("step")}, yaxis={"type": "category"}
    )


def moved_map(told: Told, names: Sequence[str]) -> go.Figure:
    """Draw how far each floor's weights had come at each time of judging, in per cent of what they were."""
    floors = list(told.floors)
    values = np.array([[one["moved"].get(name, np.nan) for one in told.judged] for name in floors]) * 100
    figure = go.Figure(
        go.Heatmap(
            x=[_("epoch {number}").format(number=f"{one['epoch']:.3g}") for one in told.judged],
            y=list(names),
            z=np.log10(np.where(values > 0, values, np.nan)),
            customdata=values,
            text=[["" if np.isnan(one) else f"{one:.2f} %" for one in row] for row in values],
            texttemplate="%{text}" if len(told.judged) <= _MOST_WRITTEN else None,
            hovertemplate="%{y} · %{x}: %{customdata:.3f} %<extra></extra>",
            hoverongaps=False,
            colorscale="Viridis",
            showscale=False,
        )
    )
    return figure.update_layout(
        height=110 + 24 * len(names), margin=_MARGIN, xaxis={"type": "category"}, yaxis={"type": "category"}
    )


def drift_map(drift: np.ndarray) -> go.Figure:
    """Draw how far each head's attention has moved."""
    layers, heads = drift.shape
    figure = go.Figure(
        go.Heatmap(
            x=[str(head) for head in range(heads)],
            y=[str(layer) for layer in range(layers)],
            z=drift,
            zmin=0,
            colorscale="Viridis",
            colorbar={"title": _("bits"), "thickness": 10},
            hovertemplate=_("layer {layer}, head {head}: {bits} bits").format(
                layer="%{y}", head="%{x}", bits="%{z:.3f}"
            )
            + "<extra></extra>",
        )
    )
    return figure.update_layout(
        height=110 + 26 * layers,
        margin=_MARGIN,
        xaxis={"title": _("attention head"), "type": "category"},
        yaxis={"title": _("layer"), "type": "category"},
    )


def attention_maps(
    before: Float32[np.ndarray, "query key"],
    after: Float32[np.ndarray, "query key"],
    pieces: Sequence[str],
    names: tuple[str, str, str],
) -> tuple[go.Figure, go.Figure, go.Figure]:
    """Draw one head's attention before and after on one scale, and what changed, to stand side by side."""
    most = float(max(before.max(), after.max()))
    change = after - before
    reach = float(np.abs(change).max()) or 1.0
    maps = ((before, "Blues", 0.0, most), (after, "Blues", 0.0, most), (change, "RdBu_r", -reach, reach))
    labels = numbered(list(pieces))
    few = len(labels) <= _MOST_LABELS
    figures = []
    for name, (weights, colours, low, high) in zip(names, maps, strict=True):
        figure = go.Figure(
            go.Heatmap(
                z=weights,
                x=labels,
                y=labels,
                zmin=low,
                zmax=high,
                colorscale=colours,
                colorbar={"thickness": 8},
                hovertemplate=_("query %{y}<br>key %{x}<br>weight %{z:.4f}") + "<extra></extra>",
            )
        )
        axis = {"type": "category", "dtick": 1, "tickfont": {"size": 10}, "showticklabels": few}
        figures.append(
            figure.update_layout(
                title={"text": shown(name), "font": {"size": 14}},
                height=max(400, 16 * len(labels)),
                margin=_MARGIN,
                xaxis={**axis, "title": _("key"), "tickangle": -90},
                yaxis={**axis, "title": _("query"), "autorange": "reversed"},
            )
        )
    first, second, third = figures
    return first, second, third


def moments_lines(steps: Sequence[int], values: np.ndarray, title: str, level: bool) -> go.Figure:
    """Draw a number of each layer, or level, over the steps of a training: the higher the layer the darker.

    Parameters
    ----------
    values
        A row for each moment, a column for each layer.
    level
        Whether they are levels, where 0 is the embeddings.
    """
    figure = go.Figure()
    shades = sample_colorscale("Viridis", np.linspace(0.8, 0.3, values.shape[1]).tolist())
    for place, shade in enumerate(shades):
        name = _("level {number}") if level else _("layer {number}")
        figure.add_scatter(
            x=list(steps),
            y=values[:, place],
            mode="lines+markers",
            name=name.format(number=place),
            line={"color": shade, "width": 2},
        )
    return figure.update_layout(
        height=320, margin=_MARGIN, xaxis={"title": _("step"), "rangemode": "tozero"}, yaxis={"title": title}
    )


def alike_bars(values: Sequence[float]) -> go.Figure:
    """Draw how alike the vectors of the same texts are before and after, level by level."""
    figure = go.Figure(
        go.Bar(x=[str(level) for level in range(len(values))], y=list(values), marker={"color": LEARNED})
    )
    return figure.update_traces(texttemplate="%{y:.2f}").update_layout(
        height=300,
        margin=_MARGIN,
        xaxis={"title": _("level: 0 is the embeddings"), "type": "category"},
        yaxis={"title": "CKA", "range": [0, 1.08]},
    )


def before_after(maps: np.ndarray, labels: Sequence[str], texts: Sequence[str], names: Sequence[str]) -> go.Figure:
    """Draw the same texts as points before and after, side by side and turned onto each other, coloured by label."""
    figure = make_subplots(cols=2, rows=1, subplot_titles=list(names), shared_xaxes="all", shared_yaxes="all")
    colours = ["#2f7ab9", "#c2660f", "#3a9a5b", "#a04fb0", "#b8452f", "#7c7f1e", "#1d9aa0", "#8a6d3b"]
    for number, label in enumerate(sorted(set(labels))[:20]):
        chosen = [place for place, one in enumerate(labels) if one == label]
        for column, points in enumerate(maps, 1):
            figure.add_scatter(
                x=points[chosen, 0],
                y=points[chosen, 1],
                mode="markers",
                name=shown(label),
                legendgroup=label,
                showlegend=column == 1,
                marker={"color": colours[number % len(colours)], "size": 7, "opacity": 0.8},
                text=[shown(texts[place][:90]) for place in chosen],
                hovertemplate="%{text}<extra>" + shown(label) + "</extra>",
                row=1,
                col=column,
            )
    return figure.update_layout(height=420, margin=_MARGIN, legend={"orientation": "h", "y": -0.08, "x": 0})


def probe_curves(told: Told, labels: Sequence[str], place: int) -> go.Figure:
    """Draw what a sentence that is watched was given after each epoch."""
    figure = go.Figure()
    epochs = [one["epoch"] for one in told.judged]
    for column, label in enumerate(labels or [_("answer")]):
        figure.add_scatter(
            x=epochs, y=[one["probes"][place][column] for one in told.judged], mode="lines+markers", name=shown(label)
        )
    return figure.update_layout(
        height=280,
        margin=_MARGIN,
        legend=_LEGEND,
        xaxis={"title": _("epoch")},
        yaxis={"title": _("probability"), "tickformat": ".0%", "range": [0, 1.02]}
        if labels
        else {"title": _("answer")},
    )


def calibration_curve(found: Results) -> go.Figure:
    """Draw how often the model is right over how sure it is."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name=_("as sure as right"), line={"color": QUIET, "dash": "dash"}
    )
    figure.add_scatter(
        x=found.sureness,
        y=found.rightness,
        mode="lines+markers",
        name=_("this model"),
        marker={"size": 6 + 24 * np.sqrt(found.counts / found.counts.max()), "sizemode": "diameter"},
        line={"color": JUDGED},
        customdata=found.counts,
        hovertemplate=_("sure {x}, right {y}: {count} rows").format(x="%{x:.0%}", y="%{y:.0%}", count="%{customdata}")
        + "<extra></extra>",
    )
    return figure.update_layout(
        height=330,
        margin=_MARGIN,
        legend=_LEGEND,
        xaxis={"title": _("how sure it is"), "tickformat": ".0%", "range": [0, 1.03]},
        yaxis={"title": _("how often it is right"), "tickformat": ".0%", "range": [0, 1.03]},
    )


def fit_cloud(truth: np.ndarray, answers: np.ndarray) -> go.Figure:
    """Draw a regression's answers over what is true."""
    low, high = float(min(truth.min(), answers.min())), float(max(truth.max(), answers.max()))
    figure = go.Figure()
    figure.add_scatter(x=[low, high], y=[low, high], mode="lines", line={"color": QUIET, "dash": "dash"}, name="y = x")
    figure.add_scatter(x=truth, y=answers, mode="markers", marker={"color": JUDGED}, name=_("a row"))
    return figure.update_layout(
        height=360, margin=_MARGIN, legend=_LEGEND, xaxis={"title": _("true value")}, yaxis={"title": _("answer")}
    )


def lengths_histogram(lengths: np.ndarray, most: int) -> go.Figure:
    """Draw how many pieces the texts have, and where they are cut off."""
    figure = go.Figure(go.Histogram(x=lengths, marker={"color": LEARNED}, nbinsx=40))
    if lengths.max() > most * 0.5:
        figure.add_vline(x=most, line={"color": JUDGED, "dash": "dash"}, annotation_text=_("read so far"))
    return figure.update_layout(
        height=220, margin=_MARGIN, xaxis={"title": _("pieces of a text")}, yaxis={"title": _("texts")}
    )


def balance_bars(classes: Sequence[tuple[str, int]], most: int = 20) -> go.Figure:
    """Draw how many rows each class has."""
    some = list(classes)[:most]
    figure = go.Figure(
        go.Bar(x=[count for _name, count in some], y=[shown(name) for name, _count in some], orientation="h")
    )
    return figure.update_traces(marker={"color": LEARNED}, texttemplate="%{x:,}").update_layout(
        height=70 + 26 * len(some),
        margin=_MARGIN,
        xaxis={"title": _("rows")},
        yaxis={"autorange": "reversed", "type": "category"},
    )


def running_mean(values: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Return the exponential running mean, corrected for its beginning (Kingma & Ba 2015, sec. 3)."""
    weight = 1 - min(0.5, max(share, 2 / max(len(values), 1)))
    found, mean = np.empty(len(values)), 0.0
    for place, value in enumerate(values):
        mean = weight * mean + (1 - weight) * float(value)
        found[place] = mean / (1 - weight ** (place + 1))
    return found


def thinned(number: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return evenly spread steps where there are more than a screen shows; the last one is always among them."""
    if len(number) <= _MOST_POINTS:
        return number, values
    chosen = np.unique(np.linspace(0, len(number) - 1, _MOST_POINTS).astype(int))
    return number[chosen], values[chosen]

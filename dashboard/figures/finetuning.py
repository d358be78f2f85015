"""How a fine-tune goes and what came of it, as Plotly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.finetuning.results import Results
    from interpret.finetuning.runs import Told

# Seen on light and on dark ground alike.
LEARNED, JUDGED, QUIET = "#2f7ab9", "#c2660f", "#8a8f98"
_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
_MARGIN = {"t": 40, "b": 10, "l": 10, "r": 10}
# More points than a screen is wide help nobody.
_MOST_POINTS = 800


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
    percent = not np.isnan(majority)
    if percent:
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
            texttemplate="%{customdata:.2f}%" if len(told.judged) <= 8 else None,
            hovertemplate="%{y} · %{x}: %{customdata:.3f} %<extra></extra>",
            hoverongaps=False,
            colorscale="Viridis",
            showscale=False,
        )
    )
    return figure.update_layout(
        height=110 + 24 * len(names), margin=_MARGIN, xaxis={"type": "category"}, yaxis={"type": "category"}
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

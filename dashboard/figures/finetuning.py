"""How a fine-tune goes and what came of it, as Plotly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from scipy.signal import lfilter

from dashboard.figures import shown
from dashboard.language import _
from dashboard.numbers import duration

if TYPE_CHECKING:
    from interpret.finetuning.metrics_log import MetricsLog
    from interpret.finetuning.results import ClassificationResults

# Seen on light and on dark ground alike.
TRAINING, VALIDATION, MUTED = "#2f7ab9", "#c2660f", "#8a8f98"
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
MARGIN = {"t": 40, "b": 10, "l": 10, "r": 10}
# More points of a curve than twice what a screen is wide help nobody; nor more columns of a map than it is wide.
MOST_POINTS, _MOST_COLUMNS = 2000, 800
# Beyond so many epochs an axis names some of them.
_MOST_EPOCHS = 12


def sequential(title: str, values: np.ndarray, **colorbar: Any) -> dict[str, Any]:
    """Return an axis of colours from the least to the greatest of some values: the page has one scale for all."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return {"cmin": low, "cmax": high, "colorbar": {"title": title, "thickness": 10, **colorbar}}


def loss_curve(metrics: MetricsLog, steps: int) -> go.Figure:
    """Draw the loss of each step, its running mean, and the loss on what was held out."""
    figure = go.Figure()
    number, loss = thinned(metrics.number, metrics.loss)
    figure.add_scatter(
        x=number, y=loss, mode="lines", name=_("per step"), line={"color": TRAINING, "width": 1}, opacity=0.35
    )
    number, smooth = thinned(metrics.number, running_mean(metrics.loss))
    figure.add_scatter(x=number, y=smooth, mode="lines", name=_("running mean"), line={"color": TRAINING, "width": 2.5})
    step, evaluated = thinned(*(np.array([one[name] for one in metrics.evaluations]) for name in ("step", "loss")))
    figure.add_scatter(
        x=step,
        y=evaluated,
        mode="lines+markers",
        name=_("held-out set"),
        line={"color": VALIDATION, "width": 2},
        marker={"size": 8},
        # The last evaluation lies on the frame.
        cliponaxis=False,
    )
    return figure.update_layout(
        height=300,
        margin=MARGIN,
        legend=LEGEND,
        xaxis={"title": _("step"), "range": [0, max(steps, 1)]},
        yaxis={"title": _("loss"), "rangemode": "tozero"},
    )


def score_curve(metrics: MetricsLog, steps: int, majority: float, title: str) -> go.Figure:
    """Draw how good the model is on what was held out, over the line of the majority-class baseline."""
    figure = go.Figure()
    step, evaluated = thinned(*(np.array([one[name] for one in metrics.evaluations]) for name in ("step", "score")))
    figure.add_scatter(
        x=step,
        y=evaluated,
        mode="lines+markers",
        name=title,
        line={"color": VALIDATION, "width": 2},
        marker={"size": 8},
        # The last evaluation lies on the frame.
        cliponaxis=False,
    )
    percent = title != "R²"
    if not np.isnan(majority):
        figure.add_scatter(
            x=[0, max(steps, 1)],
            y=[majority, majority],
            mode="lines",
            name=_("majority-class baseline"),
            line={"color": MUTED, "dash": "dash"},
        )
    return figure.update_layout(
        height=300,
        margin=MARGIN,
        legend=LEGEND,
        xaxis={"title": _("step"), "range": [0, max(steps, 1)]},
        yaxis={"title": title, "tickformat": ".0%", "range": [0, 1.02]} if percent else {"title": title},
    )


def overlaid(runs: Mapping[str, MetricsLog], what: str) -> go.Figure:
    """Draw one curve of several runs: the held-out score, the loss, or the learning rate."""
    figure = go.Figure()
    for title, metrics in runs.items():
        if what == "score":
            x, y = thinned(*(np.array([one[name] for one in metrics.evaluations]) for name in ("epoch", "score")))
        else:
            x, y = thinned(metrics.epoch, running_mean(metrics.loss) if what == "loss" else metrics.rate)
        figure.add_scatter(x=x, y=y, mode="lines+markers" if what == "score" else "lines", name=shown(title))
    titles = {
        "score": _("held-out score"),
        "loss": _("loss (running mean)"),
        "rate": _("learning rate of the task head"),
    }
    return figure.update_layout(
        height=340,
        margin=MARGIN,
        legend=LEGEND,
        showlegend=True,
        xaxis=epoch_axis(
            max((float(metrics.epoch[-1]) for metrics in runs.values() if len(metrics.epoch)), default=0.0)
        ),
        yaxis={"title": titles[what]},
    )


def epoch_axis(last: float) -> dict[str, Any]:
    """Return an axis of epochs: few are all named, and none is divided."""
    return {"title": _("epoch"), **({"dtick": 1} if last <= _MOST_EPOCHS else {})}


def cost_curve(
    names: Sequence[str],
    seconds: Sequence[float],
    scores: Sequence[float],
    ranges: Sequence[tuple[float, float] | None],
    title: str,
    percent: bool,
) -> go.Figure:
    """Draw how good each depth of freezing is over what it takes, with its 95% interval."""
    low = [score - one[0] if one else 0.0 for score, one in zip(scores, ranges, strict=True)]
    high = [one[1] - score if one else 0.0 for score, one in zip(scores, ranges, strict=True)]
    figure = go.Figure(
        go.Scatter(
            x=list(seconds),
            y=list(scores),
            mode="lines+markers+text",
            text=[shown(name) for name in names],
            textposition="top right",
            marker={"size": 10, "color": VALIDATION},
            line={"color": MUTED, "width": 1},
            error_y={"array": high, "arrayminus": low, "color": MUTED, "thickness": 1},
            customdata=[duration(one) for one in seconds],
            hovertemplate="%{text}: %{y} · %{customdata}<extra></extra>",
            cliponaxis=False,
        )
    )
    return figure.update_layout(
        height=420,
        margin=MARGIN | {"r": 140},
        xaxis={"title": _("seconds"), "rangemode": "tozero"},
        yaxis={"title": title, "tickformat": ".0%" if percent else None},
    )


def rate_curve(metrics: MetricsLog, steps: int) -> go.Figure:
    """Draw the learning rate of the head."""
    number, rate = thinned(metrics.number, metrics.rate)
    figure = go.Figure(go.Scatter(x=number, y=rate, mode="lines", line={"color": TRAINING}))
    return figure.update_layout(
        height=220,
        margin=MARGIN,
        xaxis={"title": _("step"), "range": [0, max(steps, 1)]},
        yaxis={"title": _("learning rate of the task head"), "exponentformat": "e", "rangemode": "tozero"},
    )


def gradient_map(metrics: MetricsLog, names: Sequence[str]) -> go.Figure:
    """Draw the length of each layer's gradient over the steps, in powers of ten; frozen layer groups are empty."""
    chosen = np.unique(np.linspace(0, len(metrics.number) - 1, min(len(metrics.number), _MOST_COLUMNS)).astype(int))
    number, norms = metrics.number[chosen], metrics.norms[chosen]
    with np.errstate(divide="ignore"):
        powers = np.where(norms > 0, np.log10(norms), np.nan)
    figure = go.Figure(
        go.Heatmap(
            x=number,
            y=[shown(name) for name in names],
            z=powers.T,
            customdata=norms.T,
            hovertemplate="%{y} · " + _("step") + " %{x}: %{customdata:.3g}<extra></extra>",
            hoverongaps=False,
            coloraxis="coloraxis",
        )
    )
    return figure.update_layout(
        height=110 + 24 * len(names),
        margin=MARGIN,
        coloraxis=sequential(_("gradient norm,<br>log₁₀"), powers),
        xaxis={"title": _("step")},
        yaxis={"title": _("layer"), "type": "category"},
    )


def calibration_curve(found: ClassificationResults) -> go.Figure:
    """Draw how often the model is right over how sure it is."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name=_("perfect calibration"), line={"color": MUTED, "dash": "dash"}
    )
    figure.add_scatter(
        x=found.confidence,
        y=found.rightness,
        mode="lines+markers",
        name=_("this model"),
        marker={"size": 6 + 24 * np.sqrt(found.counts / found.counts.max()), "sizemode": "diameter"},
        line={"color": VALIDATION},
        cliponaxis=False,
        error_y={
            "array": found.rightness_interval[:, 1] - found.rightness,
            "arrayminus": found.rightness - found.rightness_interval[:, 0],
            "color": MUTED,
            "thickness": 1,
        },
        customdata=np.column_stack([found.counts, found.rightness_interval]),
        hovertemplate=(
            _("confidence {x}, accuracy {y} (95%: {low} to {high}), words: {count}")
            if found.sentences
            else _("confidence {x}, accuracy {y} (95%: {low} to {high}), rows: {count}")
        ).format(
            x="%{x:.0%}",
            y="%{y:.0%}",
            low="%{customdata[1]:.0%}",
            high="%{customdata[2]:.0%}",
            count="%{customdata[0]}",
        )
        + "<extra></extra>",
    )
    return figure.update_layout(
        height=330,
        margin=MARGIN,
        legend=LEGEND,
        xaxis={"title": _("confidence (predicted probability)"), "tickformat": ".0%", "range": [0, 1.03]},
        yaxis={"title": _("observed accuracy"), "tickformat": ".0%", "range": [0, 1.03]},
    )


def fit_cloud(truth: np.ndarray, answers: np.ndarray, rows: Sequence[int]) -> go.Figure:
    """Draw a regression's answers over what is true; ``rows`` are those of the file."""
    low, high = float(min(truth.min(), answers.min())), float(max(truth.max(), answers.max()))
    figure = go.Figure()
    figure.add_scatter(x=[low, high], y=[low, high], mode="lines", line={"color": MUTED, "dash": "dash"}, name="y = x")
    figure.add_scatter(
        x=truth,
        y=answers,
        mode="markers",
        marker={"color": VALIDATION},
        name=_("a row"),
        customdata=list(rows),
        hovertemplate=_("row %{customdata}: predicted %{y:.4g}, true %{x:.4g}") + "<extra></extra>",
    )
    return figure.update_layout(
        height=360, margin=MARGIN, legend=LEGEND, xaxis={"title": _("true value")}, yaxis={"title": _("model output")}
    )


def threshold_curves(probabilities: np.ndarray, truth: np.ndarray, marked: tuple[float, float]) -> go.Figure:
    """Draw precision, recall and F1 of a class over the probability from which on it is given.

    ``marked`` are the threshold in use and the one with the largest F1 on these rows.
    """
    steps = np.linspace(0, 1, 201)
    given = probabilities[:, None] >= steps
    right = (given & truth[:, None]).sum(axis=0).astype(float)
    counted, true = given.sum(axis=0), float(truth.sum())
    precision = np.divide(right, counted, out=np.full(len(steps), np.nan), where=counted > 0)
    recall = right / true if true else np.full(len(steps), np.nan)
    f1 = np.divide(2 * right, counted + true, out=np.zeros(len(steps)), where=counted + true > 0)
    figure = go.Figure()
    for name, values, dash in ((_("precision"), precision, "dot"), (_("recall"), recall, "dash"), ("F1", f1, "solid")):
        figure.add_scatter(
            x=steps,
            y=values,
            name=name,
            mode="lines",
            line={"dash": dash},
            hovertemplate="%{x:.0%}: %{y:.1%}" + f"<extra>{name}</extra>",
        )
    names = (_("in use"), _("best here"))
    # Each on its line's outer side where there is room: the two may stand close to one another.
    for (at, name), outer in zip(sorted(zip(marked, names, strict=True)), ("left", "right"), strict=True):
        line, side = {"color": MUTED, "dash": "dot"}, "right" if at < 0.2 else "left" if at > 0.8 else outer
        figure.add_vline(x=at, line=line, annotation_text=name, annotation_position=f"top {side}")
    return figure.update_layout(
        height=330,
        margin=MARGIN,
        legend=LEGEND,
        xaxis={"title": _("threshold (probability)"), "tickformat": ".0%", "range": [0, 1]},
        yaxis={"title": _("share"), "tickformat": ".0%", "range": [0, 1.03]},
    )


def lengths_histogram(lengths: np.ndarray, most: int) -> go.Figure:
    """Draw how many tokens the texts have, and where they are cut off."""
    figure = go.Figure(go.Histogram(x=lengths, marker={"color": TRAINING}, nbinsx=40))
    if lengths.max() > most * 0.5:
        figure.add_vline(x=most, line={"color": VALIDATION, "dash": "dash"}, annotation_text=_("max length"))
    return figure.update_layout(
        height=220, margin=MARGIN, xaxis={"title": _("tokens per text")}, yaxis={"title": _("texts")}
    )


def balance_bars(classes: Sequence[tuple[str, int]], most: int = 20) -> go.Figure:
    """Draw how many rows each class has."""
    some = list(classes)[:most]
    figure = go.Figure(
        go.Bar(x=[count for _name, count in some], y=[shown(name) for name, _count in some], orientation="h")
    )
    return figure.update_traces(marker={"color": TRAINING}, texttemplate="%{x:,}").update_layout(
        height=70 + 26 * len(some),
        margin=MARGIN,
        xaxis={"title": _("rows")},
        yaxis={"title": _("class"), "autorange": "reversed", "type": "category"},
    )


def running_mean(values: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Return the exponential running mean, corrected for its beginning (Kingma & Ba 2015, sec. 3)."""
    weight = 1 - min(0.5, max(share, 2 / max(len(values), 1)))
    mean = lfilter([1 - weight], [1, -weight], np.asarray(values, float))
    return np.asarray(mean / (1 - weight ** np.arange(1, len(values) + 1)))


def thinned(number: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points that are drawn of a curve: all, or the least and the greatest of each stretch of many.

    The first and the last one are always among them, and so is every spike.
    """
    if len(number) <= MOST_POINTS:
        return number, values
    edges = np.linspace(0, len(number), MOST_POINTS // 2).astype(int)
    ends = [
        index
        for first, last in pairwise(edges)
        for index in (first + int(np.argmin(values[first:last])), first + int(np.argmax(values[first:last])))
    ]
    chosen = np.unique([0, *ends, len(number) - 1])
    return number[chosen], values[chosen]

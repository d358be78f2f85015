"""What a sliding window leaves, as Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import numbered, shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.attention.sliding_window import WindowSweep


def width_curves(result: WindowSweep, width: int, cosine: float) -> go.Figure:
    """Draw what is kept over the window's width: the text's vector, its answer, and attention mass."""
    figure = go.Figure()
    curves = {
        _("cosine of the sentence vector (mean)"): (result.similarity["mean"], "solid"),
        _("cosine of the first token"): (result.similarity["first"], "dot"),
        _("attention mass kept, mean of heads"): (1 - result.lost.mean(axis=(1, 2)), "dash"),
        _("pairs of tokens left"): (result.left, "dashdot"),
    }
    answers = result.answers
    if answers is not None and answers.same is not None:
        # What the whole model says, by its own probability; of several rows their mean.
        best = answers.ordinary.argmax(axis=-1)
        kept = answers.windowed[:, np.arange(len(best)), best].mean(axis=-1)
        name = (
            _("probability of “{label}”").format(label=shown(answers.labels[int(best[0])]))
            if len(best) == 1
            else _("probability of the whole model's answers, mean")
        )
        curves[name] = (kept, "longdash")
    for name, (values, dash) in curves.items():
        figure.add_scatter(
            x=result.widths,
            y=values,
            name=name,
            mode="lines+markers",
            marker={"size": 5},
            line={"dash": dash},
            hovertemplate=_("{name}<br>%{{x}} neighbours: %{{y:.3f}}").format(name=name) + "<extra></extra>",
        )
    figure.add_vline(
        width,
        line_width=1,
        line_dash="dot",
        line_color="gray",
        annotation_text=_("this window"),
        annotation_position="bottom right",
    )
    figure.add_hline(cosine, line_width=1, line_dash="dot", line_color="gray")
    figure.update_xaxes(title=_("neighbours that each token sees on either side"), rangemode="tozero")
    figure.update_yaxes(title=_("share, probability or cosine"))
    figure.update_layout(height=380, margin={"t": 30, "b": 10}, legend={"orientation": "h", "y": -0.25})
    return figure


def pattern_map(result: WindowSweep, width: int) -> go.Figure:
    """Draw which query sees which key."""
    every = numbered(result.tokens.labels)
    seen = result.tokens.shown
    names = [every[i] for i in seen]
    figure = go.Figure(
        go.Heatmap(
            z=result.allowed(width)[np.ix_(seen, seen)].astype(int),
            x=names,
            y=names,
            colorscale=[[0, "rgba(127,127,127,0.12)"], [1, "#3b6fb6"]],
            zmin=0,
            zmax=1,
            showscale=False,
            hovertemplate=_("query %{y}<br>key %{x}") + "<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.update_layout(title=_("Blue: the query sees the key; grey: left out"), height=560, margin={"t": 50, "b": 10})
    figure.update_xaxes(title=_("key"), type="category")
    figure.update_yaxes(title=_("query"), type="category", autorange="reversed")
    return figure

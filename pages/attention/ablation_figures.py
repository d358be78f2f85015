"""What changes when heads are taken out, as Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import hidden_state_names, numbered
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.attention.ablation import Ablation
    from interpret.attention.importance import HeadImportance


def distance_map(ablation: Ablation) -> go.Figure:
    """Draw how far each token's state moved, level by level."""
    levels, shown = hidden_state_names(range(len(ablation.distance))), ablation.tokens.shown
    names = numbered(ablation.tokens.labels)
    figure = go.Figure(
        go.Heatmap(
            z=ablation.distance[:, shown],
            x=[names[i] for i in shown],
            y=levels,
            coloraxis="coloraxis",
            hovertemplate=_("%{x}, %{y}: relative change %{z:.3f}") + "<extra></extra>",
        )
    )
    figure.update_layout(
        coloraxis={
            "cmin": 0,
            "cmax": max(0.1, float(ablation.distance.max())),
            "colorbar": {"title": _("relative change")},
        },
        title=_("Change of each token's hidden state, relative to its norm"),
        height=160 + 34 * len(levels),
        margin={"t": 60, "b": 10},
    )
    figure.update_xaxes(title=_("token"), type="category")
    figure.update_yaxes(title=_("hidden state"), type="category")
    return figure


def prune_curves(result: HeadImportance, of: Literal["accuracy", "loss"]) -> go.Figure:
    """Draw what is left while heads are taken out: by predicted and by true importance, and at random."""
    figure = go.Figure()
    random = [curve for name, curve in result.curves.items() if name.startswith("random")]
    for name, label, dash in (
        ("gradient", _("smallest |∂L/∂ξ| first"), "solid"),
        ("removal", _("smallest measured increase in loss first"), "dot"),
    ):
        curve = result.curves[name]
        values, ends = getattr(curve, of), getattr(curve, f"{of}_interval")
        figure.add_scatter(
            x=curve.removed,
            y=values,
            error_y={"array": ends[:, 1] - values, "arrayminus": values - ends[:, 0], "thickness": 1, "width": 2},
            name=label,
            mode="lines+markers",
            line={"dash": dash},
        )
    stack = np.stack([getattr(curve, of) for curve in random])
    x = random[0].removed
    figure.add_scatter(
        x=[*x, *x[::-1]],
        y=[*stack.min(axis=0), *stack.max(axis=0)[::-1]],
        fill="toself",
        mode="none",
        name=_("random, range over {count} orders").format(count=len(random)),
        hoverinfo="skip",
        opacity=0.4,
    )
    if of == "accuracy":
        figure.add_hline(
            result.majority,
            line_dash="dash",
            line_width=1,
            line_color="gray",
            annotation_text=_("majority-class baseline"),
        )
        figure.update_yaxes(title=_("Accuracy (bars: 95% interval over texts)"), range=[0, 1.03])
    else:
        figure.update_yaxes(title=_("Loss (nats; bars: 95% interval over texts)"), rangemode="tozero")
    figure.update_xaxes(title=_("ablated heads"))
    figure.update_layout(height=340, margin={"t": 30, "b": 10}, legend={"orientation": "h", "y": -0.3})
    return figure

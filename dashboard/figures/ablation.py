"""What changes when heads are taken out, as Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.figures import numbered
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.attention.ablation import Ablation
    from interpret.attention.importance import HeadImportance


def distance_map(ablation: Ablation) -> go.Figure:
    """Draw how far each token's state moved, level by level."""
    levels = [_("inputs"), *(_("after layer {layer}").format(layer=i) for i in range(len(ablation.distance) - 1))]
    figure = go.Figure(
        go.Heatmap(
            z=ablation.distance,
            x=numbered(ablation.tokens.labels),
            y=levels,
            coloraxis="coloraxis",
            hovertemplate=_("%{x}, %{y}: moved by %{z:.3f} of its length") + "<extra></extra>",
        )
    )
    figure.update_layout(
        coloraxis={
            "cmin": 0,
            "cmax": max(0.1, float(ablation.distance.max())),
            "colorbar": {"title": _("moved")},
        },
        height=120 + 34 * len(levels),
        margin={"t": 20, "b": 10},
    )
    figure.update_xaxes(title=_("token"), type="category")
    return figure


def importance_maps(result: HeadImportance) -> go.Figure:
    """Draw the predicted and the true importance of each head side by side, layers × heads."""
    maps = [(result.importance, _("Predicted: |∂L/∂ξ|, layer-normalised"))]
    if result.loss_rise is not None and result.accuracy_drop is not None:
        maps += [
            (result.loss_rise, _("True: rise of the loss (nats)")),
            (result.accuracy_drop, _("True: drop of the accuracy")),
        ]
    figure = make_subplots(1, len(maps), subplot_titles=[title for _values, title in maps], horizontal_spacing=0.09)
    for index, (values, title) in enumerate(maps):
        largest = max(float(abs(values).max()), 1e-9)
        figure.add_trace(
            go.Heatmap(
                z=values,
                x=list(range(values.shape[1])),
                y=list(range(values.shape[0])),
                coloraxis=f"coloraxis{index + 1 if index else ''}",
                hovertemplate=_("layer %{y}, head %{x}: %{z:.4f}") + f"<extra>{title}</extra>",
            ),
            row=1,
            col=index + 1,
        )
        # A true change has two sides: some heads do harm. Zero is the middle of the scale.
        figure.layout[f"coloraxis{index + 1 if index else ''}"] = {
            "cmin": 0 if index == 0 else -largest,
            "cmax": largest,
            "colorbar": {
                "orientation": "h",
                "x": (index + 0.5) / len(maps),
                "y": -0.18,
                "yanchor": "top",
                "thickness": 10,
                "len": 0.8 / len(maps),
            },
            **({} if index == 0 else {"cmid": 0, "autocolorscale": True}),
        }
    figure.update_xaxes(title=_("head"), dtick=max(1, result.importance.shape[1] // 6))
    figure.update_yaxes(autorange="reversed", dtick=1)
    figure.update_yaxes(title=_("layer"), col=1)
    figure.update_layout(height=190 + max(200, 26 * len(result.importance)), margin={"t": 40, "b": 90})
    return figure


def prune_curves(result: HeadImportance) -> go.Figure:
    """Draw accuracy and loss while heads are taken out: by predicted and by true importance, and at random."""
    figure = make_subplots(1, 2, subplot_titles=[_("Accuracy"), _("Loss (nats)")], horizontal_spacing=0.1)
    names = {"gradient": _("least |∂L/∂ξ| first"), "removal": _("least true rise first")}
    random = [curve for name, curve in result.curves.items() if name.startswith("random")]
    for column, of in ((1, "accuracy"), (2, "loss")):
        if random:
            stack = np.stack([getattr(curve, of) for curve in random])
            x = random[0].removed
            figure.add_trace(
                go.Scatter(
                    x=[*x, *x[::-1]],
                    y=[*stack.min(axis=0), *stack.max(axis=0)[::-1]],
                    fill="toself",
                    mode="none",
                    name=_("random, range of {count}").format(count=len(random)),
                    showlegend=column == 1,
                    hoverinfo="skip",
                    opacity=0.4,
                ),
                row=1,
                col=column,
            )
        for place, (name, label) in enumerate(names.items()):
            curve = result.curves[name]
            figure.add_trace(
                go.Scatter(
                    x=curve.removed,
                    y=getattr(curve, of),
                    name=label,
                    mode="lines+markers",
                    showlegend=column == 1,
                    line={"dash": ("solid", "dot")[place]},
                    legendgroup=name,
                ),
                row=1,
                col=column,
            )
    figure.add_hline(result.majority, line_dash="dash", line_width=1, row=1, col=1, annotation_text=_("largest class"))
    figure.update_xaxes(title=_("heads taken out"))
    figure.update_yaxes(range=[0, 1.03], col=1)
    figure.update_yaxes(rangemode="tozero", col=2)
    figure.update_layout(height=360, margin={"t": 40, "b": 10}, legend={"orientation": "h", "y": -0.25})
    return figure

"""Attention as plain Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float32

from dashboard.figures import numbered, shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.attention.view import AttentionView


def head_heatmap(view: AttentionView, weights: Float32[np.ndarray, "query key"], title: str) -> go.Figure:
    """Draw one head's weights, or an average's, as a heat map that can be zoomed, read and saved.

    Axes count the tokens, since the same one can occur twice.
    """
    figure = go.Figure(
        go.Heatmap(
            z=weights,
            x=numbered(view.key_labels),
            y=numbered(view.query_labels),
            coloraxis="coloraxis",
            hovertemplate=_("query %{y}<br>key %{x}<br>weight %{z:.4f}") + "<extra></extra>",
        )
    )
    figure.update_layout(
        title=shown(title),
        coloraxis={"cmin": 0, "colorbar": {"title": _("weight")}},
        height=640,
        margin={"t": 50, "b": 10},
    )
    figure.update_xaxes(title=_("key"), type="category")
    figure.update_yaxes(title=_("query"), type="category", autorange="reversed")
    return figure

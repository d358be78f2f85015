"""Several ways of following attention beside each other, as Plotly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float32

from dashboard.figures import numbered
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.tokens import Tokens


def method_names() -> dict[str, str]:
    """Name the ways of following attention for the reader."""
    return {
        "raw": _("Raw attention"),
        "rollout": _("Rollout"),
        "flow": _("Max-flow"),
        "gradient": _("Gradient × attention"),
    }


def sources_map(sources: Mapping[str, Float32[np.ndarray, "token"]], tokens: Tokens) -> go.Figure:
    """Draw the share of each input by each method, as a row each.

    Rows are divided by their sum, except the maximum flows: each of these is a number of its own.
    """
    names = method_names()
    shown = np.stack([row if name == "flow" else row / max(float(row.sum()), 1e-12) for name, row in sources.items()])
    figure = go.Figure(
        go.Heatmap(
            z=np.sqrt(shown),
            customdata=shown,
            x=numbered(list(tokens.labels)),
            y=[names[name] for name in sources],
            coloraxis="coloraxis",
            hovertemplate="%{y} · %{x}: %{customdata:.4f}<extra></extra>",
        )
    )
    ticks = [0, 0.1, 0.25, 0.5, 1]
    figure.update_layout(
        height=150 + 34 * len(sources),
        margin={"t": 10, "b": 10},
        coloraxis={
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": _("share"), "tickvals": [tick**0.5 for tick in ticks], "ticktext": ticks},
        },
    )
    figure.update_xaxes(title=_("input"), type="category")
    figure.update_yaxes(autorange="reversed", type="category")
    return figure

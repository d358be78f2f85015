"""Several ways of following attention beside each other, as Plotly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float32
from plotly.subplots import make_subplots

from dashboard.figures import numbered
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.core.tokens import Tokens


def method_names() -> dict[str, str]:
    """Name the ways of following attention for the reader."""
    return {
        "raw": _("Raw attention"),
        "rollout": _("Rollout"),
        "flow": _("Max-flow"),
        "gradient": _("Gradient × attention"),
    }


def sources_map(sources: Mapping[str, Float32[np.ndarray, " token"]], tokens: Tokens) -> go.Figure:
    """Draw what each input is to a token by each method, as a row each.

    Shares are divided by their sum and have one scale. Maximum flows are no shares, each being a problem of its own:
    they are drawn below, as they are, on a scale of their own. Of a prompt's tokens none is drawn.
    """
    names, shown = method_names(), tokens.shown
    sources = {name: row[shown] for name, row in sources.items()}
    shares = {name: row / max(float(row.sum()), 1e-12) for name, row in sources.items() if name != "flow"}
    heights = [len(shares), 1] if "flow" in sources else [1]
    figure = make_subplots(len(heights), 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=heights)
    every = numbered(tokens.labels)
    inputs = [every[i] for i in shown]

    def row(
        name: str, rows: Mapping[str, Float32[np.ndarray, " token"]], colour: np.ndarray, axis: str, at: int
    ) -> None:
        figure.add_trace(
            go.Heatmap(
                z=colour,
                customdata=np.stack(list(rows.values())),
                x=inputs,
                y=[names[one] for one in rows],
                coloraxis=axis,
                hovertemplate=f"%{{y}} · %{{x}}: %{{customdata:.4f}} ({name})<extra></extra>",
            ),
            at,
            1,
        )

    row(_("share"), shares, np.sqrt(np.stack(list(shares.values()))), "coloraxis", 1)
    ticks = [0, 0.1, 0.25, 0.5, 1]
    axes = {
        "coloraxis": {
            "cmin": 0,
            "cmax": 1,
            "colorbar": {
                "title": _("share"),
                "tickvals": [tick**0.5 for tick in ticks],
                "ticktext": ticks,
                "thickness": 12,
            },
        }
    }
    if "flow" in sources:
        flow = sources["flow"]
        row(_("flow"), {"flow": flow}, flow[None], "coloraxis2", 2)
        axes["coloraxis2"] = {
            "cmin": 0,
            "cmax": max(float(flow.max()), 1e-6),
            "colorbar": {"title": _("flow"), "tickformat": ".2~g", "nticks": 5, "thickness": 12, "x": 1.1},
        }
    figure.update_layout(height=160 + 34 * len(sources), margin={"t": 10, "b": 10}, **axes)
    figure.update_xaxes(type="category")
    figure.update_xaxes(title=_("input token"), row=len(heights))
    figure.update_yaxes(title=_("method"), autorange="reversed", type="category")
    return figure

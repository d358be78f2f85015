"""Two models beside each other, as Plotly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float64

from dashboard.figures import numbered, shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.core.card import ModelCard
    from interpret.core.latency import Latency
    from interpret.embeddings.comparison import LayerSimilarity

_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def parameter_bars(cards: Sequence[ModelCard], names: Sequence[str]) -> go.Figure:
    """Draw what each model's parameters are for."""
    figure = go.Figure()
    parts = {
        _("embeddings"): [card.parameters.get("embeddings", 0) for card in cards],
        _("layers"): [sum(n for part, n in card.parameters.items() if "layer" in part) for card in cards],
    }
    parts[_("other")] = [
        sum(card.parameters.values()) - sum(values[i] for values in parts.values()) for i, card in enumerate(cards)
    ]
    for name, values in parts.items():
        figure.add_bar(
            y=[shown(one) for one in names],
            x=values,
            name=name,
            orientation="h",
            hovertemplate="%{y}: %{x:,}" + f"<extra>{name}</extra>",
        )
    figure.update_layout(barmode="stack", height=230, margin={"t": 40, "b": 10}, legend=_LEGEND)
    figure.update_xaxes(title=_("parameters"))
    figure.update_yaxes(autorange="reversed", title=_("model"))
    return figure


def latency_strips(measured: Latency, names: Sequence[str]) -> go.Figure:
    """Draw the time of every pass of each model, with its median and middle half."""
    figure = go.Figure()
    for name, seconds in zip(names, measured.seconds, strict=True):
        figure.add_box(
            x=1000 * seconds,
            name=shown(name),
            boxpoints="all",
            jitter=0.5,
            pointpos=0,
            showlegend=False,
            hovertemplate="%{x:.2f} ms<extra></extra>",
        )
    figure.update_layout(height=230, margin={"t": 40, "b": 10})
    figure.update_xaxes(title=_("milliseconds per pass"), rangemode="tozero")
    figure.update_yaxes(autorange="reversed", title=_("model"))
    return figure


def similarity_map(similarity: LayerSimilarity, names: Sequence[str]) -> go.Figure:
    """Draw how alike each layer of the one model and each of the other are."""
    rows, columns = ([str(layer) for layer in layers] for layers in (similarity.layers, similarity.other_layers))
    few = max(len(rows), len(columns)) <= 13
    figure = go.Figure(
        go.Heatmap(
            z=similarity.cka,
            x=columns,
            y=rows,
            coloraxis="coloraxis",
            customdata=[
                [f" ± {half:.3f}" if np.isfinite(half) else "" for half in row]
                for row in similarity.cka - similarity.interval[..., 0]
            ],
            texttemplate="%{z:.2f}" if few else None,
            hovertemplate=_("hidden states {one} and {other}").format(one="%{y}", other="%{x}")
            + ": %{z:.3f}%{customdata}<extra></extra>",
        )
    )
    figure.update_layout(
        coloraxis={"cmin": 0, "cmax": 1, "colorbar": {"title": "CKA", "thickness": 10}},
        height=120 + 34 * len(rows),
        margin={"t": 20, "b": 10},
    )
    figure.update_yaxes(autorange="reversed", title=shown(names[0]), type="category")
    figure.update_xaxes(title=shown(names[1]), type="category")
    return figure


def word_bars(
    labels: Sequence[str],
    first: Float64[np.ndarray, " word"],
    second: Float64[np.ndarray, " word"],
    names: Sequence[str],
    unit: str,
) -> go.Figure:
    """Draw a number of each word by both models, side by side."""
    figure = go.Figure()
    for name, values in zip(names, (first, second), strict=True):
        figure.add_bar(
            x=numbered(list(labels)),
            y=values,
            name=shown(name),
            hovertemplate="%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="group", height=340, margin={"t": 40, "b": 10}, legend=_LEGEND)
    figure.update_yaxes(title=unit)
    figure.update_xaxes(title=_("word"), type="category")
    return figure


def cost_bars(
    labels: Sequence[str],
    values: Sequence[Sequence[tuple[float, tuple[float, float]]]],
    names: Sequence[str],
    what: str,
    unit: str,
) -> go.Figure:
    """Draw a number with its interval for each label, a bar for each vocabulary."""
    figure = go.Figure()
    for name, of_one in zip(names, values, strict=True):
        means = np.array([value for value, _ends in of_one])
        ends = np.array([ends for _value, ends in of_one])
        figure.add_bar(
            x=[shown(one) for one in labels],
            y=means,
            name=shown(name),
            error_y={"array": ends[:, 1] - means, "arrayminus": means - ends[:, 0], "thickness": 1, "width": 2},
            hovertemplate="%{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="group", height=340, margin={"t": 40, "b": 10}, legend=_LEGEND)
    figure.update_yaxes(title=unit, rangemode="tozero")
    figure.update_xaxes(title=what)
    return figure

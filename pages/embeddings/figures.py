"""Spaces, layer by layer, as Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float32

from dashboard.language import _

if TYPE_CHECKING:
    from interpret.embeddings.geometry import Geometry
    from interpret.embeddings.probing import Probe

_LEGEND = {"orientation": "h", "y": -0.28, "x": 0}


def scree(variance: Float32[np.ndarray, " component"], dims: int, most: int = 30) -> go.Figure:
    """Draw each principal component's share of the variance, those on the map set off."""
    count = min(most, len(variance))
    components = np.arange(1, count + 1)
    figure = go.Figure()
    for name, chosen in ((_("on the map"), components <= dims), (_("not on the map"), components > dims)):
        figure.add_bar(
            x=components[chosen], y=variance[:count][chosen], name=name, hovertemplate="%{x}: %{y:.1%}<extra></extra>"
        )
    figure.add_scatter(
        x=components,
        y=np.cumsum(variance)[:count],
        name=_("cumulative"),
        mode="lines+markers",
        hovertemplate=_("up to component %{x}: %{y:.1%}") + "<extra></extra>",
    )
    figure.update_layout(height=300, margin={"t": 20, "b": 10}, legend=_LEGEND, barmode="overlay")
    figure.update_xaxes(title=_("principal component"))
    figure.update_yaxes(title=_("share of variance"), tickformat=".0%", range=[0, 1.03])
    return figure


def anisotropy_curves(geometry: Geometry) -> go.Figure:
    """Draw mean cosines layer by layer, each beside what random pairs have."""
    names = [str(layer) for layer in geometry.layers]
    figure = go.Figure()
    for values, label, dash in (
        (geometry.self_similarity, _("occurrences of the same word"), "solid"),
        (geometry.intra_similarity, _("words of a text and their mean"), "solid"),
        (geometry.intra_baseline, _("random words and their mean"), "dot"),
    ):
        if values is not None:
            figure.add_scatter(x=names, y=values, name=label, mode="lines+markers", line={"dash": dash})
    figure.add_scatter(
        x=names,
        y=geometry.anisotropy,
        name=_("random pairs (anisotropy)"),
        mode="lines+markers",
        line={"dash": "dash"},
        error_y={"array": 1.96 * geometry.anisotropy_error, "thickness": 1, "width": 2},
    )
    return _lines(figure, _("mean cosine"), [min(0, float(np.nanmin(geometry.anisotropy)) - 0.02), 1.03])


def static_share(geometry: Geometry) -> go.Figure:
    """Draw how much of a word one vector could keep, beside as many random items."""
    names = [str(layer) for layer in geometry.layers]
    figure = go.Figure()
    figure.add_scatter(x=names, y=geometry.explained, name=_("occurrences of the same word"), mode="lines+markers")
    figure.add_scatter(
        x=names,
        y=geometry.explained_baseline,
        name=_("same number of random items"),
        mode="lines+markers",
        line={"dash": "dash"},
    )
    return _lines(figure, _("share explained by the first direction"), [0, 1.03])


def dimension(geometry: Geometry) -> go.Figure:
    """Draw the intrinsic dimension layer by layer."""
    figure = go.Figure()
    figure.add_scatter(
        x=[str(layer) for layer in geometry.layers],
        y=geometry.dimension,
        name=_("intrinsic dimension"),
        mode="lines+markers",
        error_y={
            "array": geometry.dimension_interval[:, 1] - geometry.dimension,
            "arrayminus": geometry.dimension - geometry.dimension_interval[:, 0],
            "thickness": 1,
            "width": 2,
        },
    )
    figure = _lines(figure, _("dimensions"), None)
    figure.update_yaxes(rangemode="tozero")
    return figure


def alignment_map(geometry: Geometry) -> go.Figure:
    """Draw how alike each two layers are."""
    names = [str(layer) for layer in geometry.layers]
    figure = go.Figure(
        go.Heatmap(
            z=geometry.similarity,
            x=names,
            y=names,
            coloraxis="coloraxis",
            texttemplate="%{z:.2f}" if len(names) <= 13 else None,
            hovertemplate=_("hidden states {one} and {other}").format(one="%{y}", other="%{x}")
            + ": %{z:.3f}<extra></extra>",
        )
    )
    figure.update_layout(
        coloraxis={"cmin": 0, "cmax": 1, "colorbar": {"title": "CKA", "thickness": 10}},
        height=110 + 34 * len(names),
        margin={"t": 20, "b": 10},
    )
    figure.update_yaxes(autorange="reversed", title=_("hidden state (0 = embeddings)"), type="category")
    figure.update_xaxes(title=_("hidden state (0 = embeddings)"), type="category")
    return figure


def probe_lines(probe: Probe) -> go.Figure:
    """Draw how separable labels are layer by layer, beside the control task and the largest class."""
    names = [str(layer) for layer in probe.layers]
    figure = go.Figure()
    for values, ends, label, dash in (
        (probe.accuracy, probe.accuracy_interval, _("labels"), "solid"),
        (probe.control, probe.control_interval, _("control task (random labels)"), "dash"),
    ):
        figure.add_scatter(
            x=names,
            y=values,
            name=label,
            mode="lines+markers",
            line={"dash": dash},
            error_y={"array": ends[:, 1] - values, "arrayminus": values - ends[:, 0], "thickness": 1, "width": 2},
        )
    majority = [probe.majority] * len(names)
    figure.add_scatter(x=names, y=majority, name=_("majority-class baseline"), mode="lines", line={"dash": "dot"})
    figure = _lines(figure, _("held-out accuracy"), [0, 1.03])
    figure.update_yaxes(tickformat=".0%")
    return figure


def _lines(figure: go.Figure, title: str, limits: list[float] | None) -> go.Figure:
    figure.update_layout(height=330, margin={"t": 20, "b": 10}, legend=_LEGEND, showlegend=True)
    figure.update_yaxes(title=title, range=limits)
    figure.update_xaxes(title=_("hidden state (0 = embeddings)"), type="category")
    return figure

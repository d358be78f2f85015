"""What kind of head is this, as Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.language import _

if TYPE_CHECKING:
    from interpret.attention.dependencies import DependencyScores
    from interpret.attention.heads import HeadStatistics

_COLUMNS = 4


def statistic_names() -> dict[str, str]:
    """Name each statistic for the reader, with its unit."""
    return {
        "entropy": _("Entropy (nats)"),
        "evenness": _("Entropy, share of uniform"),
        "confidence": _("Largest weight"),
        "distance": _("Distance (pieces)"),
        "self": _("To itself"),
        "previous": _("To the previous piece"),
        "next": _("To the next piece"),
        "first": _("To [CLS]"),
        "separator": _("To [SEP]"),
        "punctuation": _("To punctuation"),
        "own word": _("To the rest of its word"),
        "same piece": _("To the same piece elsewhere"),
        "other segment": _("To the other segment"),
    }


def pattern_labels() -> dict[str | None, str]:
    """Name each pattern for the reader; no pattern has no name."""
    return {
        None: "–",
        "previous token": _("previous token"),
        "next token": _("next token"),
        "same token": _("same token"),
        "own word": _("rest of its word"),
        "same piece elsewhere": _("same piece elsewhere"),
        "first token ([CLS])": _("first token ([CLS])"),
        "separator ([SEP])": _("separator ([SEP])"),
        "punctuation": _("punctuation"),
        "other segment": _("other segment"),
        "broad": _("broad"),
    }


def statistics_maps(statistics: HeadStatistics) -> go.Figure:
    """Draw a layer × head heat map of each statistic that has numbers; shares all on the scale from 0 to 1."""
    names = statistic_names()
    there = [name for name in statistics if not np.isnan(statistics[name]).all()]
    rows = -(-len(there) // _COLUMNS)
    titles = []
    for name in there:
        about = _("uniform {uniform} · scale 0 to {most}").format(
            uniform=f"{statistics.uniform[name]:.2f}", most=f"{_most(statistics, name):.1f}"
        )
        titles.append(f"{names[name]}<br><sub>{about}</sub>")
    layers, heads = statistics["entropy"].shape
    tall = max(150, 22 * layers)
    height = 60 + rows * (tall + 95)
    figure = make_subplots(
        rows, _COLUMNS, subplot_titles=titles, horizontal_spacing=0.05, vertical_spacing=min(1, 95 / height)
    )
    for index, name in enumerate(there):
        values = statistics[name]
        figure.add_trace(
            go.Heatmap(
                z=values,
                x=list(range(heads)),
                y=list(range(layers)),
                zmin=0,
                zmax=_most(statistics, name),
                showscale=False,
                hovertemplate=_("layer %{y}, head %{x}: %{z:.3f}") + f"<extra>{names[name]}</extra>",
            ),
            row=index // _COLUMNS + 1,
            col=index % _COLUMNS + 1,
        )
    figure.update_xaxes(dtick=max(1, heads // 6), title=None)
    figure.update_yaxes(autorange="reversed", dtick=max(1, layers // 6))
    figure.update_xaxes(title=_("head"), row=rows)
    figure.update_yaxes(title=_("layer"), col=1)
    figure.update_layout(
        height=height,
        margin={"t": 60, "b": 10, "l": 10, "r": 10},
    )
    return figure


def _most(statistics: HeadStatistics, name: str) -> float:
    """The end of a statistic's scale: shares all have the same, so that they can be compared."""
    return float(np.nanmax(statistics[name])) if name in ("entropy", "distance") else 1.0


def dependency_bars(scores: DependencyScores, most: int = 20) -> go.Figure:
    """Draw each relation's best head beside the best fixed place, the most frequent relations first."""
    relations = scores.relations[:most]
    best = [scores.best(relation) for relation in relations]
    accuracy = np.array([one[3] for one in best])
    counts = scores.counts[:most]
    error = 1.96 * np.sqrt(accuracy * (1 - accuracy) / counts)
    figure = go.Figure(
        [
            go.Bar(
                x=relations,
                y=accuracy,
                name=_("best head"),
                error_y={"array": error, "thickness": 1, "width": 2},
                customdata=[f"{layer}.{head}" for layer, head, *_rest in best],
                hovertemplate="%{x}: %{y:.3f} (%{customdata})<extra></extra>",
            ),
            go.Bar(
                x=relations,
                y=scores.baseline[:most],
                name=_("best fixed place"),
                customdata=scores.offset[:most],
                hovertemplate="%{x}: %{y:.3f} (%{customdata:+d})<extra></extra>",
            ),
        ]
    )
    figure.update_layout(
        height=380, barmode="group", margin={"t": 30, "b": 10}, legend={"orientation": "h", "y": 1.12, "x": 0}
    )
    figure.update_yaxes(title=_("share found"), range=[0, 1])
    figure.update_xaxes(title=_("relation (Universal Dependencies)"))
    return figure

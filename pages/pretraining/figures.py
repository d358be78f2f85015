"""Guesses through the layers, pairs and their scores, as Plotly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import hidden_state_names, shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.pretraining.logit_lens import LayerGuesses
    from interpret.pretraining.minimal_pairs import MinimalPairs
    from interpret.pretraining.next_sentence import NextSentenceScores
    from interpret.pretraining.tuned_lens import TunedLens


def _mark(name: str) -> str:
    """Write a token so that one of punctuation alone can be seen for what it is."""
    return shown(name) if any(map(str.isalnum, name)) else f"“{shown(name)}”"


# Both pictures of the layers stand side by side, their rows at the same height: what is below their axes lies so many
# pixels below the rows, however many there are.
_ROW, _PAD, _BELOW, _MARGIN = 40, 10, 52, {"t": 30, "b": 115, "r": 10}


def _sizes(levels: int) -> tuple[int, float]:
    """Return a picture's height, and where below the rows there is room, as a share of their height."""
    rows = _PAD + _ROW * levels
    return rows + _MARGIN["t"] + _MARGIN["b"], -_BELOW / rows


def layer_map(found: LayerGuesses) -> go.Figure:
    """Draw each level's likeliest tokens."""
    levels = hidden_state_names(range(len(found.candidates)))
    count = found.ids.shape[1]
    followed = set(found.watched.tolist())
    text = [
        [f"<b>{_mark(name)}</b>" if int(one) in followed else _mark(name) for name, one in zip(row, ids, strict=True)]
        for row, ids in zip(found.candidates, found.ids, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=np.sqrt(found.probabilities),
            customdata=np.dstack([found.probabilities, np.array(text, dtype=object)]),
            x=[str(i + 1) for i in range(count)],
            y=levels,
            text=text,
            texttemplate="%{text}",
            coloraxis="coloraxis",
            hovertemplate=_("%{y}, rank %{x}: %{customdata[1]}, probability %{customdata[0]:.4f}") + "<extra></extra>",
        )
    )
    ticks = [0, 0.1, 0.25, 0.5, 1]
    height, below = _sizes(len(levels))
    figure.update_layout(
        title={"text": _("Top {count} tokens after each layer").format(count=count), "y": 0.98, "yanchor": "top"},
        height=height,
        margin=_MARGIN,
        coloraxis={
            "cmin": 0,
            "cmax": 1,
            "colorbar": {
                "title": {"text": _("probability"), "side": "top"},
                "tickvals": [tick**0.5 for tick in ticks],
                "ticktext": ticks,
                "orientation": "h",
                "y": below,
                "yanchor": "top",
                "len": 0.7,
                "thickness": 10,
            },
        },
    )
    figure.update_xaxes(title=_("rank"), type="category")
    figure.update_yaxes(title=_("hidden state"), type="category")
    return figure


def rank_lines(found: LayerGuesses) -> go.Figure:
    """Draw the rank of the tokens that are tracked at each level."""
    levels = hidden_state_names(range(len(found.candidates)))
    figure = go.Figure()
    for level, name in enumerate(found.names):
        figure.add_scatter(
            x=found.rank[:, level] + 1,
            y=levels,
            mode="lines+markers",
            name=_mark(name),
            customdata=found.probability[:, level],
            hovertemplate=_("%{y}: rank %{x:,}, probability %{customdata:.4f}") + "<extra></extra>",
        )
    height, below = _sizes(len(levels))
    figure.update_layout(
        title={"text": _("Rank of the tracked tokens"), "y": 0.98, "yanchor": "top"},
        height=height,
        margin=_MARGIN,
        legend={"orientation": "h", "y": below, "yanchor": "top"},
        showlegend=True,
    )
    figure.update_xaxes(title=_("rank (1 is the first guess)"), type="log", dtick=1)
    # The rows of the map beside it have room above and below their middle.
    figure.update_yaxes(title=_("hidden state"), type="category", range=[-0.5, len(levels) - 0.5])
    return figure


def lens_fit(lens: TunedLens) -> go.Figure:
    """Draw how far each level's answer is from the last one's, with the plain lens and the tuned one."""
    figure = go.Figure()
    levels = hidden_state_names(range(len(lens.before)))
    # What is brought is compared text by text, so the bars of the second are those of the difference to the first.
    low, high = lens.gain[:, 0], lens.gain[:, 1]
    brought = lens.before - lens.after
    bars = {"array": brought - low, "arrayminus": high - brought, "thickness": 1, "width": 2}
    for name, values, error in ((_("Logit lens"), lens.before, None), (_("Tuned lens"), lens.after, bars)):
        figure.add_bar(x=levels, y=values, name=name, error_y=error, hovertemplate="%{x}: %{y:.2f}<extra></extra>")
    figure.update_layout(height=300, margin={"t": 10, "b": 10}, legend={"orientation": "h", "y": 1.12})
    figure.update_xaxes(title=_("hidden state"), type="category")
    figure.update_yaxes(title=_("KL divergence to the model's output (bits)"), rangemode="tozero")
    return figure


def pair_picture(found: NextSentenceScores, rows: Sequence[int]) -> go.Figure:
    """Draw the probability that each pair follows: as given, shuffled and swapped; ``rows`` are those of the file."""
    figure = go.Figure()
    for name, values in (
        (_("True pair"), found.true),
        (_("Shuffled"), found.shuffled),
        (_("Swapped"), found.swapped),
    ):
        figure.add_box(
            x=values,
            name=name,
            boxpoints="all",
            jitter=0.6,
            pointpos=0,
            marker={"size": 4, "opacity": 0.6},
            customdata=[rows[index] for index in found.indices],
            hovertemplate=_("row %{customdata}: %{x:.3f}") + "<extra></extra>",
        )
    # Seen on white and on black.
    figure.add_vline(0.5, line_dash="dash", line_width=1, line_color="#888888")
    figure.update_layout(height=300, margin={"t": 10, "b": 10}, showlegend=False)
    figure.update_xaxes(title=_("probability that the second text follows"), range=[-0.02, 1.02])
    figure.update_yaxes(title=_("pairs"), autorange="reversed")
    return figure


def preference_picture(found: MinimalPairs, titles: list[str], order: list[int]) -> go.Figure:
    """Draw for each pair, in an order, by how much the better sentence is likelier."""
    margin = found.better - found.worse
    figure = go.Figure()
    # In two colours: on either side of nothing, and a scale's low end would be the colour of the page.
    for right, name in ((True, _("better sentence likelier")), (False, _("worse sentence likelier"))):
        some = [(index + 1, i) for index, i in enumerate(order) if (margin[i] > 0) == right]
        figure.add_bar(
            x=[index for index, _i in some],
            y=[float(margin[i]) for _position, i in some],
            name=name,
            customdata=[shown(titles[i]) for _position, i in some],
            hovertemplate="%{customdata}<br>%{y:+.2f}<extra></extra>",
        )
    figure.update_layout(
        height=310,
        margin={"t": 40, "b": 10},
        bargap=0.15,
        barmode="overlay",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title=_("pairs, most confident error first"))
    figure.update_yaxes(title=_("PLL difference, better − worse (nats)"), zeroline=True)
    return figure

"""Where an answer may begin and end, as Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import numbered
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.core.question_answering import Answers

# Tokens that are shown at once, and how many of them before the answer.
_SHOWN, _BEFORE = 48, 16


def edges_bars(found: Answers, window: int) -> go.Figure:
    """Draw how likely each token of a window is the first, and the last, of the answer."""
    tokens, edges = found.tokens[window], found.edges[window]
    chosen = np.concatenate([[0], np.flatnonzero(edges.within)])
    names = [_("no answer"), *(tokens.labels[i] for i in chosen[1:])]
    labels = numbered(names)
    figure = go.Figure()
    for name, shares in zip((_("start"), _("end")), edges.probabilities[:, chosen], strict=True):
        figure.add_bar(x=labels, y=shares, name=name, hovertemplate="%{x}: %{y:.1%}" + f"<extra>{name}</extra>")
    best = next((one for one in found.answers if one.window == window), None)
    first = 0 if best is None else int(np.searchsorted(chosen, best.tokens[0]))
    begin = min(max(0, first - _BEFORE), max(0, len(labels) - _SHOWN))
    figure.update_layout(
        title=_("Where the answer begins and ends, by token"),
        height=340,
        barmode="group",
        yaxis={"title": _("Probability"), "range": [0, 1], "tickformat": ".0%"},
        xaxis={"title": _("Token of the passage"), "range": [begin - 0.5, min(len(labels), begin + _SHOWN) - 0.5]},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )
    return figure

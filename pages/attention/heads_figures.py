"""What kind of head is this, as Plotly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import shown
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.attention.dependencies import DependencyScores
    from interpret.core.vocabulary import SpecialTokens

# Relations that are drawn, the most frequent first; a table has them all.
MOST_BARS = 20


def statistic_names(special: SpecialTokens) -> dict[str, str]:
    """Name each statistic for the reader, with its unit; special tokens as the model's tokenizer calls them."""
    return {
        "entropy": _("Entropy (nats)"),
        "evenness": _("Entropy relative to uniform"),
        "confidence": _("Largest weight"),
        "distance": _("Distance (tokens)"),
        "self": _("To itself"),
        "previous": _("To the previous token"),
        "next": _("To the next token"),
        "first": _("To {token}").format(token=special.first or _("the first token")),
        "separator": _("To {token}").format(token=special.separator or _("the separator")),
        "punctuation": _("To punctuation"),
        "own word": _("To the rest of its word"),
        "same token": _("To the same token elsewhere"),
        "own segment": _("To its own segment's words"),
        "other segment": _("To the other segment's words"),
    }


def pattern_labels(special: SpecialTokens) -> dict[str | None, str]:
    """Name each pattern for the reader; no pattern has no name."""
    return {
        None: "–",
        "previous token": _("previous token"),
        "next token": _("next token"),
        "same token": _("itself"),
        "own word": _("rest of its word"),
        "same token elsewhere": _("same token elsewhere"),
        "first token": _("first token ({token})").format(token=special.first or "–"),
        "separator": _("separator ({token})").format(token=special.separator or "–"),
        "punctuation": _("punctuation"),
        "own segment": _("own segment"),
        "other segment": _("other segment"),
        "broad": _("broad"),
    }


def dependency_bars(scores: DependencyScores, most: int = MOST_BARS) -> go.Figure:
    """Draw what heads find out of fold beside what fixed offsets do, the most frequent relations first."""
    names = scores.relations[:most]
    relations = [shown(name) for name in names]
    heads = [f"{layer}.{head}" for layer, head, *_rest in map(scores.best, names)]
    rows = scores.held_out[:most]
    figure = go.Figure(
        [
            go.Bar(
                x=relations,
                y=[one.found for one in rows],
                name=_("best head (out-of-fold sentences)"),
                error_y=_whiskers([one.found for one in rows], [one.found_interval for one in rows]),
                customdata=heads,
                hovertemplate="%{x}: %{y:.3f} (%{customdata})<extra></extra>",
            ),
            go.Bar(
                x=relations,
                y=[one.baseline for one in rows],
                name=_("best fixed position (same sentences)"),
                error_y=_whiskers([one.baseline for one in rows], [one.baseline_interval for one in rows]),
                customdata=scores.offset[:most],
                hovertemplate="%{x}: %{y:.3f} (%{customdata:+d})<extra></extra>",
            ),
        ]
    )
    figure.update_layout(
        height=380, barmode="group", margin={"t": 30, "b": 10}, legend={"orientation": "h", "y": 1.12, "x": 0}
    )
    figure.update_yaxes(title=_("share found (bars: 95%)"), range=[0, 1.03])
    figure.update_xaxes(title=_("dependency relation (Universal Dependencies)"))
    return figure


def _whiskers(values: Sequence[float], intervals: Sequence[tuple[float, float]]) -> dict[str, Any]:
    middle, ends = np.array(values), np.array(intervals)
    return {"array": ends[:, 1] - middle, "arrayminus": middle - ends[:, 0], "thickness": 1, "width": 2}

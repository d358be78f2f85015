"""What kind of head is this, as Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import shown
from dashboard.language import _
from interpret.intervals import wilson

if TYPE_CHECKING:
    from interpret.attention.dependencies import DependencyScores
    from interpret.vocabulary import SpecialPieces


def statistic_names(special: SpecialPieces) -> dict[str, str]:
    """Name each statistic for the reader, with its unit; special pieces as the model's tokenizer calls them."""
    return {
        "entropy": _("Entropy (nats)"),
        "evenness": _("Entropy, share of uniform"),
        "confidence": _("Largest weight"),
        "distance": _("Distance (pieces)"),
        "self": _("To itself"),
        "previous": _("To the previous piece"),
        "next": _("To the next piece"),
        "first": _("To {piece}").format(piece=special.first or _("the first piece")),
        "separator": _("To {piece}").format(piece=special.separator or _("the separator")),
        "punctuation": _("To punctuation"),
        "own word": _("To the rest of its word"),
        "same piece": _("To the same piece elsewhere"),
        "own segment": _("To its own segment's words"),
        "other segment": _("To the other segment's words"),
    }


def pattern_labels(special: SpecialPieces) -> dict[str | None, str]:
    """Name each pattern for the reader; no pattern has no name."""
    return {
        None: "–",
        "previous token": _("previous token"),
        "next token": _("next token"),
        "same token": _("same token"),
        "own word": _("rest of its word"),
        "same piece elsewhere": _("same piece elsewhere"),
        "first token": _("first token ({piece})").format(piece=special.first or "–"),
        "separator": _("separator ({piece})").format(piece=special.separator or "–"),
        "punctuation": _("punctuation"),
        "own segment": _("own segment"),
        "other segment": _("other segment"),
        "broad": _("broad"),
    }


def dependency_bars(scores: DependencyScores, most: int = 20) -> go.Figure:
    """Draw each relation's best head beside the best fixed place, the most frequent relations first."""
    names = scores.relations[:most]
    best = [scores.best(name) for name in names]
    relations = [shown(name) for name in names]
    accuracy = np.array([one[3] for one in best])
    counts = scores.counts[:most]
    ends = np.array(
        [wilson(share * count, count) for share, count in zip(accuracy.tolist(), counts.tolist(), strict=True)]
    )
    figure = go.Figure(
        [
            go.Bar(
                x=relations,
                y=accuracy,
                name=_("best head"),
                error_y={
                    "array": ends[:, 1] - accuracy,
                    "arrayminus": accuracy - ends[:, 0],
                    "thickness": 1,
                    "width": 2,
                },
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

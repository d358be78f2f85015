"""What words did for an answer, and how far that can be believed, as Plotly."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures import shown
from dashboard.language import _
from dashboard.numbers import interval, number

if TYPE_CHECKING:
    from interpret.attribution.diagnostics import Diagnostics
    from interpret.attribution.driving_words import DrivingWord
    from interpret.attribution.faithfulness import Faithfulness

# Seen on light and on dark ground alike.
_ERASURE = {"solid": "#2f7ab9", "dash": "#c2660f"}
_LEGEND = {"orientation": "h", "y": -0.25, "x": 0}


def top_words(
    words: Sequence[str],
    scores: Sequence[float],
    unit: str,
    of: str,
    half: Sequence[float] | None = None,
    most: int = 12,
) -> go.Figure:
    """Draw the words that did most, the strongest on top, with half an interval each where there is one.

    A word that stands twice has two bars. ``of`` says what they are: words or tokens.
    """
    order = sorted(range(len(words)), key=lambda i: -abs(scores[i]))[:most]
    # Plotly puts bars of one name on top of each other.
    names = [f"{shown(words[i])}  ·{i + 1}" for i in order]
    values = [scores[i] for i in order]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=names,
            orientation="h",
            marker={"color": values, "coloraxis": "coloraxis"},
            error_x=None if half is None else _whiskers([half[i] for i in order]),
            hovertemplate="%{y}: %{x:+.4f}<extra></extra>",
        )
    )
    size = max((abs(one) for one in values), default=1.0) or 1.0
    return figure.update_layout(
        height=80 + 26 * len(order),
        margin={"t": 10, "b": 10},
        coloraxis={"cmin": -size, "cmax": size, "cmid": 0, "autocolorscale": True, "showscale": False},
        yaxis={"autorange": "reversed", "title": of},
        xaxis={"title": unit},
    )


def _whiskers(half: Sequence[float]) -> dict[str, Any]:
    return {"array": list(half), "thickness": 1.2, "width": 3, "color": "gray"}


def agreement_map(names: Sequence[str], values: np.ndarray, intervals: np.ndarray) -> go.Figure:
    """Draw the rank correlation of each two methods, with its 95% interval under it."""
    said = [
        [
            "" if np.isnan(one) else "<br>".join([number(one, ".2f"), *_in_lines(pair)])
            for one, pair in zip(row, ends, strict=True)
        ]
        for row, ends in zip(values.tolist(), intervals.tolist(), strict=True)
    ]
    # In short lines, which leave room for the numbers on a narrow page.
    labels = ["<br>".join(wrap(shown(name), 14)) for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=labels,
            y=labels,
            coloraxis="coloraxis",
            text=said,
            texttemplate="%{text}",
            # Else Plotly makes them as small as the narrowest cell wants.
            textfont={"size": 12},
            hovertemplate="%{y} · %{x}: %{text}<extra></extra>",
        )
    )
    return figure.update_layout(
        height=150 + 60 * len(names),
        margin={"t": 10, "b": 10},
        coloraxis={
            "cmin": -1,
            "cmax": 1,
            "cmid": 0,
            "autocolorscale": True,
            "colorbar": {"title": _("rank correlation"), "thickness": 10},
        },
        xaxis={"title": _("method")},
        yaxis={"title": _("method"), "autorange": "reversed"},
    )


def _in_lines(ends: Sequence[float]) -> list[str]:
    """Write an interval in lines that a narrow cell has room for; nothing where it is not known."""
    return [] if np.isnan(ends[0]) else wrap(interval(ends, ".2f"), 8)


def erasure_curves(found: Faithfulness) -> go.Figure:
    """Draw the answer as words are deleted, and as they alone are left, beside random rankings."""
    figure = go.Figure()
    limits = (0, 1) if found.unit == "probability" else (-np.inf, np.inf)
    for values, random, name, dash in (
        (found.deletion, found.random_deletion, _("deletion (top-ranked words deleted)"), "solid"),
        (found.insertion, found.random_insertion, _("insertion (only top-ranked words kept)"), "dash"),
    ):
        colour = _ERASURE[dash]
        figure.add_scatter(
            x=found.shares,
            y=values,
            name=name,
            mode="lines+markers",
            line={"dash": dash, "color": colour},
            hovertemplate="%{x:.0%}: %{y:.3f}<extra></extra>",
        )
        mean, spread = random.mean(axis=0), random.std(axis=0)
        figure.add_scatter(
            x=[*found.shares, *found.shares[::-1]],
            # A probability's band ends where probabilities do.
            y=np.clip([*(mean + spread), *(mean - spread)[::-1]], *limits),
            fill="toself",
            fillcolor=colour,
            opacity=0.16,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=found.shares,
            y=mean,
            name=_("{name}, random ranking").format(name=name),
            mode="lines",
            line={"dash": "dot", "width": 1.5, "color": colour},
            hovertemplate="%{x:.0%}: %{y:.3f}<extra></extra>",
        )
    figure.update_xaxes(title=_("share of words"), tickformat=".0%")
    figure.update_yaxes(title=_("probability") if found.unit == "probability" else _("model output"))
    return figure.update_layout(height=360, margin={"t": 10, "b": 10}, legend=_LEGEND)


def randomising(found: Diagnostics) -> go.Figure:
    """Draw how much the scores still agree as more and more layers get weights drawn anew."""
    titles = {
        "head": _("classification head"),
        "pooler": _("pooler"),
        "layers": _("all layers"),
        "embeddings": _("embeddings"),
    }
    names = [
        titles.get(stage) or _("layer {layer}").format(layer=stage.removeprefix("layer ")) for stage in found.replaced
    ]
    names = [f"+ {name}" if index else name for index, name in enumerate(names)]
    figure = go.Figure(
        go.Scatter(
            x=names,
            y=found.agreement,
            mode="lines+markers",
            name=_("rank correlation with the original model's scores"),
            showlegend=True,
            hovertemplate="%{x}: %{y:.3f}<extra></extra>",
        )
    )
    figure.add_hrect(
        y0=-found.random_agreement,
        y1=found.random_agreement,
        line_width=0,
        fillcolor="gray",
        opacity=0.15,
        name=_("shuffled scores (95%)"),
        showlegend=True,
    )
    figure.update_yaxes(title=_("rank correlation"), range=[-1.05, 1.05])
    figure.update_xaxes(title=_("randomised weights, cumulative from the top"))
    return figure.update_layout(
        height=340, margin={"t": 40, "b": 10}, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    )


def level_map(scores: np.ndarray, names: Sequence[str], levels: Sequence[str]) -> go.Figure:
    """Draw what passes through each token at each level, level 0 at the bottom."""
    figure = _score_map(scores, levels, names).update_layout(height=140 + 32 * len(levels))
    return figure.update_xaxes(title=_("token")).update_yaxes(title=_("hidden state"))


def pair_matrix(
    scores: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str, other: bool, signed: bool = True
) -> go.Figure:
    """Draw a score for each pair of words; one without a sign on a scale from 0.

    ``other`` says that the columns are words of the other text.
    """
    figure = _score_map(scores, rows, columns)
    if not signed:
        figure.update_layout(coloraxis={"cmin": 0, "cmid": None}).update_traces(
            hovertemplate="%{customdata}: %{z:.4f}<extra></extra>"
        )
    figure.update_layout(coloraxis_colorbar_title=title)
    figure.update_xaxes(title=_("word of the other text") if other else _("word"))
    figure.update_yaxes(title=_("word"), autorange="reversed")
    return figure.update_layout(height=140 + 26 * len(rows))


def _score_map(scores: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> go.Figure:
    size = float(np.abs(scores).max()) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=scores,
            # By position, for the same word may stand twice.
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            coloraxis="coloraxis",
            customdata=[[shown(f"{row} · {column}") for column in columns] for row in rows],
            hovertemplate="%{customdata}: %{z:+.4f}<extra></extra>",
        )
    )
    return figure.update_layout(
        margin={"t": 10, "b": 10},
        coloraxis={
            "cmin": -size,
            "cmax": size,
            "cmid": 0,
            "autocolorscale": True,
            "colorbar": {"title": _("score"), "thickness": 10},
        },
        xaxis={"tickvals": list(range(len(columns))), "ticktext": [shown(one) for one in columns], "tickangle": -60},
        yaxis={"tickvals": list(range(len(rows))), "ticktext": [shown(one) for one in rows]},
    )


def class_words(rows: Sequence[DrivingWord], unit: str, most: int = 12) -> go.Figure:
    """Draw the words that drive a class most, with their 95% intervals; pale where not told from doing nothing."""
    best = sorted(rows, key=lambda row: -abs(row.mean))[:most]
    figure = go.Figure(
        go.Bar(
            x=[row.mean for row in best],
            y=[f"{shown(row.word)} ({row.texts})" for row in best],
            orientation="h",
            marker={"opacity": [1.0 if row.significant else 0.35 for row in best]},
            error_x=_whiskers([row.half for row in best]),
            hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
        )
    )
    return figure.update_layout(
        height=90 + 26 * len(best),
        margin={"t": 10, "b": 10},
        yaxis={"title": _("word (number of texts)"), "autorange": "reversed"},
        xaxis={"title": unit},
    )

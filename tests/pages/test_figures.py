"""Figures name their axes, their colours and their traces; that all that pages draw do is looked at in `conftest`."""

import plotly.graph_objects as go
import pytest

from tests.figures import unnamed

AXES = {"xaxis": {"title": "step"}, "yaxis": {"title": {"text": "loss (nats)"}}}
LINE = {"x": [1, 2], "y": [3, 4]}


def lines(*names, **layout):
    return go.Figure([go.Scatter(**LINE, name=name) for name in names], {**AXES, **layout})


@pytest.mark.parametrize(
    ("figure", "missing"),
    [
        (lines(None), []),
        (lines("a", "b"), []),
        (lines(None, xaxis={"title": "<br> "}), ["axis x"]),
        (lines(None, yaxis={}), ["axis y"]),
        (lines("a", None), ["trace 1"]),
        (lines("a", "b", showlegend=False), ["legend"]),
        (go.Figure(go.Heatmap(z=[[1]], coloraxis="coloraxis"), AXES), ["colours coloraxis"]),
        (go.Figure(go.Heatmap(z=[[1]], coloraxis="coloraxis"), {**AXES, "coloraxis_colorbar_title": "bits"}), []),
        (go.Figure(go.Heatmap(z=[[1]], coloraxis="coloraxis"), {**AXES, "coloraxis_showscale": False}), []),
        (go.Figure(go.Scatter(**LINE, marker={"color": [1, 2], "colorscale": "Blues"}), AXES), ["colours None"]),
        (go.Figure(go.Scatter(**LINE, xaxis="x2"), AXES), ["axis x2"]),
        (go.Figure(go.Scatter(**LINE, xaxis="x2"), {**AXES, "xaxis2": {"showticklabels": False}}), []),
    ],
)
def test_what_has_no_name_is_found(figure, missing):
    assert unnamed(figure.to_plotly_json()) == missing

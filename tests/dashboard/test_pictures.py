"""From results to pictures: what is chosen to be drawn, and what a browser may say back."""

import numpy as np
import pytest

import interpret as it
from dashboard.analysis import Analysis
from dashboard.components.scatter import read_view
from dashboard.components.steps import MOST_ROWS, shown_keys
from dashboard.components.switches import read_off
from dashboard.subject import Subject
from dashboard.widgets.ablation_view import answer_table
from interpret.attention.ablation import Answers
from interpret.attention.head_statistics import RULES, STATISTICS
from interpret.core.vocabulary import SpecialTokens
from pages.attention.ablation_figures import distance_map, prune_curves
from pages.attention.dependencies_view import dependency_table, relation_meanings
from pages.attention.flow_figures import sources_map
from pages.attention.flow_view import answer_line, flow_downloads
from pages.attention.heads_figures import dependency_bars, pattern_labels, statistic_names
from pages.attention.heads_view import head_table, patterns_line, statistic_maps
from pages.attention.importance_view import (
    importance_downloads,
    importance_line,
    importance_maps,
    importance_table,
    verdicts_of,
)
from pages.attention.steps_view import step_table

SPECIAL = SpecialTokens("<s>", "</s>", "<mask>", "<pad>", "<unk>")


@pytest.fixture(scope="module")
def trace(_minilm):
    return it.trace(_minilm, "<b>The</b> bank of the river.")


def test_of_a_long_text_the_strongest_keys_are_drawn_in_their_order(minilm):
    long = it.trace(minilm, "The animal did not cross the street because it was too tired. " * 3)
    steps = it.attention.attention_steps(minilm, long, 3, 3, 5)
    shown = shown_keys(steps)
    assert shown == sorted(shown)
    assert len(shown) == MOST_ROWS < len(long.tokens)
    assert min(steps.weights[shown]) >= np.delete(steps.weights, shown).max()
    table = step_table(steps)
    assert all(len(column) == len(long.tokens) for column in table.values())


@pytest.mark.parametrize(
    ("value", "off"),
    [
        (None, ()),
        ("x", ()),
        ({"heads": None}, ()),
        ({"heads": [[0, 1], [0, 1], [9, 0], [0, 99], [-1, 0]]}, ((0, 1),)),
        ({"heads": [["0", "1"], [True, 1], [1.0, 2], [1]]}, ()),
        ([[5, 11], [1, 2]], ((1, 2), (5, 11))),
    ],
)
def test_switches_that_make_no_sense_are_on(value, off):
    assert read_off(value, 6, 12) == off


def test_every_statistic_and_pattern_has_a_name():
    assert set(statistic_names(SPECIAL)) == set(STATISTICS)
    assert set(pattern_labels(SPECIAL)) == {None, *(rule.pattern for rule in RULES)}


def test_statistics_are_drawn_where_there_are_any_and_shares_share_a_scale(trace):
    statistics = it.attention.head_statistics(trace)
    maps = statistic_maps(statistics, SPECIAL)
    drawn = [name for name in statistics if statistics.queries[name]]
    assert len(maps) == len(drawn) < len(statistics)
    for name, one in zip(drawn, maps, strict=True):
        np.testing.assert_array_equal(one.values, statistics[name])
        assert one.least == 0
        if name not in ("entropy", "distance"):
            assert one.most == 1
    rows = head_table(statistics, SPECIAL)
    places = sorted(zip(rows["Layer"], rows["Head"], strict=True))
    assert places == [(layer, head) for layer in range(6) for head in range(12)]
    named = [pattern != "–" for pattern in rows["Pattern"]]
    assert named == sorted(named, reverse=True)
    assert f"{sum(named)} of 72 heads match a named pattern" in patterns_line(statistics, SPECIAL)


def test_shares_are_drawn_on_one_scale_flows_on_their_own_and_text_is_text(trace):
    shares = {
        "raw": trace.attention[0, 0, 1],
        "rollout": 3 * trace.attention[1, 0, 1],
        "flow": trace.hidden[0, :, 0] ** 2,
    }
    figure = sources_map(shares, trace.tokens)
    found, flow = figure.data
    np.testing.assert_allclose(found.customdata.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.square(found.z), found.customdata, rtol=1e-5)
    assert list(found.y) == ["Raw attention", "Rollout"]
    # As they are: not divided, not among the shares, and with another scale and legend.
    np.testing.assert_array_equal(flow.z[0], shares["flow"])
    assert flow.coloraxis != found.coloraxis
    assert figure.layout[flow.coloraxis].cmax == pytest.approx(shares["flow"].max())
    titles = [figure.layout[one.coloraxis].colorbar.title.text for one in (found, flow)]
    assert titles == ["share", "flow"]
    assert "share" not in flow.hovertemplate
    assert len(sources_map({"raw": shares["raw"]}, trace.tokens).data) == 1
    assert "<" not in "".join(found.x)


def test_what_is_said_and_exported_of_a_flow_is_no_share(minilm, trace):
    shares = {"rollout": np.float32([0.5, 0.25, 0.25]), "flow": np.float32([0.9, 0.75, 0.6])}
    tokens = minilm.tokens("river")
    line = answer_line(shares, tokens, 1, 0)
    assert "Max-flow: [CLS] (0) 0.900, river (1) 0.750" in line.replace("\\", "")
    assert "Rollout: [CLS] (0) 50%" in line.replace("\\", "")
    csv = flow_downloads(Subject(minilm.spec, "river"), 0, 1, "state", tokens, shares, "stem")[0].make()
    assert csv.decode("utf-8-sig").splitlines()[0] == "#,token,rollout_share,max_flow"


def test_ablation_and_importance_figures_hold_the_results(minilm, trace):
    result = it.attention.ablate(minilm, "<i>steep</i>", heads=[(0, 0)])
    figure = distance_map(result)
    np.testing.assert_array_equal(figure.data[0].z, result.distance)
    texts = [f"the river number {i}" for i in range(12)] + [f"a loan of {i}" for i in range(12)]
    found = it.attention.head_importance(minilm, texts, ["a"] * 12 + ["b"] * 12, removals=False)
    assert len(importance_maps(found)) == 1
    curve = it.attention.importance.PruneCurve(
        np.array([0, 1]), np.float32([0, 1]), np.float32([1, 0.5]), np.float32([[0, 1]] * 2), np.float32([[0, 1]] * 2)
    )
    curves = {"gradient": curve, "removal": curve, "random 0": curve}
    flat = np.zeros_like(found.gradient)
    whole = it.attention.HeadImportance(
        **{
            **found.__dict__,
            "loss_rise": -found.gradient,
            "accuracy_drop": flat,
            "loss_rise_interval": np.float32([-1, 1]) - found.gradient[..., None],
            "accuracy_drop_interval": np.float32([-1, 1]) + flat[..., None],
            "curves": curves,
        }
    )
    _, rise, drop = importance_maps(whole)
    assert rise.least == -rise.most < 0
    # Where nothing changes at all, a scale of nothing would make noise of zeros.
    assert drop.most == pytest.approx(1 / found.texts)
    for of in ("accuracy", "loss"):
        figure = prune_curves(whole, of)
        np.testing.assert_array_equal(figure.data[0].y, getattr(curve, of))
        assert len(figure.data) == 3
        np.testing.assert_array_equal(figure.data[0].error_y.array, 1 - getattr(curve, of))
    # Nothing is told of any head: no verdict, on the page or in the readout.
    assert "increases the loss for 0 of 72 heads and decreases it for 0" in importance_line(whole)
    assert set(importance_table(whole)["Verdict"]) == {"not distinguishable from 0"}
    up = it.attention.HeadImportance(
        **{**whole.__dict__, "loss_rise_interval": np.full((6, 12, 2), [0.5, 1], np.float32)}
    )
    assert "increases the loss for 72 of 72 heads and decreases it for 0" in importance_line(up)
    assert verdicts_of(up)[0][0] == "loss increases without it (+0.5000 to +1.0000)"
    described = Analysis("attention.head_importance", minilm.spec)
    csv, json = (one.make().decode("utf-8-sig") for one in importance_downloads(described, up, "x"))
    assert {"loss_rise_low", "loss_rise_high", "importance_low", "accuracy_drop_high"} <= set(
        csv.splitlines()[0].split(",")
    )
    assert '"accuracy_interval_95"' in json


def test_answers_that_changed_most_come_first():
    answers = Answers(("",), ("good", "bad"), np.float32([[0.6, 0.4]]), np.float32([[0.1, 0.9]]))
    table = answer_table(answers)
    assert "Token" not in table
    assert set(table["Model output"]) == {"good", "bad"}
    np.testing.assert_allclose(np.abs(table["Change"]), 0.5, atol=1e-6)
    two = Answers(("1 a", "2 b"), ("x",), np.float32([[0.5], [0.5]]), np.float32([[0.6], [0.1]]))
    assert answer_table(two)["Token"] == ["2 b", "1 a"]


def test_dependencies_are_drawn_beside_their_baseline(minilm):
    trees = it.attention.read_conllu(
        b"1\tBig\t_\tADJ\t_\t_\t2\tamod\t_\t_\n2\tcats\t_\tNOUN\t_\t_\t3\tnsubj\t_\t_\n3\tsleep\t_\tVERB\t_\t_\t0\troot\t_\t_\n",
        "x",
    )
    scores = it.attention.dependency_scores(minilm, trees)
    figure = dependency_bars(scores)
    np.testing.assert_array_equal(figure.data[1].y, [one.baseline for one in scores.held_out])
    table = dependency_table(scores)
    assert table["Relation"] == list(scores.relations)
    assert table["Meaning"] == [relation_meanings()[relation] for relation in scores.relations]


@pytest.mark.parametrize(
    ("said", "layer", "selected"),
    [
        (None, 1, ()),
        ("x", 1, ()),
        ({"layer": {"cloud": "a", "layer": 2}, "selected": {"cloud": "a", "places": [3, 1, 1]}}, 2, (1, 3)),
        ({"layer": {"cloud": "b", "layer": 2}, "selected": {"cloud": "b", "places": [3]}}, 1, ()),
        ({"layer": {"cloud": "a", "layer": 3}, "selected": {"cloud": "a", "places": [-1, 9, True, "2", 0]}}, 1, (0,)),
        ({"layer": {"cloud": "a", "layer": "2"}, "selected": {"cloud": "a", "places": {"0": 1}}}, 1, ()),
    ],
)
def test_what_a_browser_says_of_a_cloud_is_checked(said, layer, selected):
    view = read_view(said, "a", layers=3, points=5, start=1)
    assert (view.layer, view.selected) == (layer, selected)

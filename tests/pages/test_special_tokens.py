"""Special tokens are called on every page as the model's own tokenizer calls them, and as no other one does."""

import re

import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

from dashboard import ROOT, cache
from tests.apps import switch
from tests.pages.test_foreign_text import protos, strings
from tests.tiny import make_checkpoint

# What each calls the token before a text and the one behind it.
OWN = {"bert": ("[CLS]", "[SEP]"), "roberta": ("<s>", "</s>")}
# BERT's names and RoBERTa's, as their tokenizers write them.
NAMES = {"bert": r"\[(CLS|SEP|MASK|PAD|UNK)\]", "roberta": r"</?s>|<(mask|pad|unk)>"}
PAGES = [
    *(("attention", {"tab": tab}) for tab in ("where", "heads", "flow", "steps", "ablation", "window")),
    *(("attributions", {"why": tab}) for tab in ("why", "quality", "layers", "pairs", "whatif")),
    *(("pretraining", {"pre": tab}) for tab in ("guess", "game", "surprise")),
    ("embeddings", {"show": "map"}),
    ("finetune", {"stage": "setup"}),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for family in OWN:
        make_checkpoint(family, root / family, loader=tf.AutoModelForSequenceClassification)
        make_checkpoint(family, root / f"{family}-guesser", loader=tf.AutoModelForMaskedLM)
    return root


@pytest.fixture
def page(models, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def said(page):
    """All that stands on a page, the options of its lists too, as it is read: without backslashes and joiners."""
    for proto in protos(page._tree):
        for _where, one in strings(proto):
            yield re.sub(r"\\(?=[!-/:-@\[-`{-~])|\N{WORD JOINER}", "", one)
        if proto.DESCRIPTOR.name in ("Selectbox", "MultiSelect"):
            yield from proto.options


ASKED = [("bert", *PAGES[0]), *(("roberta", *one) for one in PAGES)]


@pytest.mark.parametrize(("family", "name", "query"), ASKED)
def test_no_page_names_another_tokenizers_tokens(page, family, name, query):
    model = f"folder:{family}-guesser" if name == "pretraining" else f"folder:{family}"
    page.query_params.update({"model": model, "text": "the river bank was steep", "explain": "class", **query})
    switch(page, name).run()
    assert not page.exception
    found = list(said(page))
    (other,) = [one for one in OWN if one != family]
    assert [one for one in found if re.search(NAMES[other], one)] == []
    if query == {"tab": "where"}:
        first, last = OWN[family]
        # The switch that leaves them out, and the guide to the picture.
        assert f"{first} and {last}" in found
        assert any(f"**{first} and {last}** often get most of the weight" in one for one in found)

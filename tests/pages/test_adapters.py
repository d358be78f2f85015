"""A PEFT folder in the picker: the model with what it changes, and at a click without it."""

import numpy as np
import peft
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from tests.apps import switch
from tests.tiny import make_checkpoint

TEXT = "the river bank said it was tired"


@pytest.fixture
def page(tmp_path, monkeypatch):
    base = make_checkpoint("bert", tmp_path / "models/base")
    config = peft.LoraConfig(r=2, target_modules=["query"], init_lora_weights=False)
    peft.get_peft_model(tf.AutoModel.from_pretrained(base), config).save_pretrained(tmp_path / "models/adapter")
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"device": "cpu", "text": TEXT})
    return page


def shown(page):
    """The name of the model whose numbers are on the page, as its lines of Python load it."""
    return next(one.value for one in page.code if "load_encoder" in one.value)


def test_it_is_switched_off_and_on(page, tmp_path):
    page.query_params["model"] = "folder:adapter"
    switch(page, "attention").run()
    assert not page.exception
    assert page.toggle(key="adapter").value is True
    assert str(tmp_path / "models/adapter") in shown(page)
    page.toggle(key="adapter").set_value(False).run()
    assert not page.exception
    assert "False" in page.query_params["adapter"]
    assert str(tmp_path / "models/base") in shown(page)
    assert str(tmp_path / "models/adapter") not in shown(page)
    # The two are different models, whichever way they are opened.
    with_it, without = (
        it.trace(it.load_encoder(str(tmp_path / "models" / one), device="cpu"), TEXT).hidden[-1]
        for one in ("adapter", "base")
    )
    assert np.abs(with_it - without).max() > 1e-3
    page.toggle(key="adapter").set_value(True).run()
    assert "adapter" not in page.query_params
    assert str(tmp_path / "models/adapter") in shown(page)


def test_other_models_have_no_such_switch(page):
    page.query_params.update({"model": "folder:base", "adapter": "False"})
    switch(page, "attention").run()
    assert not page.exception
    assert not [one for one in page.toggle if one.key == "adapter"]
    assert "adapter" not in page.query_params


@pytest.mark.parametrize("name", ["attributions", "embeddings", "pretraining", "finetune"])
def test_every_page_opens_with_it(page, name):
    page.query_params["model"] = "folder:adapter"
    switch(page, name).run()
    assert not page.exception

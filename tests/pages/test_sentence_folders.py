"""A sentence-transformers folder on the pages: what it says is chosen at first, what else there is can be chosen."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import sentence_transformers.base.modules as base
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.analysis import python_lines
from dashboard.subject import Subject
from dashboard.widgets.models import model_options
from dashboard.widgets.target_view import TargetChoice
from interpret.attribution.targets import TARGETS
from pages.attributions.export import as_dict
from tests.apps import switch

TEXTS = ("the river bank was steep", "the bank lent money", "it was tired", "said the animals", "rich animals")


@pytest.fixture(scope="module")
def models(tiny_folders, tmp_path_factory):
    """A models folder: a sentence-transformers model, a plain one, and what a training wrote."""
    root = tmp_path_factory.mktemp("models")
    modules = [base.Transformer(str(tiny_folders["bert"]), max_seq_length=12), Pooling(24, "cls"), base.Normalize()]
    prompts = {"query": "query: ", "passage": "passage: "}
    model = SentenceTransformer(modules=modules, device="cpu", prompts=prompts, default_prompt_name="passage")
    model.save(str(root / "st"), create_model_card=False)
    shutil.copytree(tiny_folders["bert"], root / "plain")
    for step in (1000, 500):
        shutil.copytree(tiny_folders["bert"], root / f"trained/checkpoint-{step}")
    return root


@pytest.fixture
def page(models, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.session_state["pasted"] = "\n".join(TEXTS)
    page.query_params.update({"from": "pasted", "show": "neighbours", "map": "pca"})
    return page


def chosen(page, key):
    return page.selectbox(key=f"{key}:en")


def kept(page):
    return list(page.session_state["embeddings"].values())[-1]


def test_embeddings_and_neighbours_are_the_models_own_until_something_else_is_chosen(page, models):
    peer = SentenceTransformer(str(models / "st"), device="cpu")
    page.query_params.update({"model": "folder:st", "query": "steep river"})
    switch(page, "embeddings").run()
    assert not page.exception
    pooling, prompt = chosen(page, "pooling"), chosen(page, "prompt")
    assert (pooling.value, prompt.value, chosen(page, "query_prompt").value) == ("own", "passage", "query")
    assert "model's own: [CLS], L2-normalised" in pooling.options
    # What is the folder's own need not stand in the address.
    assert not {"pooling", "prompt", "query_prompt"} & set(page.query_params)
    theirs = peer.encode(list(TEXTS))
    np.testing.assert_allclose(kept(page).at(3), theirs, atol=1e-5)
    found = page.dataframe[0].value
    cosines = theirs @ peer.encode("steep river", prompt_name="query")
    np.testing.assert_allclose(sorted(found["Cosine"]), sorted(cosines), atol=1e-5)
    lines = " ".join(one.value for one in page.code)
    assert "it.embed(encoder, texts, pooling='own', prompt='passage: ')" in lines
    assert "prompt='query: '" in lines
    prompt.set_value("").run()
    np.testing.assert_allclose(kept(page).at(3), peer.encode(list(TEXTS), prompt=""), atol=1e-5)
    chosen(page, "pooling").set_value("max").run()
    assert kept(page).pooling == "max"
    assert (page.query_params["pooling"], page.query_params["prompt"]) == ("max", "")
    assert "it.embed(encoder, texts, pooling='max', prompt='')" in " ".join(one.value for one in page.code)
    # Another model begins with what it says itself.
    chosen(page, "model").set_value("folder:plain").run()
    assert kept(page).pooling == "mean"
    assert not [one for one in page.selectbox if "prompt" in one.label.lower()]
    assert not {"pooling", "prompt"} & set(page.query_params)
    chosen(page, "model").set_value("folder:st").run()
    assert (chosen(page, "pooling").value, chosen(page, "prompt").value) == ("own", "passage")


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_the_first_token_is_called_as_the_model_calls_it(tiny_folders, tmp_path, page, monkeypatch, family):
    modules = [base.Transformer(str(tiny_folders[family])), Pooling(24, "cls")]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "own" / "st"), create_model_card=False)
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path / "own"))
    page.query_params.update({"model": "folder:st"})
    switch(page, "embeddings").run()
    assert not page.exception
    name, other = ("[CLS]", "<s>")[:: 1 if family == "bert" else -1]
    options = chosen(page, "pooling").options
    assert options[0] == f"model's own: {name}"
    assert f"{name}, the first token" in options
    assert not any(other in one for one in options)


def test_a_prompt_is_one_choice_for_all_pages_and_stands_in_every_line(page):
    page.query_params.update({"model": "folder:st", "text": "the river bank"})
    for name in ("attention", "attributions"):
        switch(page, name).run()
        assert not page.exception
        assert chosen(page, "prompt").value == "passage"
        assert "prompt='passage: '" in " ".join(one.value for one in page.code)
    chosen(page, "prompt").set_value("query").run()
    assert "prompt='query: '" in " ".join(one.value for one in page.code)
    switch(page, "attention").run()
    assert "prompt='query: '" in " ".join(one.value for one in page.code)
    assert page.query_params["prompt"] == "query"
    switch(page, "embeddings").run()
    assert (chosen(page, "prompt").value, kept(page).prompt) == ("query", "query: ")
    # Two texts that are read as one pair have none, and a model without prompts neither.
    page.query_params["pair"] = "it was tired"
    page.session_state["with_pair"] = True
    page.session_state["pair"] = "it was tired"
    switch(page, "attention").run()
    assert not [one for one in page.selectbox if one.key.startswith("prompt")]
    assert "prompt=" not in " ".join(one.value for one in page.code)


def test_a_link_opens_with_what_it_says(page):
    page.query_params.update({"model": "folder:st", "pooling": "mean", "prompt": "", "show": "map"})
    switch(page, "embeddings").run()
    assert (kept(page).pooling, kept(page).prompt) == ("mean", "")
    page.query_params.update({"pooling": "sum", "prompt": "nonsense"})
    assert not page.run().exception


def test_similarity_is_the_models_own_on_every_tab_that_shows_it(page, models):
    peer = SentenceTransformer(str(models / "st"), device="cpu")
    first, second = "the river bank was steep", "money was rich"
    page.query_params.update({"model": "folder:st", "explain": "similarity", "text": first, "pair": second})
    page.query_params["why"] = "pairs"
    switch(page, "attributions").run()
    assert not page.exception
    assert (chosen(page, "pooling").value, chosen(page, "prompt").value) == ("own", "passage")
    right = float(peer.similarity(*peer.encode([first, second])))
    assert page.metric[0].value == f"{right:.3f}"
    # The prompt is no word of a picture.
    words = {word for one in page.dataframe for word in one.value.get("Word", ())}
    assert words
    assert words <= set(first.split())


def test_what_is_exported_says_how_the_vectors_were_made(page, models):
    spec = it.load_encoder(str(models / "st"), device="cpu").spec
    for pooling, prompt in (("own", "passage: "), ("mean", "")):
        asked = Subject(replace(spec, prompt=prompt), "the river", "money")
        choice = TargetChoice(asked, TARGETS["similarity"], "similarity", None, "", pooling)
        found = json.loads(
            json.dumps(as_dict(choice, it.attribution.explain(choice.target_function, "input_x_gradient")))
        )
        assert (found["pooling"], found["prompt"], found["similarity"]) == (pooling, prompt, "cosine")
        lines = python_lines(choice.target_analysis)
        assert f"target='similarity', pooling={pooling!r})" in lines
        assert f"prompt={prompt!r})" in lines
    choice = TargetChoice(Subject(spec, "the river"), TARGETS["norm"], "norm", None, "")
    assert "pooling" not in as_dict(choice, it.attribution.explain(choice.target_function, "input_x_gradient"))


def test_the_picker_offers_the_checkpoints_of_a_training(page):
    page.query_params.update({"model": "folder:trained/checkpoint-500", "show": "map"})
    switch(page, "embeddings").run()
    assert not page.exception
    assert kept(page).spec.checkpoint.name.endswith("trained/checkpoint-500")
    folders = [name for name in model_options() if name.startswith("folder:")]
    assert folders == ["folder:plain", "folder:st", "folder:trained/checkpoint-500", "folder:trained/checkpoint-1000"]

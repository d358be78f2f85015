"""Models whose head answers with one number, on the pages: a reranker's logit, a regression's value."""

import pytest
import transformers as tf
from sentence_transformers import CrossEncoder
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from tests.apps import offered, switch
from tests.slot import hold
from tests.tiny import make_checkpoint

TEXT, PAIR = "the river bank said it was tired", "the bank lent money"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    loader = tf.AutoModelForSequenceClassification
    make_checkpoint(
        "bert", root / "stars", loader=loader, id2label={0: "stars"}, label2id={"stars": 0}, problem_type="regression"
    )
    make_checkpoint("bert", root / "plain", loader=loader, num_labels=1)
    CrossEncoder(str(root / "plain"), device="cpu").save_pretrained(str(root / "reranker"))
    return root


@pytest.fixture
def page(folder, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(folder))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"device": "cpu", "methods": "input_x_gradient", "text": TEXT})
    return page


def test_a_reranker_is_asked_of_a_pair_and_answers_as_its_folder_says(page, folder):
    page.query_params["model"] = "folder:reranker"
    switch(page, "attributions").run()
    assert not page.exception
    # One text is answered too, and where the second goes is offered.
    assert offered(page, "make_room")
    page.button(key="make_room").click().run()
    page.text_area(key="pair").set_value(PAIR).run()
    assert not page.exception
    theirs = float(CrossEncoder(str(folder / "reranker"), device="cpu").predict([(TEXT, PAIR)])[0])
    assert f"score: {theirs:.3f}" in page.subheader[0].value
    assert not offered(page, "make_room")
    # Its own head answers: no classifier is asked for.
    assert not [one for one in page.selectbox if one.key and one.key.startswith("classifier")]


def test_a_regression_has_its_unit_and_the_files_value_beside_it(page, folder):
    page.query_params["model"] = "folder:stars"
    hold(page, "stars.csv", b"text,stars\nthe river bank,4.5\nit was tired,1\n", text=0, label=1)
    page.query_params["source"] = "file"
    switch(page, "attributions").run()
    assert not page.exception
    encoder = it.load_encoder(str(folder / "stars"), device="cpu")
    answer = it.attribution.target_function(encoder, "the river bank").output
    assert f"stars: {answer:.3f}".replace("-", "−") in page.subheader[0].value
    assert any("4.500" in one.value and f"{abs(answer - 4.5):.3f}" in one.value for one in page.markdown)


@pytest.mark.parametrize("model", ["stars", "reranker"])
@pytest.mark.parametrize(
    ("name", "tab"),
    [
        *(("attributions", {"why": one}) for one in ("why", "quality", "layers", "pairs", "whatif", "rows")),
        *(("attention", {"tab": one}) for one in ("where", "flow", "ablation", "window", "heads")),
        ("embeddings", {}),
        ("pretraining", {}),
        ("finetune", {}),
    ],
)
def test_every_page_and_tab_opens(page, model, name, tab):
    page.query_params.update({"model": f"folder:{model}", **tab})
    switch(page, name).run()
    assert not page.exception

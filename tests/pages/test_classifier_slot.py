"""The classifier slot: whose answer is explained, and what it is worth, above all else."""

import numpy as np
import pytest
import torch
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.language import literal
from tests.apps import listed, switch
from tests.pages.test_attributions import NOTHING
from tests.pages.test_results_page import noise, plant, right, rows_of
from tests.slot import hold
from tests.tiny import make_checkpoint

NAMES = {0: "no", 1: "yes"}
WORDS = ("the", "river", "bank", "was", "steep", "and", "lent", "money", "it", "rich", "said", "tired", "animals")


def classifier(folder, names=NAMES):
    loader = tf.AutoModelForSequenceClassification
    return make_checkpoint("bert", folder, loader=loader, num_labels=len(names), id2label=names, initializer_range=0.5)


@pytest.fixture
def page(tmp_path, tiny_folders, monkeypatch):
    cache.clear()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "plain").symlink_to(tiny_folders["bert"])
    classifier(tmp_path / "models" / "own")
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def open_page(page, **query):
    page.query_params.update({"device": "cpu", "methods": "input_x_gradient"} | query)
    return switch(page, "attributions").run()


def texts(count):
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, size=6)) for _ in range(count)]


def table(labels):
    rows = zip(texts(len(labels)), labels, strict=True)
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)


def answers(folder, some):
    encoder = it.load_encoder(str(folder), device="cpu")
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return [NAMES[int(model(**encoder.batch([encoder.tokens(one)])).logits.argmax())] for one in some]


def options(page):
    return listed(page, "classifier").options


def slot(page):
    """What is said in the slot, of all kinds of notices."""
    return [one.value for one in (*page.markdown, *page.caption, *page.error, *page.info) if "class" in one.value]


def test_a_models_own_head_answers_and_nobody_knows_how_good_it_is(page):
    open_page(page, model="folder:own", example="short")
    assert not page.exception
    assert options(page)[0] == "the model's own: own"
    assert any("no, yes" in one for one in slot(page))
    assert not any("Accuracy" in one for one in slot(page))
    assert not page.error
    # What it is was not chosen by anybody, and is the model's: an address has nothing of it.
    assert "classifier" not in page.query_params


@pytest.mark.parametrize("as_it_says", [True, False])
def test_it_is_measured_on_the_file_in_use(page, tmp_path, as_it_says):
    said = answers(tmp_path / "models" / "own", texts(60))
    assert len(set(said)) == 2
    other = {"no": "yes", "yes": "no"}
    labels = said if as_it_says else [other[one] for one in said]
    # A row whose label is none of its classes does not count.
    hold(page, "mine.csv", (table(labels) + "the river was,perhaps\n").encode())
    open_page(page, model="folder:own")
    assert not page.exception
    assert any("60 rows" in one and literal("mine.csv") in one for one in slot(page))
    if as_it_says:
        assert any(one.startswith("**Accuracy 100.0%**") and "60 rows" in one for one in slot(page))
        assert not page.error
    else:
        (red,) = (one.value for one in page.error)
        assert red.startswith(NOTHING)
        assert "**Accuracy 0.0%**" in red


def test_a_head_of_a_file_answers_in_its_place_where_it_is_chosen(page, tmp_path):
    said = answers(tmp_path / "models" / "own", texts(40))
    hold(page, "mine.csv", table(["law" if one == "no" else "sport" for one in said]).encode())
    open_page(page, model="folder:own")
    listed(page, "classifier").set_value("file").run()
    assert not page.exception
    assert options(page)[1] == "linear head, fitted to mine.csv"
    classes = page.dataframe[0].value.iloc[:, 0]
    assert sorted(classes) == ["law", "sport"]
    assert any("out-of-fold" in one for one in slot(page))
    # Of another model nobody has chosen anything.
    page.session_state["model"] = "folder:plain"
    page.run()
    assert listed(page, "classifier").value == "file"
    page.session_state["model"] = "folder:own"
    page.run()
    assert listed(page, "classifier").value == "file"


def test_the_demo_is_marked_and_answers_nobodys_file_unasked(page):
    open_page(page, model="folder:plain", example="short")
    assert listed(page, "classifier").value == "starter"
    assert any("Demo" in one.value for one in page.markdown)
    assert any("312" in one for one in slot(page))
    hold(page, "mine.csv", table(["law", "sport"] * 20).encode())
    del page.session_state["classifier"]
    page.run()
    assert listed(page, "classifier").value == "file"
    assert not any("Demo" in one.value for one in page.markdown)
    assert not any("312" in one for one in slot(page))


@pytest.mark.parametrize("learned", [True, False])
def test_a_run_can_be_chosen_and_is_measured_on_what_it_held_out(page, tmp_path, learned):
    run = plant(tmp_path / "runs", "a-run", rows_of(["no", "yes"]), right if learned else noise)
    classifier(run.folder / "model")
    plant(tmp_path / "runs", "tags", b"a O\nb O\n\nc O\nd B-X\n" * 20, noise, task="token classes")
    open_page(page, model="folder:plain", example="short")
    found = [one for one in options(page) if "a-run" in one or "tags" in one]
    # Those that classify texts.
    assert len(found) == 1
    assert "a-run" in found[0]
    listed(page, "classifier").set_value(f"run:{run.id}").run()
    assert not page.exception
    assert page.session_state["model"] == f"run:{run.id}"
    assert options(page)[0] == found[0]
    outcome = it.finetuning.read_outcome(run)
    accuracy = f"**Accuracy {outcome.results.accuracy:.1%}**"
    assert any(accuracy in one and "on 200 rows not used in training" in one for one in slot(page))
    assert bool(page.error) is not learned
    # Back to the head that needs no run.
    page.session_state["model"] = "folder:plain"
    page.run()
    assert listed(page, "classifier").value == "starter"


def test_a_run_whose_results_are_damaged_answers_still(page, tmp_path):
    run = plant(tmp_path / "runs", "a-run", rows_of(["no", "yes"]), right)
    classifier(run.folder / "model")
    (run.folder / "answers.npz").write_bytes(b"PK")
    open_page(page, model=f"run:{run.id}", example="short")
    assert not page.exception
    # One sentence says so, and what the model says and why is there.
    assert sum("answers" in one.value for one in (*page.error, *page.warning)) == 1
    assert sorted(page.dataframe[0].value.iloc[:, 0]) == ["no", "yes"]

"""The answer comes first: every class's probability, the true label where the file has it, and one class or another."""

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from tests.apps import offered, switch
from tests.slot import hold
from tests.tiny import make_checkpoint

TEXT = "the bank lent money because it was rich"
NAMES = {i: f"class **{i}**" for i in range(8)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    loader = tf.AutoModelForSequenceClassification
    make_checkpoint("bert", root / "eight", loader=loader, num_labels=8, id2label=NAMES, initializer_range=0.5)
    return root


@pytest.fixture
def page(folder, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(folder))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:eight", "device": "cpu", "methods": "input_x_gradient", "text": TEXT})
    return switch(page, "attributions")


def probabilities(folder, text=TEXT):
    """What transformers itself says."""
    encoder = it.load_encoder(str(folder / "eight"), device="cpu")
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder / "eight").eval()
    logits = model(**encoder.batch([encoder.tokens(text)])).logits[0]
    return logits.softmax(-1).detach().numpy()


def test_the_likeliest_classes_are_listed_with_their_probabilities_and_the_rest_is_summed(page, folder):
    page.run()
    assert not page.exception
    expected = probabilities(folder)
    order = np.argsort(-expected)
    table = page.dataframe[0].value
    assert list(table.iloc[:, 0]) == [NAMES[i] for i in order[:6]]
    np.testing.assert_allclose(table.iloc[:, 1], 100 * expected[order[:6]], atol=1e-3)
    assert any(f": {expected[order[6:]].sum():.1%}" in one.value for one in page.caption)
    # A name is text, whatever is in it.
    best = f"class \\*\\*{order[0]}\\*\\*, {expected[order[0]]:.1%}"
    assert best in page.subheader[0].value


def test_one_class_and_not_the_next_is_a_click_away_and_so_is_the_way_back(page, folder):
    page.run()
    first, second = np.argsort(-probabilities(folder))[:2]
    page.button(key="why_not").click().run()
    assert not page.exception
    assert page.session_state["explain"] == "contrast"
    found = list(page.session_state["attribution:input_x_gradient"].values())[-1]
    assert (found.target.index, found.target.position) == (first, second)
    assert found.output == pytest.approx(float(np.log(np.divide(*probabilities(folder)[[first, second]]))), abs=1e-3)
    # The answer is the same, whatever is explained of it.
    assert page.dataframe[0].value.iloc[0, 0] == NAMES[first]
    assert not offered(page, "why_not")
    page.button(key="why_predicted").click().run()
    assert page.session_state["explain"] == "class"
    assert offered(page, "why_not")


@pytest.mark.parametrize("right", [True, False])
def test_the_true_label_of_a_row_stands_beside_the_prediction(page, folder, right):
    best = int(np.argmax(probabilities(folder)))
    label = NAMES[best if right else (best + 1) % 8]
    hold(page, "rows.csv", f"text,label\n{TEXT},{label}\nthe river,{NAMES[0]}\n".encode())
    page.session_state["source"] = "file"
    page.run()
    assert not page.exception
    icons = [one.value.split(" ")[0] for one in page.markdown if one.value.startswith((":material/c",))]
    assert icons == [":material/check_circle:" if right else ":material/cancel:"]


@pytest.mark.parametrize("label", ["NA", "no class"])
def test_a_label_that_is_missing_or_no_class_makes_no_prediction_wrong(page, label):
    hold(page, "rows.csv", f"text,label\n{TEXT},{label}\nthe river,{NAMES[0]}\n".encode())
    page.session_state["source"] = "file"
    page.run()
    assert not page.exception
    assert not any(one.value.startswith((":material/check_circle:", ":material/cancel:")) for one in page.markdown)


def test_of_a_row_that_it_was_fitted_on_the_answer_without_it_counts(page, tiny_folders, monkeypatch):
    """Random labels of random words: a head knows them by heart, and is wrong about most of them without."""
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    page.query_params["model"] = "folder:bert"
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(TEXT.split(), 5)) + f" {i}" for i in range(24)]
    labels = [str(one) for one in draw.choice(["up", "down"], 24)]
    hold(page, "rows.csv", ("text,label\n" + "".join(map("{},{}\n".format, texts, labels))).encode())
    page.session_state["source"] = "file"
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    head = it.fit_head(encoder, texts, labels)
    wrong = next(
        i for i, (text, label) in enumerate(zip(texts, labels, strict=True)) if head.out_of_fold[text] != label
    )
    page.session_state["classifier"] = "file"
    page.query_params["row"] = str(wrong + 1)
    page.run()
    assert not page.exception
    (said,) = [
        one.value for one in page.markdown if one.value.startswith((":material/check_circle:", ":material/cancel:"))
    ]
    assert said.startswith(":material/cancel:")
    assert f"**{head.out_of_fold[texts[wrong]]}**" in said


@pytest.mark.parametrize("target", ["norm", "unit"])
def test_what_no_classifier_answers_has_no_card(page, target):
    page.session_state["explain"] = target
    page.run()
    assert not page.exception
    assert not offered(page, "why_not")
    assert not offered(page, "to_faithfulness")


def test_how_far_it_can_be_believed_is_a_click_away(page):
    page.run()
    page.button(key="to_faithfulness").click().run()
    assert page.session_state["why"] == "quality"

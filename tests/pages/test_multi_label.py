"""A model whose classes stand each by itself, on the pages: its results, its answer, and what flips it."""

import csv
import io

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.finetuning.outcome import read_outcome
from tests.apps import charts, listed, offered, switch
from tests.slot import hold
from tests.tiny import make_checkpoint

WORDS = {"bank": "money", "river": "steep", "*rest* :red[x]": "tired"}


def content(count=48):
    random = np.random.default_rng(0)
    lines = ["text,topics,id"]
    for number in range(count):
        given = [name for name in WORDS if random.random() < 0.5]
        words = " ".join([WORDS[name] for name in given] + ["the", "was"])
        lines.append(f"{words} {number},{'; '.join(given) or '[]'},{number}")
    return "\n".join(lines).encode()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    folder = make_checkpoint("bert", root / ".base", initializer_range=0.05)
    recipe = it.Recipe(model=str(folder), epochs=1, learning_rate=5e-3, batch_size=8, device="cpu", held_out=0.4)
    request = it.runs.Request(recipe, "topics", "mine.csv", text="text", label="topics", task="multi-label")
    found = it.finetune(root / "20260101-000000-1", request, content())
    assert found.state == "done", found.error
    return found


@pytest.fixture
def page(run, monkeypatch, tmp_path):
    cache.clear()
    root = tmp_path / "models"
    make_checkpoint(
        "bert",
        root / "several",
        loader=tf.AutoModelForSequenceClassification,
        problem_type="multi_label_classification",
        id2label=dict(enumerate(WORDS)),
        label2id={name: index for index, name in enumerate(WORDS)},
        initializer_range=0.5,
    )
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(root))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(run.folder.parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "kept"))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params["device"] = "cpu"
    return page


def test_results_are_those_of_the_run(page, run):
    page.query_params.update({"run": run.id, "stage": "watch"})
    switch(page, "finetune").run()
    assert not page.exception
    assert not page.warning
    outcome = read_outcome(run)
    found = outcome.results
    values = [one.value for one in page.metric]
    wanted = [f"{one:.1%}" for one in (found.micro_f1, found.macro_f1, found.exact, found.baseline)]
    assert any(values[i : i + 4] == wanted for i in range(len(values)))
    assert "thresholds" in charts(page)
    table = next(one.value for one in page.dataframe if "F1" in one.value)
    assert table.iloc[:, 0].tolist() == sorted(WORDS)
    assert table.iloc[:, 1].tolist() == found.truth.sum(axis=0).tolist()
    rows = next(one.value for one in page.dataframe if len(one.value) == len(outcome.texts))
    # What is true stands there once, whatever the file calls it.
    assert list(rows) == ["Text", "True", "Prediction", "Row", "id"]
    assert rows.iloc[: len(found.mistakes)].iloc[:, 3].tolist() == [outcome.origin.numbers[i] for i in found.mistakes]
    # Another class has thresholds of its own.
    listed(page, "threshold_class").set_value("2").run()
    assert not page.exception


def test_all_rows_are_taken_along(run):
    from pages.finetune.result_views.multi_label import _all_rows

    outcome = read_outcome(run)
    table = outcome.origin.beside(_all_rows(outcome, outcome.results))
    given = {row["id"]: row for row in csv.DictReader(io.StringIO(content().decode()))}
    for index, number in enumerate(table["id"]):
        assert table["true"][index] == "; ".join(sorted(given[number]["topics"].replace("[]", "").split("; "))).strip()
        own = [name for name in outcome.labels if table[f"p({name})"][index] >= 0.5]
        assert table["predicted"][index] == "; ".join(own)


@pytest.mark.parametrize("label", ["bank; river", "", "[]"])
def test_the_answer_names_all_classes_that_are_given(page, label):
    page.query_params.update({"model": "folder:several", "methods": "input_x_gradient", "source": "file"})
    text = "the river bank was steep and rich"
    hold(page, "mine.csv", f"text,topics\n{text},{label}\nmoney,bank\n".encode(), text=0, label=1)
    switch(page, "attributions").run()
    assert not page.exception
    encoder = it.load_encoder(page.query_params["model"].replace("folder:", f"{_models()}/"), "cpu")
    function = it.attribution.target_function(encoder, text)
    chances = function.probabilities(function.own[None])[0]
    said = page.subheader[0].value
    for name, chance in zip(encoder.task.labels, chances, strict=True):
        assert (name.split(" ")[0].strip("*") in said) == (chance >= 0.5)
    # There is no accuracy of one answer.
    assert not any("Accuracy" in one.value for one in page.markdown)
    assert not offered(page, "why_not")


def _models():
    import os

    return os.environ["BERTOSCOPE_MODELS"]


@pytest.mark.parametrize("tab", ["why", "quality", "layers", "pairs", "whatif", "rows"])
def test_every_tab_opens(page, tab, run):
    page.query_params.update({"model": f"run:{run.id}", "methods": "input_x_gradient", "text": "the steep was money"})
    page.query_params["why"] = tab
    switch(page, "attributions").run()
    assert not page.exception
    assert not [one.value for one in page.error if "unexpected" in one.value]
    if tab == "whatif":
        assert any(one.key == "turning:start" for one in page.button)


def test_it_can_be_chosen_for_a_file_with_several_labels(page):
    hold(page, "mine.csv", content(), text=0, label=1)
    page.session_state["data"] = "file"
    switch(page, "finetune").run()
    # Classes that exclude each other are refused, and it says what to choose.
    assert any("multi" in one.value for one in (*page.warning, *page.error))
    page.segmented_control(key="task:en").set_value("multi-label").run()
    assert not page.exception
    assert not any("multi" in one.value for one in (*page.warning, *page.error))
    assert charts(page)

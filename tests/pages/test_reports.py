"""Reports where they are offered: of a whole file, of one text, and of a run on both pages that show it."""

import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.attribution.methods import METHODS
from tests.apps import offered, switch
from tests.pages.test_results_page import plant, right, rows_of
from tests.slot import hold
from tests.tiny import make_checkpoint

ROWS = "case,complaint,product\n" + "".join(
    f"C-{i},the {('bank lent money', 'river was steep')[i % 2]} {i},{('money', 'water')[i % 2]}\n" for i in range(30)
)


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:bert", "device": "cpu"})
    return page


def open_page(page, name, **query):
    page.query_params.update(query)
    switch(page, name).run()
    assert not page.exception
    return page


def made(page, key):
    """Make a report, and return it as JSON has it."""
    page.button(key=f"report:{key}:start").click().run()
    assert not page.exception
    assert {f"report:{key}:html", f"report:{key}:json"} <= {one.key for one in page.get("download_button")}
    (document,) = page.session_state[f"report:{key}"].values()
    return document


def test_of_a_whole_file_with_the_rows_that_were_typed(page):
    hold(page, "mine.csv", ROWS.encode())
    page.session_state["rows_method"] = "saliency"
    open_page(page, "attributions", why="rows")
    page.button(key="rows:start").click().run()
    # Without signs nothing speaks for or against.
    page.button(key="report:rows:start").click().run()
    assert not page.exception
    (said,) = (one.value for one in page.warning)
    assert METHODS["saliency"].title in said
    assert not [one for one in page.get("download_button") if one.key.startswith("report:")]
    page.session_state["rows_method"] = "input_x_gradient"
    page.run()
    page.button(key="rows:start").click().run()
    page.text_input(key="report_rows").set_value("3, 17").run()
    document = made(page, "rows")
    assert (document["file"]["name"], document["file"]["rows_read"]) == ("mine.csv", 30)
    assert [document["rows"][one["index"]]["row"] for one in document["cases"]] == [3, 17]
    assert document["rows"][2]["columns"]["case"] == "C-2"
    assert document["training"]["kind"] == "linear head"


def test_a_number_of_no_row_is_a_sentence(page):
    hold(page, "mine.csv", ROWS.encode())
    page.session_state["rows_method"] = "input_x_gradient"
    open_page(page, "attributions", why="rows")
    page.button(key="rows:start").click().run()
    page.text_input(key="report_rows").set_value("3, 99").run()
    assert not page.exception
    assert any("99" in one.value for one in (*page.error, *page.warning))
    assert page.text_input(key="report_rows").value == "3, 99"


def test_of_one_text(page):
    open_page(page, "attributions", text="the bank lent money", methods="input_x_gradient")
    document = made(page, "text")
    assert [row["text"] for row in document["rows"]] == ["the bank lent money"]
    assert document["accuracy"] == []


@pytest.mark.parametrize("name", ["finetune", "runs"])
def test_of_a_run_where_its_results_are(page, tmp_path, name):
    run = plant(tmp_path / "runs", "mine", rows_of(["no", "yes"], 60), right)
    loader, names = tf.AutoModelForSequenceClassification, {0: "no", 1: "yes"}
    make_checkpoint("bert", run.folder / "model", loader=loader, num_labels=2, id2label=names)
    open_page(page, name, stage="watch")
    document = made(page, "run")
    assert document["training"]["kind"] == "run"
    outcome = it.finetuning.read_outcome(run)
    assert [row["row"] for row in document["rows"]] == list(outcome.origin.numbers)


def test_of_a_run_that_gives_no_class_none_is_offered(page, tmp_path):
    plant(tmp_path / "runs", "tags", b"a O\nb O\n\nc O\nd B-X\n" * 20, right, task="token classes")
    open_page(page, "finetune", stage="watch")
    assert not offered(page, "report:run:start")

"""What a training starts from, what presets set, and that neither changes behind anybody's back."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.data_slot import SLOT
from interpret.finetuning.worker import work
from pages.finetune.findings import attention_finding, vectors_finding, weights_finding
from tests.apps import listed, offered, switch
from tests.slot import hold
from tests.tiny import TEXT, make_checkpoint

ROWS = "text,label\n" + "\n".join(f"{TEXT.split()[i % 9]} {TEXT.split()[i % 7]} {i},{'ab'[i % 2]}" for i in range(60))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for family in ("bert", "electra"):
        make_checkpoint(family, root / family)
    # Wide enough that other rates suit it.
    make_checkpoint("bert", root / "wide", hidden_size=512, num_attention_heads=4, intermediate_size=16)
    return root


@pytest.fixture
def page(models, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.start", lambda *runs: [work(run.folder) for run in runs])
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.session_state["device"] = "cpu"
    page.session_state["model"] = "folder:bert"
    hold(page, "rows.csv", ROWS.encode())
    return page


def go(page, name="finetune"):
    switch(page, name).run()
    assert not page.exception
    return page


def run_of(tmp_path):
    run = it.runs.list_runs(tmp_path / "runs")[0]
    assert run.state == "done", run.error
    return run


def preset(page):
    return page.segmented_control(key="recipe:en")


def test_from_a_file_in_the_slot_one_click_trains(page, tmp_path):
    go(page)
    assert page.session_state["base"] == "folder:bert"
    # In the order of the page: it stands before all else.
    first = next(one for one in page.main if one.type == "markdown")
    assert "bert" in first.value
    assert preset(page).value == "quick"
    page.button(key="start").click().run()
    run = run_of(tmp_path)
    assert (run.request.data, run.request.base, run.request.recipe.frozen) == (
        "rows.csv",
        "bert",
        ("embeddings", "0"),
    )


def test_neither_the_sidebar_nor_a_run_that_is_opened_changes_the_base_or_what_was_typed(page, tmp_path):
    go(page)
    page.number_input(key="epochs").set_value(1).run()
    page.number_input(key="batch").set_value(5).run()
    page.toggle(key="balanced").set_value(True).run()
    page.button(key="start").click().run()
    run = run_of(tmp_path)

    def unchanged():
        page.session_state["stage"] = "setup"
        # As a browser does that goes from page to page: the address begins anew.
        page.query_params.clear()
        go(page)
        assert page.session_state["base"] == "folder:bert"
        assert page.number_input(key="epochs").value == 1
        assert page.number_input(key="batch").value == 5
        assert page.toggle(key="balanced").value
        assert preset(page).value == "custom"

    unchanged()
    # The run is opened elsewhere: used on all pages, and looked into.
    page.session_state["stage"] = "watch"
    go(page)
    page.button(key="next:use").click().run()
    assert page.session_state["model"] == f"run:{run.id}"
    go(page, "attention")
    unchanged()
    # So is another model in the sidebar.
    page.session_state["model"] = "folder:electra"
    go(page, "embeddings")
    unchanged()
    page.button(key="start").click().run()
    again = run_of(tmp_path)
    assert again.id != run.id
    assert (again.request.base, again.request.parent) == ("bert", "")
    assert (again.request.recipe.epochs, again.request.recipe.batch_size) == (1, 5)


def test_a_training_goes_on_from_a_run_where_somebody_says_so(page, tmp_path):
    go(page)
    page.number_input(key="epochs").set_value(1).run()
    page.button(key="start").click().run()
    first = run_of(tmp_path)
    page.button(key="next:go_on").click().run()
    assert not page.exception
    assert page.session_state["stage"] == "setup"
    assert page.session_state["base"] == f"run:{first.id}"
    # What the other pages show stays, and so does what was typed.
    assert page.session_state["model"] == "folder:bert"
    assert page.number_input(key="epochs").value == 1
    page.button(key="start").click().run()
    second = run_of(tmp_path)
    assert second.request.parent == first.id
    # Gone, it is said, and nothing else is taken in its place.
    it.runs.delete_run(first)
    page.session_state["stage"] = "setup"
    go(page)
    assert page.session_state["base"] == f"run:{first.id}"
    assert len(page.warning) == 1
    assert not offered(page, "start")


def test_a_run_in_the_sidebar_is_not_what_the_first_training_starts_from(page):
    page.session_state["model"] = "run:somebody-looks-at-it"
    page.session_state["data"] = "file"
    switch(page, "finetune").run()
    assert page.session_state["base"] == "minilm"
    assert page.query_params["base"] in ("minilm", ["minilm"])


def test_an_address_has_the_base(page):
    page.query_params["base"] = "folder:electra"
    go(page)
    assert page.session_state["base"] == "folder:electra"
    assert page.session_state["model"] == "folder:bert"


def test_a_preset_sets_every_field_and_says_where_one_was_changed(page):
    go(page)
    quick = page.number_input(key="epochs").value
    preset(page).set_value("careful").run()
    assert not page.exception
    assert page.number_input(key="epochs").value == 3 * quick
    assert page.number_input(key="patience").value == 2
    assert page.number_input(key="decay").value == 0.95
    assert listed(page, "preset:").value == "nothing"
    assert preset(page).value == "careful"
    preset(page).set_value("lora").run()
    assert page.toggle(key="lora").value
    assert page.number_input(key="patience").value == 0
    page.slider(key="warm_up").set_value(0.2).run()
    assert preset(page).value == "custom"
    assert "LoRA" in preset(page).options[-1]
    preset(page).set_value("quick").run()
    assert page.slider(key="warm_up").value == 0.1
    assert not page.toggle(key="lora").value
    assert page.number_input(key="epochs").value == quick
    # A layer is a field too.
    next(one for one in page.toggle if one.label == "Layer 2").set_value(True).run()
    assert preset(page).value == "custom"


def test_a_preset_follows_the_base_and_what_was_typed_does_not(page):
    go(page)
    small = page.number_input(key="rate").value
    page.session_state["base"] = "folder:wide"
    go(page)
    assert preset(page).value == "quick"
    assert page.number_input(key="rate").value == pytest.approx(small / 4)
    listed(page, "preset:").set_value("embeddings").run()
    page.number_input(key="rate").set_value(7e-5).run()
    page.session_state["base"] = "folder:bert"
    go(page)
    assert page.number_input(key="rate").value == pytest.approx(7e-5)
    assert listed(page, "preset:").value == "embeddings"
    assert preset(page).value == "custom"


def test_an_error_is_explained_as_the_row_of_the_file_that_it_is(page, tmp_path):
    go(page)
    page.number_input(key="epochs").set_value(1).run()
    page.button(key="start").click().run()
    run = run_of(tmp_path)
    outcome = it.finetuning.read_outcome(run)
    worst = int(outcome.results.mistakes[0])
    page.button(key="next:explain").click().run()
    assert not page.exception
    assert page.session_state["model"] == f"run:{run.id}"
    assert page.session_state["source"] == "file"
    (file,) = SLOT.files(page.session_state["visitor"])
    assert page.session_state[state.FILE_ROW.of(file.key)] == outcome.origin.numbers[worst] - 1
    assert page.session_state["base"] == "folder:bert"


def test_the_findings_say_what_their_numbers_do():
    moved = {"embeddings": 0.0, "0": 0.0, "1": 0.01, "2": 0.04, "head": 3.0}
    said = weights_finding(moved)
    assert said.index("4.00%") < said.index("1.00%")
    assert "300" not in said
    assert "1 layer " in said
    array = np.array([[0.1, 0.2], [0.0, 0.0], [0.0, 0.7]], np.float32)
    same, other = attention_finding(array, moved), attention_finding(array, {**moved, "1": 0.9})
    assert "0.700" in same
    assert same != other
    assert attention_finding(np.zeros((2, 2), np.float32), moved) == attention_finding(np.zeros((3, 1), np.float32), {})
    vectors = vectors_finding([1.0, 0.9, 0.25, 0.5], 40)
    assert vectors.index("0.250") < vectors.index("1.000")
    assert "layer 1" in vectors

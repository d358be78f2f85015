"""Runs that were made before settings had their names are read, and resumed to the same numbers.

The archive holds two runs of commit 544a672, made by its own code: one that was stopped after 7 of 18 steps, and the
same one to its end. ``MODEL`` in their files stands for the folder of the tiny model beside them.
"""

import json
import zipfile
from pathlib import Path

import pytest

import interpret as it
from interpret.finetuning.run_control import resume_run
from interpret.finetuning.runs import read_run
from interpret.finetuning.worker import work


@pytest.fixture
def before(tmp_path):
    """The folder with both runs."""
    with zipfile.ZipFile(Path(__file__).with_name("runs_of_before.zip")) as archive:
        archive.extractall(tmp_path)
    for name in ("stopped", "done"):
        file = tmp_path / name / "request.json"
        file.write_text(file.read_text("utf-8").replace("MODEL", str(tmp_path / "bert")), "utf-8")
    return tmp_path


def lines(folder):
    return [json.loads(one) for one in (folder / "told.jsonl").read_text("utf-8").splitlines()]


def test_what_was_asked_and_what_came_of_it_is_read(before):
    run = read_run(before / "done")
    assert run.state == "done", run.error
    request, recipe = run.request, run.request.recipe
    asked = json.loads((before / "done" / "request.json").read_text("utf-8"))
    old = asked["recipe"]
    assert recipe == it.Recipe(
        model=old["model"],
        head="linear",
        frozen=("embeddings", "0", "1"),
        learning_rate=0.01,
        layerwise_lr_decay=0.9,
        epochs=3,
        batch_size=4,
        max_length=32,
        warmup=0.2,
        patience=1,
        held_out=0.25,
        device="cpu",
        precision="float32",
        regularization="none",
        regularization_strength=0.5,
        mask_rate=0.2,
        short_rate=0.3,
        snapshots=0,
    )
    # None of the old names is forgotten: each is a setting now, or is called as it was.
    assert len(old) == len(recipe.__dataclass_fields__)
    assert (request.data, request.test_data, request.passage_words) == ("rows.csv", "test.csv", 60)
    assert request.probes == ("the river had money",)
    log = it.runs.read_metrics(run.folder)
    assert len(log.number) == 18
    assert log.damaged == 0
    outcome = it.finetuning.read_outcome(run)
    assert outcome.results.accuracy == run.facts["accuracy"] == 1.0
    assert len(outcome.texts) == run.facts["judged"] == 20


def test_it_is_written_in_todays_names_and_read_again(before):
    request = read_run(before / "done").request
    written = json.loads(request.to_json())
    assert not {"judged", "words"} & set(written)
    assert not {"layer_decay", "batch", "max_tokens", "warm_up", "hold", "masked"} & set(written["recipe"])
    assert it.runs.Request.from_json(request.to_json()) == request


def test_a_setting_is_named_once(before):
    asked = json.loads((before / "done" / "request.json").read_text("utf-8"))
    asked["recipe"]["batch_size"] = 8
    with pytest.raises(it.InputError, match="“batch” and “batch_size”"):
        it.runs.Request.from_json(json.dumps(asked))


def test_one_that_was_stopped_is_resumed_to_the_same_numbers(before):
    run = read_run(before / "stopped")
    assert (run.state, run.step) == ("stopped", 7)
    resume_run(run)
    run = work(run.folder)
    assert run.state == "done", run.error
    resumed, whole = ([one["loss"] for one in lines(before / name)] for name in ("stopped", "done"))
    assert len(whole) == 18 + 3
    # The machine that made them may have rounded otherwise.
    assert resumed == pytest.approx(whole, rel=1e-3)
    assert run.facts["loss"] == pytest.approx(read_run(before / "done").facts["loss"], rel=1e-3)

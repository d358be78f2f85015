"""The record in MLflow: notes, names that move, and a server that does not answer."""

from dataclasses import replace

import pytest

import interpret as it
from interpret.finetuning.record import connect
from interpret.finetuning.request import Request
from interpret.finetuning.run_records import delete_record, drop_alias, read_record, set_alias, write_note
from interpret.finetuning.runs import new_run
from interpret.finetuning.worker import work


@pytest.fixture
def runs(recipe, rows, tmp_path):
    request = Request(replace(recipe, epochs=1, frozen=("embeddings", "0", "1", "2")), "one", "rows.csv", label="kind")
    return [work(new_run(tmp_path, replace(request, name=name), rows).folder) for name in ("one", "two")]


def test_notes_and_names(runs, tmp_path):
    second, first = read_record(tmp_path)
    assert [first.name, second.name] == ["one", "two"]
    assert [first.run, second.run] == [run.id for run in runs]
    assert first.params["label"] == "kind"
    assert first.metrics["final_accuracy"] == runs[0].facts["accuracy"]
    write_note(tmp_path, first.id, "the <b>first</b> one; 第一")
    set_alias(tmp_path, first.id, "champion")
    assert read_record(tmp_path)[1].note == "the <b>first</b> one; 第一"
    assert read_record(tmp_path)[1].aliases == ("champion",)
    # A name is one model's at a time, and MLflow's own registry knows whose.
    set_alias(tmp_path, second.id, "champion")
    assert [one.aliases for one in read_record(tmp_path)] == [("champion",), ()]
    client = connect(tmp_path)
    assert client.get_model_version_by_alias("bertoscope", "champion").run_id == second.id
    set_alias(tmp_path, second.id, "2nd_try"[1:])
    drop_alias(tmp_path, "champion")
    assert read_record(tmp_path)[0].aliases == ("nd_try",)
    delete_record(tmp_path, second.id)
    assert [one.name for one in read_record(tmp_path)] == ["one"]
    with pytest.raises(it.InputError, match="“a b” cannot be an alias"):
        set_alias(tmp_path, first.id, "a b")


def test_a_record_that_does_not_answer_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(it.InputError, match="127.0.0.1:9 does not respond"):
        read_record(tmp_path)


def test_an_empty_record_is_empty(tmp_path):
    assert read_record(tmp_path) == []

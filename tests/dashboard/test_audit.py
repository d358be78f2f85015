"""What is written down of who did what."""

import json
import threading
from types import SimpleNamespace

import pytest

import interpret as it
from dashboard import audit, jobs
from dashboard.widgets import run_actions
from interpret.core.process_state import write_state
from tests.dashboard.test_sign_in import PHRASE, Behind, give


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def run(folder):
    request = it.runs.Request(it.Recipe(device="cpu"), "mine = 我的", "rows.csv")
    return it.runs.new_run(folder, request, b"text,label\na,b\n")


def lines(folder):
    return [json.loads(line) for line in (folder / audit.NAME).read_text("utf-8").splitlines()]


def signed_in(monkeypatch, name):
    monkeypatch.setattr(audit, "person", lambda: name and SimpleNamespace(name=name))


def test_what_is_started_stopped_taken_and_deleted_is_written_down_with_who_did_it(folder, run, monkeypatch):
    monkeypatch.setattr(jobs, "_spawn", lambda *_module: SimpleNamespace(pid=1))
    monkeypatch.setattr(jobs, "_take", lambda: None)
    monkeypatch.setattr(jobs, "_send", lambda _process, _folders: True)
    signed_in(monkeypatch, "Ana")
    jobs.start(run)
    write_state(run.folder, state="stopped")
    stopped = it.runs.read_run(run.folder)
    # Nobody is at work on it: there is nothing to stop, and nothing is said to have been.
    run_actions.stop(stopped)
    signed_in(monkeypatch, "李雷")
    run_actions.packed(stopped, run.folder)
    signed_in(monkeypatch, None)
    run_actions._delete(stopped, lambda: None)
    assert not run.folder.exists()
    found = [(one["who"], one["what"], one["kind"], one["id"], one["name"]) for one in lines(folder)]
    assert found == [
        (who, what, "run", run.id, "mine = 我的")
        for who, what in (("Ana", "started"), ("李雷", "downloaded"), ("", "deleted"))
    ]
    # What is no run is passed over where runs are listed.
    assert it.runs.list_runs(folder) == []


def test_a_run_that_is_stopped_is_written_down(folder, run, monkeypatch):
    signed_in(monkeypatch, "Ana")
    run_actions.stop(run)
    assert [one["what"] for one in lines(folder)] == (["stopped"] if run.active else [])


def test_who_comes_in_and_who_is_refused_is_written_down_without_what_they_typed(folder, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_PASSWORD", PHRASE)
    app = audit_app()
    give(app, "Ana", "a wrong one")
    give(app, "Ana")
    found = lines(folder)
    assert [(one["what"], one["who"], one["address"]) for one in found] == [
        ("refused", "Ana", "10.0.0.1"),
        ("signed in", "Ana", "10.0.0.1"),
    ]
    written = (folder / audit.NAME).read_text("utf-8")
    assert PHRASE not in written
    assert "a wrong one" not in written


def audit_app():
    from dashboard.sign_in import SignIn

    return SignIn(Behind(), on_entry=audit.note_entry)


def test_lines_of_several_threads_stay_whole_and_a_long_log_gives_way(folder, monkeypatch):
    monkeypatch.setattr(audit, "MOST_BYTES", 20_000)

    def write(number):
        for i in range(50):
            audit.note_entry("signed in", f"{number}:{i} 名" * 3, "10.0.0.1")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    both = [
        json.loads(x) for name in (audit.BEFORE, audit.NAME) for x in (folder / name).read_text("utf-8").splitlines()
    ]
    assert {one["who"] for one in both} <= {f"{number}:{i} 名" * 3 for number in range(4) for i in range(50)}
    # The newest are there.
    assert both[-1]["who"].endswith(":49 名")
    assert (folder / audit.NAME).stat().st_size <= 20_300


def test_nothing_fails_because_it_cannot_be_written_down(tmp_path, monkeypatch, caplog):
    (tmp_path / "runs").write_text("a file in the folder's place")
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    audit.note_entry("signed in", "Ana", "10.0.0.1")
    assert "the audit log cannot be written" in caplog.text

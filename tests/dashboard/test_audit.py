"""What is written down of who did what."""

import functools
import json
import os
import threading
from types import SimpleNamespace

import pytest

import interpret as it
from dashboard import audit, jobs
from dashboard.sign_in.people import by_name
from dashboard.widgets import run_actions
from interpret.core.process_state import identity, write_state
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
    """Return what is written down, of who was refused first."""
    files = sorted(folder.glob("audit-*.jsonl"), key=lambda path: "refused" not in path.name)
    return [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]


def signed_in(monkeypatch, name):
    # Of who may have every run: see `tests.dashboard.test_ownership` for whose they are.
    monkeypatch.setattr(audit, "person", lambda: by_name(name, True) if name else None)


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
    # What is saved is made in a thread of no session: who it is for is known before.
    save = functools.partial(run_actions.packed, stopped, run.folder, audit.reader())
    signed_in(monkeypatch, None)
    thread = threading.Thread(target=save)
    thread.start()
    thread.join(20)
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
    # Of a process that lives.
    write_state(run.folder, state="waiting", **identity(os.getpid()))
    at_work = it.runs.read_run(run.folder)
    assert at_work.active
    run_actions.stop(at_work)
    assert (run.folder / "stop").exists()
    assert [(one["who"], one["what"]) for one in lines(folder)] == [("Ana", "stopped")]


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
    assert PHRASE not in str(found)
    assert "a wrong one" not in str(found)


def audit_app():
    from dashboard.sign_in.gate import SignIn

    return SignIn(Behind(), on_entry=audit.note_entry)


def test_lines_stay_whole_whoever_writes_and_whatever_is_in_them(folder):
    def write(number):
        for i in range(50):
            audit.note_entry("signed in", f"{number}:{i}\u2028\n\x85名", "10.0.0.1")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert {one["who"] for one in lines(folder)} == {f"{n}:{i}\u2028\n\x85名" for n in range(4) for i in range(50)}
    # Another app's last line, which found no more room on the disk.
    (path,) = folder.glob("audit-*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"time": "2026')
    audit.note_entry("signed in", "Ana", "10.0.0.1")
    assert path.read_bytes().startswith(whole + b'{"time": "2026\n{')
    assert json.loads(path.read_bytes().splitlines()[-1])["who"] == "Ana"


def test_who_is_refused_again_and_again_fills_no_disk_and_hides_nobody(folder, monkeypatch):
    monkeypatch.setattr(audit, "MOST_REFUSED", 2_000)
    audit.note_entry("signed in", "Ana", "10.0.0.1")
    for _ in range(100):
        audit.note_entry("refused", "x" * 60, "10.0.0.2")
    sizes = {path.name[:14]: path.stat().st_size for path in folder.glob("audit-*.jsonl")}
    assert sizes["audit-refused-"] <= 2_200
    assert [one["who"] for one in lines(folder)][-1] == "Ana"


def test_nothing_fails_because_it_cannot_be_written_down(tmp_path, monkeypatch, caplog):
    (tmp_path / "runs").write_text("a file in the folder's place")
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    audit.note_entry("signed in", "Ana", "10.0.0.1")
    assert "the audit log cannot be written" in caplog.text

"""The disk is full, or not to be written to, at any one write: a sentence, nothing orphaned, and it can go on."""

import errno
import os

import pytest

import interpret as it
from dashboard import audit, jobs, ownership
from dashboard.sign_in.people import by_name
from interpret.attribution.row_jobs import RowRequest, delete_job, list_jobs, make_job, resume_job, stop_job
from interpret.core.process_state import identity, write_state
from tests.full_disk import full_disk

ROWS = b"text,label\na,b\nc,d\n"
# More writes than anything here takes.
MOST = 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_PASSWORD", "a")
    monkeypatch.setenv("BERTOSCOPE_PERSON_RUNS", "100000")
    monkeypatch.setattr("dashboard.sign_in.session.signed_in", lambda _cookies: by_name("Ana", False))
    return tmp_path / "runs"


def request(name="mine"):
    return it.runs.Request(it.Recipe(device="cpu"), name, "rows.csv")


def a_run(state="stopped"):
    (run,) = jobs.new_runs([request()], ROWS)
    # What is at work is this process.
    write_state(run.folder, state=state, **(identity(os.getpid()) if state == "running" else {}))
    return it.runs.read_run(run.folder)


def a_job(minilm, state="stopped"):
    job = make_job(jobs.explanations_to_fill(), RowRequest(minilm.spec, "rows.csv"), ROWS)
    write_state(job.folder, state=state, **(identity(os.getpid()) if state == "running" else {}))
    return job


ACTIONS = {
    "two new runs": (lambda _minilm: None, lambda _: jobs.new_runs([request("a"), request("b")], ROWS)),
    "stop": (lambda _minilm: a_run("running"), it.runs.stop_run),
    "resume": (lambda _minilm: a_run(), it.runs.resume_run),
    "delete": (lambda _minilm: a_run(), it.runs.delete_run),
    "share": (lambda _minilm: a_run(), lambda run: ownership.share(run, True)),
    "explain": (
        lambda minilm: minilm,
        lambda minilm: make_job(jobs.explanations_to_fill(), RowRequest(minilm.spec, "new.csv"), ROWS, None, ["a"]),
    ),
    "stop an explanation": (lambda minilm: a_job(minilm, "running"), stop_job),
    "resume an explanation": (a_job, resume_job),
    "delete an explanation": (a_job, delete_job),
    "write down": (lambda _minilm: a_run(), lambda run: audit.note("stopped", "run", run.folder, "mine")),
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
def test_whatever_write_fails_it_is_said_and_can_be_done_again(folder, minilm, action, stays, code):
    prepare, act = ACTIONS[action]
    failed = 0
    for at in range(1, MOST):
        given = prepare(minilm)
        before = state_of(folder), kept(folder)
        error = None
        with full_disk(folder.parent, at, stays, code) as disk:
            try:
                act(given)
            except it.InputError as refused:
                error = refused
        if disk.count < at:
            # There are no more writes than that: it was done.
            assert error is None
            break
        if error is not None:
            failed += 1
            assert os.strerror(code) in str(error)
            if action in ("two new runs", "explain") and not (stays and code == errno.EROFS):
                # Nothing of it is left, where anybody would find it or anywhere else.
                assert (state_of(folder), kept(folder)) == before
        # What is there is whole, and what failed can be done once the disk has room.
        assert action == "delete" or all(run.state != "damaged" for run in it.runs.list_runs(folder))
        if action not in ("delete", "delete an explanation") or error is not None:
            act(given)
    else:
        pytest.fail("there is no end to its writes")
    assert failed or action == "write down" or action.startswith("delete")


def kept(folder):
    """Return the folders that hold a run or an explanation, or a part of one."""
    found = [*folder.glob("2*-*-*"), *folder.glob("people/*/explanations/*")]
    return sorted(path.name for path in found if path.is_dir())


def state_of(folder):
    """Return the runs and explanations that are found."""
    jobs_ = [job.folder.name for parent in ownership.all_explanations() for job in list_jobs(parent)]
    return sorted(run.id for run in ownership.runs()), sorted(jobs_)

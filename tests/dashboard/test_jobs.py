"""Processes for runs: one that is ready before there is a run, and what becomes of it."""

import subprocess
import sys
import time

import psutil
import pytest

import interpret as it
from dashboard import jobs
from tests.tiny import make_checkpoint

SLOW = 90.0


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask for a run of a tiny model."""
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    base = make_checkpoint("bert", tmp_path / "base")
    rows = "text,label\n" + "\n".join(f"the bank {i},{'ab'[i % 2]}" for i in range(20))

    def make(name):
        recipe = it.Recipe(model=str(base), epochs=1, batch_size=8, max_length=16, device="cpu", snapshots=0)
        return it.runs.new_run(tmp_path / "runs", it.runs.Request(recipe, name, "rows.csv"), rows.encode())

    return make


@pytest.fixture(autouse=True)
def _alone():
    """Let every process end before the next test counts them."""
    yield
    jobs.release()
    for one in children():
        one.wait(SLOW)


def ended(run):
    """Wait until a run is over."""
    begin = time.monotonic()
    while (
        it.runs.read_run(run.folder).state not in ("done", "failed", "interrupted") and time.monotonic() - begin < SLOW
    ):
        time.sleep(0.1)
    return it.runs.read_run(run.folder)


def children():
    return [
        one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE and "--wait" in one.cmdline()
    ]


@pytest.mark.slow
def test_a_run_is_worked_on_by_the_process_that_was_ready(ask, tmp_path):
    jobs.prepare(tmp_path / "runs")
    (ready,) = children()
    # One is enough.
    jobs.prepare(tmp_path / "runs")
    assert children() == [ready]
    run, second = ask("first"), ask("second")
    jobs.start(run, second)
    assert it.runs.read_run(second.folder).state == "waiting"
    # While there is a run, none is made ready for the next.
    jobs.prepare(tmp_path / "runs")
    assert children() == [ready]
    assert ended(run).state == ended(second).state == "done"
    assert f'"process": {ready.pid},' in (run.folder / "state.json").read_text("utf-8")
    # What it prints is in its run's log; and with its runs it ends.
    assert (run.folder / "log.txt").exists()
    ready.wait(SLOW)


@pytest.fixture
def _light(monkeypatch, tmp_path):
    """In place of a training, a process that writes down which runs it was told."""
    told = "import sys; line = sys.stdin.readline(); line and open('told', 'a').write(line)"

    def spawn(*_module):
        # The last word is what the tests know it by.
        return subprocess.Popen([sys.executable, "-c", told, "--wait"], stdin=subprocess.PIPE, cwd=tmp_path)

    monkeypatch.setattr(jobs, "_spawn", spawn)


@pytest.mark.usefixtures("_light")
@pytest.mark.parametrize("made_ready", [True, False])
def test_without_a_process_that_is_ready_a_run_has_one_of_its_own(ask, tmp_path, made_ready):
    if made_ready:
        jobs.prepare(tmp_path / "runs")
        (ready,) = children()
        ready.kill()
        ready.wait(SLOW)
    run = ask("first")
    jobs.start(run)
    for one in children():
        one.wait(SLOW)
    assert (tmp_path / "told").read_text() == f'["{run.folder.resolve()}"]\n'


@pytest.mark.usefixtures("_light")
def test_one_that_is_not_needed_ends(tmp_path):
    jobs.prepare(tmp_path)
    (ready,) = children()
    jobs.release()
    ready.wait(SLOW)
    assert children() == []
    assert not (tmp_path / "told").exists()

"""Fifty kills at random moments, of trainings and of apps, with two apps on one folder: what is lost or different.

``python -m tests.benchmarks.kills [KILLS]``. Both apps start runs and let them go on, as people do by their pages; each
kill is of a training at work, or of an app with all that it holds. At the end every run is compared with one that
nobody killed: weights bit for bit, every step and every final number.
"""

import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from websockets.exceptions import WebSocketException

import interpret as it
from interpret.core.process_state import read_state
from interpret.finetuning.runs import Run, list_runs
from tests.benchmarks import machine
from tests.browser.conftest import start_server
from tests.sockets import Reader

# Runs that are at work, wait, or were killed, at any moment.
AT_ONCE = 3
# What tells one run from another in numbers that are the same: how long things took.
TIMES = ("seconds", "per_second", "memory", "learned_at", "begun")
GONE = (OSError, LookupError, TimeoutError, WebSocketException)


class Apps:
    """Two apps on one folder; one that was killed is started again."""

    def __init__(self, folder: str) -> None:
        self.environment = {"BERTOSCOPE_RUNS": f"{folder}/runs", "BERTOSCOPE_CACHE": f"{folder}/cache"}
        self.running = [start_server(**self.environment) for _ in range(2)]
        self.turn = 0

    def open(self) -> Reader:
        """Open a tab of the one whose turn it is."""
        self.turn += 1
        return Reader(self.running[self.turn % 2][1])

    def kill(self, index: int) -> None:
        """Kill one, and start another in its place."""
        process, _address = self.running[index]
        process.kill()
        process.wait(30)
        self.running[index] = start_server(**self.environment)

    def close(self) -> None:
        """End both."""
        for process, _address in self.running:
            process.terminate()
            process.wait(30)


def start(apps: Apps) -> None:
    """Start a run, by the page of an app."""
    with apps.open() as reader:
        reader.open("finetune", stage="setup", base="minilm-l3", data="sentiment")
        reader.press("start")


def resume(apps: Apps, run: Run) -> None:
    """Let a run go on, by the page of an app."""
    with apps.open() as reader:
        reader.open("finetune", stage="watch", run=run.id)
        reader.press("resume_run")


def kill_training(runs: list[Run], draw: random.Random) -> bool:
    """Kill a training at work; False where there is none."""
    at_work = [run for run in runs if run.state in ("running", "waiting")]
    draw.shuffle(at_work)
    for run in at_work:
        number = read_state(run.folder).get("process")
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if isinstance(number, int) and "interpret.finetuning" in " ".join(psutil.Process(number).cmdline()):
                os.kill(number, signal.SIGKILL)
                return True
    return False


def main(kills: int) -> int:
    """Kill, and compare; returns the exit status."""
    print(f"{machine()}\n{kills} kills", flush=True)
    draw, killed, trainings = random.Random(0), 0, 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        apps, root = Apps(folder), Path(folder, "runs")
        try:
            while True:
                runs = list_runs(root)
                open_ones = [run for run in runs if run.state != "done"]
                if killed >= kills and not open_ones:
                    break
                try:
                    for run in open_ones:
                        if run.resumable:
                            resume(apps, run)
                    if killed < kills and len(open_ones) < AT_ONCE:
                        start(apps)
                except GONE as error:
                    print(f"  a page: {type(error).__name__}: {error}", flush=True)
                time.sleep(draw.uniform(0.2, 8.0))
                if killed >= kills:
                    continue
                if draw.random() < 0.25:
                    apps.kill(draw.randrange(2))
                    killed += 1
                elif kill_training(list_runs(root), draw):
                    killed += 1
                    trainings += 1
            runs = list_runs(root)
            states = {state: sum(run.state == state for run in runs) for state in {run.state for run in runs}}
            print(f"  {killed} kills, {trainings} of them of trainings; {len(runs)} runs: {states}", flush=True)
            # Started by an app too, with as many threads.
            start(apps)
            while any(run.active for run in list_runs(root)):
                time.sleep(0.5)
            whole, *_ = list_runs(root)
            different = [run.id for run in runs if not same(run, whole)]
            lost = sum(run.state != "done" for run in runs)
        finally:
            apps.close()
    print(f"  lost: {lost}, different from one that nobody killed: {len(different)}")
    return 1 if lost or different else 0


def same(run: Run, whole: Run) -> bool:
    """Tell whether two runs ended the same: weights, steps, and numbers but for times."""
    if run.model is None or whole.model is None or run.state != whole.state:
        return False
    weights = [(one.model / "model.safetensors").read_bytes() for one in (run, whole) if one.model is not None]
    steps = [it.runs.read_metrics(one.folder) for one in (run, whole)]
    told = [(one.number.tolist(), one.loss.tolist(), [each["score"] for each in one.evaluations]) for one in steps]
    facts = [{name: value for name, value in one.facts.items() if name not in TIMES} for one in (run, whole)]
    return weights[0] == weights[1] and told[0] == told[1] and facts[0] == facts[1]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 50))

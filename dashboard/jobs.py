"""Long work as processes of their own, which go on when the tab is closed, and when the app ends.

A process for fine-tunes needs seconds to load PyTorch and the rest. `prepare` starts one before there is a run for it,
so that the next `start` has nothing to wait for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard import ROOT, audit, cache, ownership, quotas, state
from interpret.core.errors import InterpretError
from interpret.core.process_state import identity, write_state
from interpret.finetuning.request import Request
from interpret.finetuning.runs import Run, list_runs, new_run

if TYPE_CHECKING:
    from interpret.attribution.row_jobs import RowJob

# Seconds that a process is kept for a run that nobody starts: it holds some hundred megabytes.
_KEPT = 600.0
_OF_THE_GATE = ("BERTOSCOPE_PASSWORD", "BERTOSCOPE_OWNER_PASSWORD")
# The module that waits for runs.
_TRAINER = ("interpret.finetuning", "--wait")
_lock = threading.Lock()
# Two tabs of one person would each see that there is room for one more.
_making = threading.Lock()
_ready: list[tuple[subprocess.Popen[bytes], threading.Timer]] = []


def prepare(root: Path) -> None:
    """Have a process ready for the next run in a folder; it ends with the app, or when it is not needed for long.

    None where one is ready, or while a run is at work: the next one would wait anyway, and this one be slowed.
    """
    with _lock:
        if _ready and _ready[0][0].poll() is None:
            return
        _dismiss()
        if any(run.state in ("waiting", "running", "stopping") for run in list_runs(root)):
            return
        timer = threading.Timer(_KEPT, release)
        timer.daemon = True
        _ready.append((_spawn(*_TRAINER), timer))
        timer.start()


def release() -> None:
    """Let the process go that waits for a run."""
    with _lock:
        _dismiss()


def new_runs(requests: Sequence[Request], data: bytes, test_data: bytes | None = None) -> list[Run]:
    """Make runs of who is here, for `start`.

    Raises
    ------
    InputError
        If they cannot be written, or somebody has as many as they may.
    """
    made: list[Run] = []
    with _making:
        quotas.check_runs()
        try:
            for request in requests:
                made.append(new_run(state.runs_folder(), request, data, test_data))
                ownership.take(made[-1].folder)
        except InterpretError:
            # Nobody would start those that are there, and of the last nobody may be the owner.
            for run in made:
                shutil.rmtree(run.folder, ignore_errors=True)
            raise
    return made


def explanations_to_fill() -> Path:
    """Return the folder where an explanation of who is here is kept, for `interpret.attribution.row_jobs.make_job`.

    Raises
    ------
    InputError
        If it cannot be written to, or somebody keeps as much as they may.
    """
    quotas.check_explanations()
    folder = ownership.explanations_folder()
    ownership.take_own_folder()
    return folder


def start(*runs: Run) -> None:
    """Let a process work on runs, one after another: the one that is ready, or else a new one."""
    if any(_on_a_card(run) for run in runs):
        # What this process keeps of cards would be missing to them.
        cache.let_go_of_models()
    folders = json.dumps([str(run.folder.resolve()) for run in runs]).encode() + b"\n"
    with _lock:
        process = _take()
    if process is None or not _send(process, folders):
        process = _spawn(*_TRAINER)
        _send(process, folders)
    for run in runs:
        audit.note("started", "run", run.folder, run.request.name)
    # Those behind the first one wait for this very process.
    for run in runs[1:]:
        write_state(run.folder, **identity(process.pid))


def explain_rows(job: RowJob) -> None:
    """Let a process explain a file's rows."""
    if job.request.spec.device != "cpu":
        cache.let_go_of_models()
    audit.note("started", "explanation", job.folder, job.request.name)
    # Nothing is sent to it, and what it says goes to the job's own log.
    turns = state.runs_folder() / "explanations"
    turns.mkdir(parents=True, exist_ok=True)
    process = _spawn("interpret.attribution.row_worker", str(job.folder.resolve()), str(turns.resolve()))
    if process.stdin is not None:
        process.stdin.close()
    # Its state is told by who looks at it: until it has said who it is, by when it was asked for.
    threading.Thread(target=process.wait, daemon=True).start()


def _on_a_card(run: Run) -> bool:
    from interpret.core.devices import find_device

    with suppress(InterpretError):
        return find_device(run.request.recipe.device).name != "cpu"
    # It will say so itself.
    return False


def _spawn(*module: str) -> subprocess.Popen[bytes]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        # Nothing in it asks anybody in; the record's own password it needs.
        env={name: value for name, value in os.environ.items() if name not in _OF_THE_GATE}
        | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.PIPE,
        # Once it has a run it writes to that one's log.
        stdout=subprocess.DEVNULL,
        # What stops the app, such as Ctrl+C in its terminal, is not meant for it.
        start_new_session=True,
    )


def _send(process: subprocess.Popen[bytes], folders: bytes) -> bool:
    """Tell a process which runs it is for; False where it has ended meanwhile."""
    assert process.stdin is not None
    try:
        with process.stdin:
            process.stdin.write(folders)
    except OSError:
        return False
    return True


def _take() -> subprocess.Popen[bytes] | None:
    if not _ready:
        return None
    process, timer = _ready.pop()
    timer.cancel()
    return process


def _dismiss() -> None:
    process = _take()
    if process is not None and process.stdin is not None:
        # Without a line to read, it ends.
        with suppress(OSError):
            process.stdin.close()

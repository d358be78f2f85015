"""Fine-tunes as processes of their own, which go on when the tab is closed, and when the app ends."""

import os
import subprocess
import sys

import psutil

from dashboard import ROOT
from interpret.finetuning.runs import Run, write_state


def start(*runs: Run) -> None:
    """Start a process that works on runs, one after another."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (runs[0].folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "interpret.finetuning", *(str(run.folder.resolve()) for run in runs)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # What stops the app, such as Ctrl+C in its terminal, is not meant for it.
            start_new_session=True,
        )
    # Those behind the first one wait for this very process.
    for run in runs[1:]:
        write_state(run.folder, process=process.pid, born=psutil.Process(process.pid).create_time())

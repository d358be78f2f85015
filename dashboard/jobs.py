"""Fine-tunes as processes of their own, which go on when the tab is closed, and when the app ends."""

import os
import subprocess
import sys

from dashboard import ROOT
from interpret.finetuning.runs import Run


def start(run: Run) -> None:
    """Start a process that works on a run."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (run.folder / "log.txt").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "interpret.finetuning", str(run.folder.resolve())],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # What stops the app, such as Ctrl+C in its terminal, is not meant for it.
            start_new_session=True,
        )

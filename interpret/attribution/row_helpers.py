"""Other processes that share the rows of a job on a CPU.

What a pass does between its matrix products is done by one thread, so that of two cores one waits for a fifth of the
time; two processes, each with a core of its own, leave none idle.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import psutil
import torch

from interpret.attribution.job_rows import job_rows
from interpret.attribution.row_jobs import ROWS, RowJob, read_job
from interpret.attribution.row_results import RowWriter
from interpret.attribution.rows import explain_share
from interpret.core.encoder import load_encoder
from interpret.core.redaction import report

_log = logging.getLogger(__name__)
# At most so many processes in all, each with so many bytes of memory to go by, and no fewer rows.
_MOST, _ROOM, _FEWEST = 4, 3_000_000_000, 16
# Seconds between two looks whether they are done.
_BETWEEN = 0.3


class RowHelpers:
    """Processes that load a job's model and then wait for rows: none where there is no core or memory for them.

    As a context they end with its block, whatever they are at; what they have not written by then is still to be done.

    Parameters
    ----------
    job
        The job.
    """

    def __init__(self, job: RowJob) -> None:
        self._folder = job.folder
        self._threads = torch.get_num_threads()
        room = int(psutil.virtual_memory().available // _ROOM)
        self._count = max(1, min(_MOST, self._threads, room)) if job.request.spec.device == "cpu" else 1
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "RowHelpers":
        """Start them, so that they load the model while the caller does."""
        for _ in range(self._count - 1):
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", __name__, str(self._folder.resolve())],
                    env=os.environ | {"OMP_NUM_THREADS": str(self._threads // self._count)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    # They say it in the job's log.
                    stderr=subprocess.DEVNULL,
                )
            )
        return self

    def share(self, left: Sequence[int], lengths: Sequence[int]) -> list[int]:
        """Give each of them its rows, about as many tokens to each; returns the caller's own.

        Parameters
        ----------
        left
            The rows that are still to be done, by their index.
        lengths
            How many tokens each row of the job has.
        """
        count = self._count if len(left) >= _FEWEST * self._count else 1
        if count > 1:
            torch.set_num_threads(self._threads // count)
        by_length = sorted(left, key=lambda index: lengths[index])
        mine, *theirs = (sorted(by_length[rank::count]) for rank in range(count))
        for process, rows in zip(self._processes, theirs, strict=False):
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps(rows).encode() + b"\n")
                process.stdin.flush()
            except OSError:
                _log.warning("a helper ended before it had rows")
        if count == 1:
            self._dismiss()
        return mine

    def wait(self, look: Callable[[], None]) -> None:
        """Wait until all are done; ``look`` is called again and again, and may raise."""
        while any(process.poll() is None for process in self._processes):
            look()
            time.sleep(_BETWEEN)

    def _dismiss(self) -> None:
        for process in self._processes:
            assert process.stdin is not None
            try:
                process.stdin.close()
            except OSError:
                _log.warning("a helper ended early")
            process.wait()
        self._processes.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        self._dismiss()
        torch.set_num_threads(self._threads)


def _help(folder: Path) -> None:
    """Load a job's model, explain the rows that come by the standard input, and end with it."""
    job = read_job(folder)
    encoder = load_encoder(job.request.spec.checkpoint, job.request.spec.device, job.request.spec.precision)
    question = job_rows(job, encoder).question
    rows = json.loads(sys.stdin.readline() or "[]")
    threading.Thread(target=_end_with_it, daemon=True).start()
    writer = RowWriter(folder / ROWS)
    try:
        explain_share(question, encoder, rows, writer.write)
    finally:
        writer.close()


def _end_with_it() -> None:
    # Closed by who asked for help, or because that one was killed. Each row is written in one go, so none is torn.
    sys.stdin.read()
    os._exit(0)


def main(folder: Path) -> int:
    """Help as a process of its own; returns the exit status."""
    # Ctrl+C is meant for who asked for help.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(filename=folder / "log.txt", level=logging.WARNING)
    try:
        _help(folder)
    except Exception:
        # The job does the rows by itself then, and says what is wrong with them.
        report(_log, "a helper could not explain its rows")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""Other processes that share the rows of a job on a CPU.

What a pass does between its matrix products is done by one thread, and the other cores wait. On two cores two processes
took a sixth less time than one with two threads (`tests/benchmarks/bench_rows.py`).
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

import psutil
import torch

from interpret.attribution.job_rows import job_rows
from interpret.attribution.row_jobs import ROWS, RowJob, read_job
from interpret.attribution.row_results import RowWriter
from interpret.attribution.rows import AT_ONCE, explain_share
from interpret.core.encoder_loading import load_spec
from interpret.core.redaction import report

_log = logging.getLogger(__name__)
# At most so many processes in all, each with so many bytes of memory to go by, and no fewer rows.
_MOST, _ROOM, _FEWEST = 4, 3_000_000_000, 16
# So many rows are handed over at a time: few, so that all are done at about the same time.
_BLOCK = 32
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
        self._blocks: deque[list[int]] = deque()
        # Helpers that are at a block.
        self._helped: set[int] = set()
        self._one_by_one = threading.Lock()

    def __enter__(self) -> "RowHelpers":
        """Start them, so that they load the model while the caller does."""
        for _ in range(self._count - 1):
            try:
                self._processes.append(self._helper())
            except OSError as error:
                # The system has no room for another process; the job needs none.
                _log.warning("no further helper: %s", error)
                break
        return self

    def _helper(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(self._folder.resolve())],
            env=os.environ | {"OMP_NUM_THREADS": str(self._threads // self._count)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # They say it in the job's log.
            stderr=subprocess.DEVNULL,
        )

    def blocks(self, left: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
        """Return the caller's own rows, some at a time, while the helpers do others; at the end all are done.

        What a helper that failed has left is not.

        Parameters
        ----------
        left
            The rows that are still to be done, by their index.
        lengths
            How many tokens each row of the job has.
        """
        if len(left) < _FEWEST * self._count:
            self._dismiss()
        if not self._processes:
            yield list(left)
            return
        torch.set_num_threads(self._threads // self._count)
        for first in range(0, len(left), AT_ONCE):
            by_length = sorted(left[first : first + AT_ONCE], key=lambda index: lengths[index])
            self._blocks += [by_length[start : start + _BLOCK] for start in range(0, len(by_length), _BLOCK)]
        for process in self._processes:
            threading.Thread(target=self._feed, args=(process,), daemon=True).start()
        while block := self._next():
            yield block
        while self._helped:
            # Nothing of the caller's own, but a moment to say how far it is, or to stop.
            yield []
            time.sleep(_BETWEEN)

    def _next(self, helper: int = 0) -> list[int]:
        with self._one_by_one:
            block = self._blocks.popleft() if self._blocks else []
            if block and helper:
                self._helped.add(helper)
            return block

    def _feed(self, process: subprocess.Popen[bytes]) -> None:
        """Hand a helper one block after another; it says a line when it is ready for one."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            while process.stdout.readline():
                self._helped.discard(process.pid)
                if not (block := self._next(process.pid)):
                    return
                process.stdin.write(json.dumps(block).encode() + b"\n")
                process.stdin.flush()
        except OSError:
            _log.warning("a helper has ended")
        finally:
            self._helped.discard(process.pid)

    def _dismiss(self) -> None:
        self._blocks.clear()
        for process in self._processes:
            # Nothing is lost: each row is written in one go when it is done.
            process.kill()
            process.wait()
        self._processes.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        self._dismiss()
        torch.set_num_threads(self._threads)


def _help(folder: Path) -> None:
    """Load a job's model, and explain the rows that come by the standard input; it ends where that does."""
    job = read_job(folder)
    encoder = load_spec(job.request.spec)
    question = job_rows(job, encoder).question
    blocks: SimpleQueue[list[int]] = SimpleQueue()
    threading.Thread(target=_listen, args=(blocks,), daemon=True).start()
    writer = RowWriter(folder / ROWS)
    while True:
        sys.stdout.write("\n")
        sys.stdout.flush()
        explain_share(question, encoder, blocks.get(), writer.write)


def _listen(blocks: SimpleQueue[list[int]]) -> None:
    for line in sys.stdin:
        blocks.put(json.loads(line))
    # Who asked for help is gone.
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


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

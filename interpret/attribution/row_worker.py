"""The work on a whole file, in a process of its own: its turn, the rows that are left, how far it is."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from interpret.attribution.job_rows import job_rows
from interpret.attribution.row_attributions import Row
from interpret.attribution.row_helpers import RowHelpers
from interpret.attribution.row_jobs import LOCK, ROWS, RowJob, read_job
from interpret.attribution.row_results import RowReader, RowWriter
from interpret.attribution.rows import attribute_rows, explain_share
from interpret.core.disk_errors import disk_reason
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_spec
from interpret.core.errors import Cancelled, CapacityError, InputError, InterpretError
from interpret.core.multi_device import load_beside
from interpret.core.process_state import itself, long_work, write_end, write_state
from interpret.core.redaction import first_line, report

_log = logging.getLogger(__name__)
# Seconds between two looks whether it is its turn, and between two times that the state file says how far it is.
_BETWEEN = 0.3


def work_on_rows(folder: Path, turns: Path | None = None) -> RowJob:
    """Work on a job until its rows are done, it is stopped, or has failed; returns it as it is then.

    One job at a time works on a device. SIGTERM and SIGINT ask it to stop.

    Parameters
    ----------
    turns
        The folder whose jobs wait for each other; the one that the job is in, unless given.

    Raises
    ------
    InputError
        If the folder is no job.
    """
    job = read_job(folder)
    try:
        alone = FileLock(folder / LOCK).acquire(timeout=0)
    except Timeout:
        # Two people asked for the same job to go on: one process is enough.
        return job
    except OSError as error:
        write_end(folder, _unforeseen(error))
        return read_job(folder)
    with alone, _stopped_by_signals(folder):
        try:
            write_state(folder, state="waiting", **itself(), error=None)
            with long_work(folder), _turn(job, turns or folder.parent):
                _work(job)
            write_state(folder, state="done")
        except Cancelled:
            write_end(folder)
        except InterpretError as error:
            write_end(folder, error)
        except MemoryError:
            write_end(folder, CapacityError("This machine ran out of memory. Use shorter texts or a smaller model."))
        except Exception as unforeseen:
            report(_log, "a file could not be explained")
            write_end(folder, _unforeseen(unforeseen))
    return read_job(folder)


def _unforeseen(error: Exception) -> InterpretError:
    """Return the sentence for an error that nobody has turned into one where it arose."""
    if reason := disk_reason(error):
        return CapacityError(
            "A file of the explanation could not be read or written: {error}. The rows that were explained before are "
            "kept. Free some disk space, or allow writing there, then resume.",
            error=reason,
        )
    return InputError("It ended with an unexpected error: {error}.", error=first_line(error))


def _work(job: RowJob) -> None:
    request = job.request

    def look() -> None:
        if (job.folder / "stop").exists():
            raise Cancelled

    with RowHelpers(job) as helpers:
        encoder = load_spec(request.spec)
        read = job_rows(job, encoder)
        question = read.question
        far = _Far(job.folder, _lengths(encoder, question.texts), RowReader(job.folder / ROWS, encoder, question))
        writer = RowWriter(job.folder / ROWS)
        # Rows may come from a thread for each card.
        one_by_one = threading.Lock()

        def each(index: int, found: Row | InputError) -> None:
            with one_by_one:
                writer.write(index, found)
                far.show()

        try:
            for some in helpers.blocks(far.left, far.lengths) if not request.every_device else ():
                look()
                explain_share(question, encoder, some, each, lambda *_: look())
                far.show()
            # What a helper that failed has left, and what there is to say of all rows.
            attribute_rows(
                encoder,
                question.texts,
                question.labels,
                question.target,
                question.method,
                question.baseline,
                question.tolerance,
                head=question.head,
                origin=read.origin,
                training_texts=question.training_texts,
                seed=question.seed,
                progress=lambda *_: look(),
                beside=load_beside(encoder) if request.every_device else (),
                done=far.reader.update(),
                each=each,
            )
        finally:
            writer.close()
            far.write()


class _Far:
    """How far a job is, in its state file: not too often."""

    def __init__(self, folder: Path, lengths: list[int], reader: RowReader) -> None:
        self.folder, self.lengths, self.reader = folder, lengths, reader
        found = reader.update()
        self.left = [index for index in range(len(lengths)) if index not in found]
        self.before = sum(lengths[index] for index in found)
        self.begin = time.monotonic()
        self.write(state="running")

    def show(self) -> None:
        if time.monotonic() > self.next_word:
            self.write()

    def write(self, **more: str) -> None:
        found = self.reader.update()
        write_state(
            self.folder,
            **more,
            done=len(found),
            total=len(self.lengths),
            tokens=sum(self.lengths[index] for index in found),
            tokens_before=self.before,
            all_tokens=sum(self.lengths),
            seconds=time.monotonic() - self.begin,
        )
        self.next_word = time.monotonic() + _BETWEEN


def _lengths(encoder: Encoder, texts: Sequence[str]) -> list[int]:
    """Return how many tokens are read of each text; what it takes is about proportional to them."""
    return [min(len(one.ids), encoder.max_tokens) for one in encoder.tokenizer.encode_batch(list(texts))]


@contextmanager
def _turn(job: RowJob, turns: Path) -> Iterator[None]:
    """Wait until no other job works on the device."""
    lock = FileLock(turns / f".{job.request.spec.device.replace(':', '-')}.lock")
    while True:
        if (job.folder / "stop").exists():
            raise Cancelled
        try:
            with lock.acquire(timeout=0):
                yield
                return
        except Timeout:
            time.sleep(_BETWEEN)


@contextmanager
def _stopped_by_signals(folder: Path) -> Iterator[None]:
    """While the block runs, SIGTERM and SIGINT ask for a polite stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def request_stop(_number: int, _frame: object) -> None:
        (folder / "stop").touch()

    before = {one: signal.signal(one, request_stop) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def main(folder: Path, turns: Path | None = None) -> int:
    """Work on a job as a process of its own, behind whoever looks at a page; returns the exit status."""
    os.nice(5)
    logging.basicConfig(filename=folder / "log.txt", level=logging.WARNING)
    return 0 if work_on_rows(folder, turns).state in ("done", "stopped") else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))

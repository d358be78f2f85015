"""Stop, resume and delete a run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from interpret.core.errors import InputError
from interpret.core.files import delete_folder
from interpret.core.process_state import write_state
from interpret.finetuning.runs import LOCK, Run, read_run


def stop_run(run: Run) -> None:
    r"""Ask a run to stop: it writes a checkpoint, judges what it has learned, and keeps its model.

    Raises
    ------
    InputError
        If its folder cannot be written to.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> request = it.runs.Request(it.Recipe("minilm"), "topics", "topics.csv", text="text", label="topic")
    >>> run = it.runs.new_run(Path("asked"), request, b"text,topic\nThe bank lent us money.,money\n")
    >>> it.runs.stop_run(run)
    >>> it.runs.read_run(run.folder).state
    'stopping'
    """
    with _changing(run):
        (run.folder / "stop").touch()


def resume_run(run: Run) -> Run:
    r"""Make a run ready to go on: for a process to work on it again.

    Raises
    ------
    InputError
        If it is at work, is done or damaged, or its folder cannot be written to.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> request = it.runs.Request(it.Recipe("minilm"), "few rows", "topics.csv", text="text", label="topic")
    >>> run = it.finetune(Path("runs/few"), request, b"text,topic\nThe bank lent us money.,money\n")
    >>> run.state
    'failed'
    >>> it.runs.resume_run(run).state
    'waiting'
    """
    # A page may have been drawn long ago.
    run = read_run(run.folder)
    if not run.resumable:
        raise InputError(
            "The run “{name}” is {state}: there is nothing to resume.", name=run.request.name, state=run.state
        )
    with _changing(run):
        (run.folder / "stop").unlink(missing_ok=True)
        write_state(run.folder, state="waiting", asked=time.time(), process=None, error=None, ended=0.0)
    return read_run(run.folder)


def delete_run(run: Run) -> None:
    """Delete a run and all that came of it.

    Raises
    ------
    InputError
        If it is at work, or something in its folder cannot be deleted.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> it.runs.delete_run(run)
    >>> run.folder.exists()
    False
    """
    run = read_run(run.folder)
    if run.active or (run.state == "damaged" and _worked_on(run.folder)):
        raise InputError("The run “{name}” is still running. Stop it first, then delete it.", name=run.request.name)
    with _changing(run):
        delete_folder(run.folder, "request.json")


def _worked_on(folder: Path) -> bool:
    """Tell whether a process works on a run, whatever its files say: it holds the run's lock then."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        # What stands in the lock's place is none that a process could hold.
        return False


@contextmanager
def _changing(run: Run) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            "The folder of the run “{name}” cannot be changed: {error}. Check it by hand: “{folder}”.",
            name=run.request.name,
            error=error.strerror or str(error),
            folder=run.id,
        ) from error

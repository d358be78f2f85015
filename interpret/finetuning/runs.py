"""Runs: a folder each, that says what was asked, how far it is, and what came of it, whatever happens to the process.

======================  ================================================================================
``request.json``        what was asked; `Request`
``data…``, ``judged…``  the labelled files, as they were given
``state.json``          what it is doing; replaced whole, so a reader never finds half of it
``told.jsonl``          every step and evaluation, a line each; a torn last line is passed over
``checkpoints/``        where it can go on from
``stop``                there while it is asked to stop
``model/``              the model, as `save_pretrained` writes it
``adapter/``            where adapters learned, these alone, as `peft` reads them
``snapshots/``          weights that had changed, some times on the way
``past/``               what is needed of the run that it goes on from, whatever becomes of that one
``answers.npz``         what the model says of the examples that were held out
``log.txt``             what the process printed
======================  ================================================================================
"""

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interpret.core.errors import InputError, InterpretError
from interpret.core.files import link, write_whole
from interpret.core.process_state import is_alive, write_state
from interpret.core.saved_values import BROKEN, moment, number
from interpret.finetuning.objective import find_objective
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.request import LONGEST_NAME, Request, data_file, file_of_test_data
from interpret.finetuning.run_files import as_text, check_is_run, damaged, finite, numbers, read_bytes, read_object

STATES = ("waiting", "running", "stopping", "stopped", "interrupted", "failed", "done", "damaged")
_ACTIVE = ("waiting", "running")
PAST = "past"
# Held by the process that works on a run.
LOCK = ".lock"


@dataclass(frozen=True)
class Run:
    """A run as it is at this moment.

    Attributes
    ----------
    folder, id
        Where it is; the folder's name.
    request
        What was asked.
    state
        One of `STATES`. ``"stopping"``: asked to stop, and not there yet. ``"interrupted"``: its process ended without
        a word, by a crash or with the machine. ``"damaged"``: what it was asked, or how it is, cannot be read; it can
        be deleted, and what else is in its folder saved.
    queued, begun, ended
        Seconds since 1970; 0 for not yet.
    device
        Where it runs.
    read
        The share of examples that the frozen layer groups have read, where that is done once before the first step.
    step, steps
        How far it is.
    facts
        Numbers that are known at the end, such as ``"accuracy"`` and ``"seconds"``.
    rows
        Numbers of its data, known when it begins: how many are ``"learned"`` from and ``"judged"`` by, the share of
        the ``"majority"`` class among these where there are classes, and how many ``"left_out"``.
    waits_for
        While it waits for a device, the name of the run that works there or comes first; empty for none.
    error
        Why it is ``"failed"`` or ``"damaged"``.
    record
        Its run's id in MLflow; empty where there is none.
    """

    folder: Path
    request: Request
    state: str
    queued: float
    begun: float = 0.0
    ended: float = 0.0
    device: str = ""
    read: float = 0.0
    step: int = 0
    steps: int = 0
    facts: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, float] = field(default_factory=dict)
    waits_for: str = ""
    error: InterpretError | None = None
    record: str = ""

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def active(self) -> bool:
        """Whether a process works on it, or waits for its turn."""
        return self.state in ("waiting", "running", "stopping")

    @property
    def model(self) -> Path | None:
        """The folder of its model, where it has one yet."""
        folder = self.folder / "model"
        return folder if (folder / "config.json").exists() else None

    @property
    def adapter(self) -> Path | None:
        """The folder of its adapters, where it has any."""
        folder = self.folder / "adapter"
        return folder if (folder / "adapter_config.json").exists() else None

    @property
    def base(self) -> str:
        """The model that it starts from, as `interpret.load_encoder` takes it."""
        own = self.folder / PAST / "model"
        return str(own) if own.exists() else self.request.recipe.model

    @property
    def parent_run(self) -> "Run | None":
        """The run that it goes on from, as it was when this one was made; None where it starts from another model."""
        return read_run(self.folder / PAST) if (self.folder / PAST).exists() else None

    @property
    def resumable(self) -> bool:
        """Whether it can go on: from its last checkpoint, or from the start where it had none."""
        return self.state in ("stopped", "interrupted", "failed")


def new_run(root: Path, request: Request, data: bytes, test_data: bytes | None = None) -> Run:
    r"""Make a run's folder, for `interpret.finetuning.worker.work` or a process of its own to work on.

    Raises
    ------
    InputError
        If it cannot be written, its name is too long, or the run that it goes on from is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> request = it.runs.Request(it.Recipe("minilm"), "topics", "topics.csv", text="text", label="topic")
    >>> run = it.runs.new_run(Path("asked"), request, b"text,topic\nThe bank lent us money.,money\n")
    >>> run.state, run.request.name
    ('waiting', 'topics')
    >>> (run.folder / "data.csv").read_bytes()
    b'text,topic\nThe bank lent us money.,money\n'
    """
    parent_run = root / request.parent if request.parent else None
    _check(request, parent_run)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            folder = root / f"{stamp}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            break
        try:
            return _fill(folder, request, data, test_data, parent_run)
        except OSError:
            # What is half there is no run, and nobody would delete it.
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise InputError(
            "The run cannot be written to “{folder}”: {error}. Free some disk space, or allow writing there.",
            folder=str(root),
            error=error.strerror or str(error),
        ) from error


def make_run(
    folder: Path, request: Request, data: bytes, test_data: bytes | None = None, parent_run: Path | None = None
) -> Run:
    """Make a run in a folder of one's choice, which must not exist yet.

    Parameters
    ----------
    parent_run
        The folder of the run that it goes on from.

    Raises
    ------
    InputError
        If there is something there already, its name is too long, or the run that it goes on from is damaged.
    """
    if folder.exists():
        raise InputError(
            "“{folder}” already exists. Name a new folder, or move the existing one away.", folder=str(folder)
        )
    _check(request, parent_run)
    folder.mkdir(parents=True)
    return _fill(folder, request, data, test_data, parent_run)


def _fill(folder: Path, request: Request, data: bytes, test_data: bytes | None, parent_run: Path | None) -> Run:
    if parent_run is not None and (parent_run / "request.json").exists():
        # Links, which cost nothing: that run may be deleted, or trained further, before this one is done.
        before = read_run(parent_run)
        files = [parent_run / "request.json", parent_run / "state.json", data_file(parent_run, before.request)]
        if before.request.test_data:
            files.append(file_of_test_data(parent_run, before.request))
        (folder / PAST).mkdir()
        for file in files:
            link(file, folder / PAST / file.name)
        if before.model is not None:
            shutil.copytree(before.model, folder / PAST / "model", copy_function=link)
    data_file(folder, request).write_bytes(data)
    if test_data is not None:
        file_of_test_data(folder, request).write_bytes(test_data)
    write_state(folder, state="waiting", asked=time.time())
    # Last: a folder without it is no run.
    write_whole(folder / "request.json", request.to_json())
    return read_run(folder)


def _check(request: Request, parent_run: Path | None) -> None:
    """Refuse what could not be kept as it is, before anything is written."""
    if len(request.name) > LONGEST_NAME:
        raise InputError(
            "A run's name can have at most {most} characters; this one has {count}. Shorten it.",
            most=LONGEST_NAME,
            count=len(request.name),
        )
    if parent_run is not None and (parent_run / "request.json").exists():
        before = read_run(parent_run)
        if before.state == "damaged" and before.error is not None:
            raise before.error


def read_run(folder: Path) -> Run:
    """Read a run as it is now; one whose files cannot be read is ``"damaged"``.

    Raises
    ------
    InputError
        If the folder is no run.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> run.state, run.request.recipe.epochs
    ('done', 4)
    >>> run.model.name
    'model'
    """
    check_is_run(folder)
    # A run whose request cannot be read has a name still, and none of another's model or data.
    request = Request(Recipe(), folder.name, "")
    try:
        path = folder / "request.json"
        try:
            request = Request.from_json(read_bytes(path).decode("utf-8"))
        except UnicodeDecodeError as error:
            raise damaged(path, error) from error
        path = folder / "state.json"
        given = read_object(path)
        try:
            return _as_run(folder, request, given)
        except BROKEN as error:
            raise damaged(path, error) from error
    except InputError as error:
        why = error if "file" in error.values else damaged(path, error)
        return Run(folder, request, "damaged", _queued(folder), error=why)


def _as_run(folder: Path, request: Request, given: Mapping[str, Any]) -> Run:
    state = given["state"]
    if state not in STATES or state in ("stopping", "interrupted", "damaged"):
        raise ValueError(f"no state is called {str(state)[:20]}")
    if state in _ACTIVE:
        if not is_alive(given):
            state = "interrupted"
        elif (folder / "stop").exists():
            state = "stopping"
    facts, rows = numbers(given.get("facts", {})), numbers(given.get("rows", {}))
    if facts or state == "done":
        finite(facts, "seconds", "trainable", "learned", "judged")
        if find_objective(request.task).fact not in facts:
            raise ValueError("nothing tells how good it is")
    failure = given.get("error")
    return Run(
        folder=folder,
        request=request,
        state=state,
        queued=moment(given.get("asked", 0.0)),
        begun=moment(given.get("begun", 0.0)),
        ended=moment(given.get("ended", 0.0)),
        device=as_text(given.get("device", "")),
        read=number(given.get("read", 0.0), most=1.0),
        step=int(number(given.get("step", 0))),
        steps=int(number(given.get("steps", 0))),
        facts=facts,
        rows=rows,
        waits_for=as_text(given.get("waits_for", "")),
        error=None if failure is None else InputError.from_dict(failure),
        record=as_text(given.get("record", "")),
    )


def _queued(folder: Path) -> float:
    """Return when a run was asked for, by its folder's name or else its age: where it stands among others."""
    try:
        return time.mktime(time.strptime(folder.name[:15], "%Y%m%d-%H%M%S"))
    except (ValueError, OverflowError):
        return folder.stat().st_mtime


def list_runs(root: Path) -> list[Run]:
    """Return the runs in a folder, the newest first; what is no run is passed over.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> [(run.id, run.state) for run in it.runs.list_runs(Path("runs"))]
    [('topics', 'done')]
    """
    found = []
    for folder in root.iterdir() if root.is_dir() else ():
        # It may be deleted at this moment.
        with suppress(InputError, OSError):
            found.append(read_run(folder))
    return sorted(found, key=lambda run: (run.queued, run.id), reverse=True)

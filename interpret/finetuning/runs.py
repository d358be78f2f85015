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

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from interpret.core.errors import InputError
from interpret.core.files import link, write_whole
from interpret.finetuning.passages import MOST_WORDS, PASSAGE_WORDS
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.run_files import (
    BROKEN,
    as_object,
    as_text,
    damaged,
    finite,
    moment,
    number,
    numbers,
    read_bytes,
    read_object,
)

STATES = ("waiting", "running", "stopping", "stopped", "interrupted", "failed", "done", "damaged")
_ACTIVE = ("waiting", "running")
PAST = "past"
# Held by the process that works on a run.
LOCK = ".lock"
# A name that MLflow keeps whole.
LONGEST_NAME = 250
# A process that has said nothing for so many seconds after it was asked for never began.
_TO_BEGIN = 90.0
_writing = threading.Lock()


@dataclass(frozen=True)
class Request:
    """What a run is asked to do.

    Attributes
    ----------
    recipe
        How the model is trained.
    name
        What the reader calls it.
    data, judged
        The names of the labelled files as they were given; the second one is judged by, where there is one. Else a
        share of the first is held out.
    text, label, pair, task, words, tags
        See `interpret.finetuning.data.read_examples`.
    probes
        Sentences that are watched.
    parent
        The run whose model this one goes on from; empty for none.
    group
        What runs of one sweep have in common; empty outside of one.
    base
        What the reader calls the model that it starts from, where the recipe has the path of a folder.
    apart
        Whether an epoch, where one is chosen, is chosen by other rows than the result is reported on: see
        `interpret.finetuning.splits.split_rows`.
    """

    recipe: Recipe
    name: str
    data: str
    judged: str = ""
    text: str = "text"
    label: str = "label"
    pair: str | None = None
    task: str = "classes"
    words: int = PASSAGE_WORDS
    probes: tuple[str, ...] = ()
    parent: str = ""
    group: str = ""
    base: str = ""
    tags: str = ""
    apart: bool = True

    @property
    def chooses(self) -> bool:
        """Whether an epoch is to be chosen by rows of its own."""
        return self.apart and self.recipe.patience > 0

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    def params(self) -> dict[str, str]:
        """Return what was asked as names and words, as a record keeps them."""
        recipe = {name: str(value) for name, value in asdict(self.recipe).items()}
        recipe["frozen"] = ", ".join(self.recipe.frozen)
        # A path says little, and is nobody's to know.
        recipe["model"] = self.base or recipe["model"]
        return recipe | {"data": self.data, "task": self.task, "text": self.text, "label": self.label}

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it is no request.
        """
        try:
            # Runs that were asked for before there were rows to choose by were split without them.
            given = {"apart": False} | as_object(text.encode("utf-8"))
            recipe = Recipe.from_json(json.dumps(given.pop("recipe")))
            given["probes"] = tuple(given["probes"])
            known = {one.name for one in fields(cls)}
            given = {name: one for name, one in given.items() if name in known}
            for name, one in given.items():
                wanted = {"words": (int,), "pair": (str, type(None)), "apart": (bool,)}.get(name, (str,))
                if not all(isinstance(part, wanted) for part in (one if name == "probes" else (one,))):
                    raise TypeError(f"“{name}” is of another kind")
            number(given.get("words", PASSAGE_WORDS), 1.0, float(MOST_WORDS))
            return cls(recipe, **given)
        except BROKEN as error:
            raise InputError("This is not a valid run: {error}.", error=str(error)[:200]) from error


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
    asked, begun, ended
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
        For ``"failed"`` and ``"damaged"`` the sentence and its values, as `InterpretError` takes them.
    record
        Its run's id in MLflow; empty where there is none.
    """

    folder: Path
    request: Request
    state: str
    asked: float
    begun: float = 0.0
    ended: float = 0.0
    device: str = ""
    read: float = 0.0
    step: int = 0
    steps: int = 0
    facts: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, float] = field(default_factory=dict)
    waits_for: str = ""
    error: tuple[str, Mapping[str, Any]] | None = None
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
        place = self.folder / "model"
        return place if (place / "config.json").exists() else None

    @property
    def adapter(self) -> Path | None:
        """The folder of its adapters, where it has any."""
        place = self.folder / "adapter"
        return place if (place / "adapter_config.json").exists() else None

    @property
    def base(self) -> str:
        """The model that it starts from, as `interpret.load_encoder` takes it."""
        own = self.folder / PAST / "model"
        return str(own) if own.exists() else self.request.recipe.model

    @property
    def past(self) -> "Run | None":
        """The run that it goes on from, as it was when this one was made; None where it starts from another model."""
        return read_run(self.folder / PAST) if (self.folder / PAST).exists() else None

    @property
    def resumable(self) -> bool:
        """Whether it can go on: from its last checkpoint, or from the start where it had none."""
        return self.state in ("stopped", "interrupted", "failed")


def new_run(root: Path, request: Request, data: bytes, judged: bytes | None = None) -> Run:
    """Make a run's folder, for `interpret.finetuning.worker.work` or a process of its own to work on.

    Raises
    ------
    InputError
        If it cannot be written, its name is too long, or the run that it goes on from is damaged.
    """
    past = root / request.parent if request.parent else None
    _check(request, past)
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
        return _fill(folder, request, data, judged, past)
    except OSError as error:
        raise InputError(
            "The run cannot be written to “{folder}”: {error}. Free some disk space, or allow writing there.",
            folder=str(root),
            error=error.strerror or str(error),
        ) from error


def make_run(folder: Path, request: Request, data: bytes, judged: bytes | None = None, past: Path | None = None) -> Run:
    """Make a run in a folder of one's choice, which must not exist yet.

    Parameters
    ----------
    past
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
    _check(request, past)
    folder.mkdir(parents=True)
    return _fill(folder, request, data, judged, past)


def _fill(folder: Path, request: Request, data: bytes, judged: bytes | None, past: Path | None) -> Run:
    if past is not None and (past / "request.json").exists():
        # Links, which cost nothing: that run may be deleted, or trained further, before this one is done.
        before = read_run(past)
        files = [past / "request.json", past / "state.json", data_file(past, before.request)]
        if before.request.judged:
            files.append(judged_file(past, before.request))
        (folder / PAST).mkdir()
        for file in files:
            link(file, folder / PAST / file.name)
        if before.model is not None:
            shutil.copytree(before.model, folder / PAST / "model", copy_function=link)
    data_file(folder, request).write_bytes(data)
    if judged is not None:
        judged_file(folder, request).write_bytes(judged)
    write_state(folder, state="waiting", asked=time.time())
    # Last: a folder without it is no run.
    write_whole(folder / "request.json", request.to_json())
    return read_run(folder)


def _check(request: Request, past: Path | None) -> None:
    """Refuse what could not be kept as it is, before anything is written."""
    if len(request.name) > LONGEST_NAME:
        raise InputError(
            "A run's name can have at most {most} characters; this one has {count}. Shorten it.",
            most=LONGEST_NAME,
            count=len(request.name),
        )
    if past is not None and (past / "request.json").exists():
        before = read_run(past)
        if before.state == "damaged" and before.error is not None:
            raise InputError(before.error[0], **before.error[1])


def data_file(folder: Path, request: Request) -> Path:
    """Where a run keeps the file that it learns from."""
    return folder / f"data{Path(request.data).suffix.lower()}"


def judged_file(folder: Path, request: Request) -> Path:
    """Where a run keeps the file that it is judged by."""
    return folder / f"judged{Path(request.judged).suffix.lower()}"


def read_run(folder: Path) -> Run:
    """Read a run as it is now; one whose files cannot be read is ``"damaged"``.

    Raises
    ------
    InputError
        If the folder is no run.
    """
    if not os.path.lexists(folder / "request.json"):
        raise InputError("“{folder}” is not a run, or no longer exists.", folder=folder.name)
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
        return Run(folder, request, "damaged", _asked(folder), error=(why.message, why.values))


def _as_run(folder: Path, request: Request, given: Mapping[str, Any]) -> Run:
    state = given["state"]
    if state not in STATES or state in ("stopping", "interrupted", "damaged"):
        raise ValueError(f"no state is called {str(state)[:20]}")
    if state in _ACTIVE:
        if not _alive(given):
            state = "interrupted"
        elif (folder / "stop").exists():
            state = "stopping"
    facts, rows = numbers(given.get("facts", {})), numbers(given.get("rows", {}))
    if facts or state == "done":
        finite(facts, "seconds", "trainable", "learned", "judged")
        if not {"accuracy", "r2"} & set(facts):
            raise ValueError("nothing tells how good it is")
    failure = given.get("error")
    if failure is not None:
        failure = (as_text(failure["sentence"]), {name: as_text(one) for name, one in failure["values"].items()})
        # It must be one that can be said.
        InputError(failure[0], **failure[1])
    return Run(
        folder=folder,
        request=request,
        state=state,
        asked=moment(given.get("asked", 0.0)),
        begun=moment(given.get("begun", 0.0)),
        ended=moment(given.get("ended", 0.0)),
        device=as_text(given.get("device", "")),
        read=number(given.get("read", 0.0), most=1.0),
        step=int(number(given.get("step", 0))),
        steps=int(number(given.get("steps", 0))),
        facts=facts,
        rows=rows,
        waits_for=as_text(given.get("waits_for", "")),
        error=failure,
        record=as_text(given.get("record", "")),
    )


def _asked(folder: Path) -> float:
    """Return when a run was asked for, by its folder's name or else its age: where it stands among others."""
    try:
        return time.mktime(time.strptime(folder.name[:15], "%Y%m%d-%H%M%S"))
    except (ValueError, OverflowError):
        return folder.stat().st_mtime


def list_runs(root: Path) -> list[Run]:
    """Return the runs in a folder, the newest first; what is no run is passed over."""
    found = []
    for folder in root.iterdir() if root.is_dir() else ():
        # It may be deleted at this moment.
        with suppress(InputError, OSError):
            found.append(read_run(folder))
    return sorted(found, key=lambda run: (run.asked, run.id), reverse=True)


def _alive(given: Mapping[str, Any]) -> bool:
    if not given.get("process"):
        return time.time() - moment(given.get("asked", 0.0)) < _TO_BEGIN
    born = number(given["born"])
    try:
        process = psutil.Process(int(number(given["process"], 1.0, 2.0**31 - 1)))
        # A number is given to another process some day; and one that ended may wait to be seen by who started it.
        return abs(process.create_time() - born) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def write_state(folder: Path, **changes: Any) -> None:
    """Change some of what a run's state file says."""
    path = folder / "state.json"
    # The training and the record write from threads of their own.
    with _writing:
        try:
            given = read_object(path)
        except InputError:
            given = {}
        write_whole(path, json.dumps(given | changes, ensure_ascii=False))


def itself() -> dict[str, Any]:
    """Return what tells this process from all others, and who started it: for `write_state`."""
    process = psutil.Process(os.getpid())
    return {"process": process.pid, "born": process.create_time(), "launcher": os.getppid()}


def launcher(folder: Path) -> int:
    """Return the process that started the one which works on a run, or 0."""
    try:
        return int(number(read_object(folder / "state.json").get("launcher", 0)))
    except ValueError:
        return 0


def stop_run(run: Run) -> None:
    """Ask a run to stop: it writes a checkpoint, judges what it has learned, and keeps its model.

    Raises
    ------
    InputError
        If its folder cannot be written to.
    """
    with _changing(run):
        (run.folder / "stop").touch()


def resume_run(run: Run) -> Run:
    """Make a run ready to go on: for a process to work on it again.

    Raises
    ------
    InputError
        If it is at work, is done or damaged, or its folder cannot be written to.
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
    """
    run = read_run(run.folder)
    if run.active or (run.state == "damaged" and _worked_on(run.folder)):
        raise InputError("The run “{name}” is still running. Stop it first, then delete it.", name=run.request.name)
    with _changing(run):
        shutil.rmtree(run.folder)


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

"""Whole files explained in a process of their own: what is asked, how far it is, and what is done so far.

A job is a folder. Its rows are written one by one, so that they outlive the page, the app and the process itself;
whoever works on it again does the rows that are left.
"""

import hashlib
import json
import math
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from interpret.attribution.head_files import write_head
from interpret.core.checkpoints import Checkpoint
from interpret.core.encoder import EncoderSpec
from interpret.core.errors import InputError, InterpretError
from interpret.core.files import Table, delete_folder, read_table, write_whole
from interpret.core.linear_head import LinearHead
from interpret.core.process_state import is_alive, read_state, write_state
from interpret.core.regular_files import read_regular
from interpret.core.saved_values import BROKEN, as_object, moment, number

# What is done, stopped or failed is kept so many times over; the oldest goes first.
MOST_KEPT = 20
LOCK = ".lock"
# The texts that the model learned from, where a job has them; and its rows.
TRAINING, ROWS = "training.json", "rows.jsonl"
# What can still go on.
ACTIVE = ("waiting", "running", "stopping")


@dataclass(frozen=True)
class RowRequest:
    """What is asked of a file's rows.

    Attributes
    ----------
    spec
        The encoder.
    name, encoding
        What the file is called, and the encoding that was chosen for it; empty where it is found in its bytes.
    text, label, highlights
        Columns by their index; -1 for none.
    most
        How many rows are read at most, sampled with ``seed``; 0 for all.
    target, method, baseline, tolerance, seed
        See `attribute_rows`.
    every_device
        Whether all cards of the machine share the rows.
    classifier
        What tells the head from others that may be given with it; empty for the model's own.
    """

    spec: EncoderSpec
    name: str
    encoding: str = ""
    text: int = 0
    label: int = -1
    highlights: int = -1
    most: int = 0
    target: str | int = "predicted"
    method: str = "integrated_gradients"
    baseline: str = "pad"
    tolerance: float = 0.01
    seed: int = 0
    every_device: bool = False
    classifier: str = ""

    def to_json(self) -> str:
        """Return what `from_dict` takes, as JSON."""
        values = asdict(self)
        if self.spec.prompt is None:
            # As before there were any: the same asked again is the same job.
            del values["spec"]["prompt"]
        return json.dumps(values, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> "RowRequest":
        """Return the request that `to_json` wrote down.

        Raises
        ------
        TypeError, KeyError
            If it is none.
        """
        spec = given["spec"]
        checkpoint = Checkpoint(**spec["checkpoint"])
        return cls(**{**given, "spec": EncoderSpec(checkpoint, spec["device"], spec["precision"], spec.get("prompt"))})


@dataclass(frozen=True)
class RowJob:
    """A whole file that is explained, or was.

    Attributes
    ----------
    folder
        Where it is; its name is the job's id.
    request
        What is asked.
    state
        ``"waiting"``, ``"running"``, ``"stopping"``, ``"stopped"``, ``"interrupted"`` (its process ended unforeseen),
        ``"failed"`` or ``"done"``.
    done, total
        How many rows are done, of how many.
    seconds_left
        How long the rest will take, by how fast tokens went through since the process began; NaN before that is known.
    made
        When it was asked for, in seconds since 1970.
    error
        Why it failed.
    """

    folder: Path
    request: RowRequest
    state: str
    done: int
    total: int
    seconds_left: float
    made: float
    error: InterpretError | None

    @property
    def active(self) -> bool:
        """Whether a process works on it, or will."""
        return self.state in ACTIVE

    @property
    def data(self) -> bytes:
        """The file.

        Raises
        ------
        InputError
            If it is missing.
        """
        try:
            return read_regular(self.folder / "data")
        except OSError as error:
            raise damaged(self.folder, error) from error

    @property
    def table(self) -> Table:
        """The file's rows.

        Raises
        ------
        InputError
            If it is missing or cannot be read.
        """
        return read_table(self.data, self.request.name, self.request.encoding)


def make_job(
    root: Path,
    request: RowRequest,
    data: bytes,
    head: LinearHead | None = None,
    training_texts: Collection[str] | None = None,
) -> RowJob:
    """Make the folder of a job for a process to work on; the same asked again is the job that is there.

    Parameters
    ----------
    root
        The folder of all jobs. Those that are not at work are at most `MOST_KEPT`.
    data
        The file.
    head, training_texts
        See `attribute_rows`.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    folder = root / job_id(request, data)
    if (folder / "request.json").exists():
        return read_job(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").write_bytes(data)
        if head is not None:
            write_head(folder, head)
        if training_texts is not None:
            write_whole(folder / TRAINING, json.dumps({"texts": sorted(training_texts)}, ensure_ascii=False))
        write_state(folder, state="stopped", made=time.time())
        # Last: a folder without it is no job.
        write_whole(folder / "request.json", request.to_json())
    except OSError as error:
        # What is half there is no job, and nobody would delete it.
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(
            "The explanation cannot be written to “{folder}”: {error}. Free some space, or set another folder.",
            folder=str(root),
            error=error.strerror or str(error),
        ) from error
    for old in [one for one in list_jobs(root) if not one.active and one.folder != folder][MOST_KEPT - 1 :]:
        with suppress(InputError):
            delete_job(old)
    return read_job(folder)


def job_id(request: RowRequest, data: bytes) -> str:
    """Return what tells a job from all others: what is asked, and of which bytes."""
    digest = hashlib.blake2b(request.to_json().encode(), digest_size=8)
    digest.update(hashlib.blake2b(data).digest())
    return digest.hexdigest()


def read_job(folder: Path) -> RowJob:
    """Read what a job is and how far.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        request = RowRequest.from_dict(as_object(read_regular(folder / "request.json")))
        given = read_state(folder)
        state = str(given.get("state", "interrupted"))
        if state in ACTIVE:
            state = ("stopping" if (folder / "stop").exists() else state) if is_alive(given) else "interrupted"
        done, total = (int(number(given.get(name, 0))) for name in ("done", "total"))
        read, tokens, before = (number(given.get(name, 0.0)) for name in ("tokens", "all_tokens", "tokens_before"))
        pace = number(given.get("seconds", 0.0)) / (read - before) if read > before else math.nan
        error = InterpretError.from_dict(given["error"]) if given.get("error") else None
        made = moment(given.get("made", 0.0))
    except BROKEN as broken:
        raise damaged(folder, broken) from broken
    return RowJob(folder, request, state, done, total, pace * (tokens - read), made, error)


def list_jobs(root: Path) -> list[RowJob]:
    """Return the jobs in a folder, the newest first; what is none is passed over."""
    found = []
    for folder in root.iterdir() if root.is_dir() else ():
        # It may be deleted at this moment.
        with suppress(InputError, OSError):
            found.append(read_job(folder))
    return sorted(found, key=lambda one: (one.made, one.folder.name), reverse=True)


def stop_job(job: RowJob) -> None:
    """Ask a job to stop; the rows that are done stay.

    Raises
    ------
    InputError
        If its folder cannot be written to.
    """
    try:
        (job.folder / "stop").touch()
    except OSError as error:
        raise damaged(job.folder, error) from error


def resume_job(job: RowJob) -> RowJob:
    """Make a job ready to go on, for a process to work on it again; nothing for one that is done or at work.

    Raises
    ------
    InputError
        If its folder cannot be written to.
    """
    job = read_job(job.folder)
    if job.active or job.state == "done":
        return job
    try:
        (job.folder / "stop").unlink(missing_ok=True)
        write_state(job.folder, state="waiting", asked=time.time(), process=None, error=None)
    except OSError as error:
        raise damaged(job.folder, error) from error
    return read_job(job.folder)


def delete_job(job: RowJob) -> None:
    """Delete a job and all that came of it.

    Raises
    ------
    InputError
        If a process works on it, or it cannot be deleted.
    """
    try:
        with FileLock(job.folder / LOCK, timeout=0):
            delete_folder(job.folder, "request.json")
    except Timeout:
        raise InputError("“{name}” is still being explained. Stop it first.", name=job.request.name) from None
    except OSError as error:
        if job.folder.exists():
            raise damaged(job.folder, error) from error


def damaged(folder: Path, error: BaseException) -> InputError:
    """Return the sentence for a job whose files cannot be read or changed."""
    return InputError(
        "The explanation “{name}” is damaged: {error}. Delete it and explain the file again.",
        name=folder.name,
        error=str(getattr(error, "strerror", None) or error)[:200],
    )

"""A run's model as it was on the way: what had changed by then is kept, and all else is as it is in the end."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers as tf
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load_file

from interpret.core.checkpoints import find_checkpoint
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import InputError
from interpret.core.saved_values import BROKEN
from interpret.core.task_heads import Classifier, load_head
from interpret.finetuning.checkpoints import SNAPSHOT, SNAPSHOTS
from interpret.finetuning.objective import find_objective
from interpret.finetuning.run_files import damaged
from interpret.finetuning.runs import Run
from interpret.finetuning.trainable_model import save_model

# Where whole models are written, and how many of a run are kept.
_OPENED = ".opened"
_MOST_OPENED = 4


@dataclass(frozen=True)
class Snapshot:
    """A moment of a training.

    Attributes
    ----------
    step
        How many steps were behind it.
    path
        The file of what had changed.
    """

    step: int
    path: Path


def list_snapshots(run: Run) -> tuple[Snapshot, ...]:
    """Return a run's snapshots, the earliest first.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> [snapshot.step for snapshot in it.finetuning.list_snapshots(run)]
    [2, 4, 6]
    """
    folder = run.folder / SNAPSHOTS
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.endswith(SNAPSHOT) and path.stem.isdecimal():
            found[int(path.stem)] = path
    return tuple(Snapshot(step, found[step]) for step in sorted(found))


def open_snapshot(run: Run, snapshot: Snapshot) -> Path:
    """Return the folder of a whole model as it was then, written when it is asked for; the last few of a run are kept.

    Raises
    ------
    InputError
        If the run has no model yet, or the snapshot cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> first = it.finetuning.list_snapshots(run)[0]
    >>> folder = it.finetuning.open_snapshot(run, first)
    >>> text = "The river lay in the sun."
    >>> early, late = it.trace(it.load_encoder(str(folder)), text), it.trace(it.load_encoder(str(run.model)), text)
    >>> drift = it.finetuning.attention_drift(early, late)
    >>> float(drift[:4].max()), bool(drift[5].max() > 0)  # frozen layers are as they were
    (0.0, True)
    """
    if run.model is None:
        raise InputError("The run “{name}” has no results yet.", name=run.request.name)
    opened = run.folder / _OPENED
    try:
        opened.mkdir(exist_ok=True)
        lock = FileLock(opened / ".lock").acquire()
    except OSError as error:
        raise damaged(opened, error.strerror or error) from error
    with lock:
        folder = opened / str(snapshot.step)
        if not (folder / "config.json").exists():
            _write(run, run.model, snapshot, folder)
        folder.touch()
        # Whole models are large, and quickly written again.
        others = sorted((one for one in opened.iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime)
        for old in others[:-_MOST_OPENED]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _write(run: Run, source: Path, snapshot: Snapshot, folder: Path) -> None:
    beside = folder.with_name(f".{folder.name}.model")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        head = load_head(source, load_encoder(str(source), "cpu").width, run.request.name)
        if head is not None:
            body = tf.AutoModel.from_pretrained(source, local_files_only=True)
            model, name, labels = Classifier(body, head[0]), head[1].name, head[1].labels
        else:
            model = find_objective(run.request.task).loader().from_pretrained(source, local_files_only=True)
            name, labels = "", ()
        own = dict(model.named_parameters())
        with torch.no_grad():
            for key, value in load_file(snapshot.path).items():
                own[key].copy_(value)
        beside.mkdir()
        save_model(model, name, labels, find_checkpoint(str(source)), beside)
        beside.replace(folder)
    except (*BROKEN, RuntimeError, SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise InputError("This snapshot of the run cannot be opened: {error}.", error=str(error)[:200]) from error

"""Where a training goes on from, and the snapshots of it on the way."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from interpret.core.disk_errors import disk_reason
from interpret.core.errors import CapacityError
from interpret.core.files import sync_folder, write_whole
from interpret.core.redaction import first_line
from interpret.core.saved_values import BROKEN, number
from interpret.finetuning.run_files import as_text, read_object

LATEST = "latest.json"
# Of a checkpoint the weights that learn.
WEIGHTS = "learned.safetensors"
# Where the weights that changed are written on the way, beside the folder of the checkpoints, and how these files end.
SNAPSHOTS, SNAPSHOT = "snapshots", ".safetensors"
_log = logging.getLogger(__name__)


def snapshot_steps(count: int, steps: int) -> tuple[int, ...]:
    """Return after which steps of a training so many snapshots are taken: at even distances, the end not among them."""
    return tuple(sorted({round(steps * part / (count + 1)) for part in range(1, count + 1)} - {0, steps}))


def save_snapshot(weights: Mapping[str, torch.Tensor], folder: Path, step: int) -> None:
    """Write the weights that changed until a step, whole or not at all; a disk that is full is no reason to stop."""
    folder.mkdir(exist_ok=True)
    beside = folder / f".{step}"
    try:
        save_file(dict(weights), beside)
        beside.replace(folder / f"{step}{SNAPSHOT}")
    except (OSError, SafetensorError):
        # Nice to have; a disk that is full is said where a checkpoint is written.
        _log.warning("a snapshot could not be written", exc_info=True)
        beside.unlink(missing_ok=True)


@contextmanager
def whole_checkpoint(folder: Path, step: int, saves: bool) -> Iterator[None]:
    """While the block runs, a checkpoint is written, which counts only once it is whole; then the others are deleted.

    Parameters
    ----------
    saves
        Whether this process is the one that writes.

    Raises
    ------
    CapacityError
        If the disk is full: the checkpoint before is kept.
    """
    name = f"checkpoint-{step}"
    try:
        yield
        if saves:
            # On the disk before the one before is deleted: the power may fail.
            sync_folder(folder / name)
            write_whole(folder / LATEST, json.dumps({"checkpoint": name, "step": step}))
    except (OSError, SafetensorError, RuntimeError) as error:
        # PyTorch and safetensors wrap what the disk says in errors of their own.
        if saves:
            shutil.rmtree(folder / name, ignore_errors=True)
        raise CapacityError(
            "A checkpoint could not be written: {error}. What was saved before is kept. Free some disk space, "
            "then resume.",
            error=disk_reason(error) or first_line(error, 200),
        ) from error
    for old in folder.glob("checkpoint-*") if saves else ():
        if old.name != name:
            shutil.rmtree(old, ignore_errors=True)


def latest_checkpoint(folder: Path) -> tuple[Path, int] | None:
    """Return the last whole checkpoint in a folder and its step; None where there is none."""
    try:
        given = read_object(folder / LATEST)
        path = folder / as_text(given["checkpoint"])
        return (path, int(number(given["step"]))) if (path / WEIGHTS).exists() else None
    except BROKEN:
        return None

"""What is on the disk beside the runs: how much it takes, and what nobody can open."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

_RUN = re.compile(r"\d{8}-\d{6}-\d{1,3}", re.ASCII)
_EXPLANATION = re.compile(r"[0-9a-f]{16}", re.ASCII)
# What somebody can want of a folder that says no more what it is: then a person decides.
_WORTH = ("model", "adapter", "checkpoints", "snapshots", "past", "answers.npz", "told.jsonl", "rows.jsonl")
# Seconds after which nobody is at the making of it any more.
_OLD = 86_400


def bytes_of(folders: Iterable[Path]) -> int:
    """Return how many bytes folders take on the disk; a file that stands in several folders counts once."""
    found: dict[tuple[int, int], int] = {}
    for folder in folders:
        for below, _folders, files in os.walk(folder):
            for name in files:
                try:
                    said = os.lstat(os.path.join(below, name))
                except OSError:
                    # It may be deleted at this moment.
                    continue
                found[said.st_dev, said.st_ino] = said.st_size
    return sum(found.values())


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be."""
    return shutil.disk_usage(next(one for one in (folder, *folder.absolute().parents) if one.is_dir())).free


def unfinished(root: Path) -> list[Path]:
    """Return folders of runs and explanations whose making never came to its end, a day ago or more.

    A folder that has anything of a model, or of an explanation, is none.
    """
    return [
        folder
        for folder in _folders(root)
        if not os.path.lexists(folder / "request.json")
        and not any(os.path.lexists(folder / name) for name in _WORTH)
        and time.time() - folder.lstat().st_mtime > _OLD
    ]


def _folders(root: Path) -> Iterator[Path]:
    for kind, parents in (
        (_RUN, [root]),
        (_EXPLANATION, [root / "explanations", *root.glob("people/*/explanations")]),
    ):
        for parent in parents:
            if parent.is_dir():
                yield from (one for one in parent.iterdir() if kind.fullmatch(one.name) and one.is_dir())


def delete(folders: Iterable[Path]) -> int:
    """Delete folders, and return how many bytes they took."""
    gone = 0
    for folder in folders:
        size = bytes_of([folder])
        shutil.rmtree(folder, ignore_errors=True)
        gone += size if not folder.exists() else 0
    return gone

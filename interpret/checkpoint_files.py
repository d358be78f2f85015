"""The files that a checkpoint is made of: which are needed, which are refused, what is in them."""

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from interpret.errors import CheckpointError
from interpret.families import Family, find_family

# While transformers loads a model it sets PyTorch's default precision for the whole process: two loads at once, in two
# precisions, would mix them up.
LOADING = threading.Lock()
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_OTHERS = (".h5", ".msgpack", ".onnx")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting that a head is new, where that is known."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def read_config(folder: Path, name: str) -> tuple[dict[str, Any], Family]:
    """Read a checkpoint's ``config.json`` and tell its family.

    Raises
    ------
    CheckpointError
        If the file cannot be read or the architecture is not supported.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            "The config.json of “{name}” cannot be read: {error}. Get the folder's files again.",
            name=name,
            error=str(error),
        ) from error
    if not isinstance(config, dict):
        raise CheckpointError("The config.json of “{name}” is not a JSON object. Get the file again.", name=name)
    return config, find_family(config, name)


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files of a checkpoint's folder, in order."""
    return sorted(file for file in folder.iterdir() if _WEIGHTS.fullmatch(file.name))


def weights_sha256(folder: Path) -> str:
    """Return the SHA-256 of a folder's safetensors files, read one after another."""
    return files_sha256(*weight_files(folder))


def files_sha256(*files: Path) -> str:
    """Return the SHA-256 of files, read one after another."""
    return _sha256(files, tuple((stat.st_size, stat.st_mtime_ns) for stat in map(Path.stat, files)))


@lru_cache(maxsize=32)
def _sha256(files: tuple[Path, ...], _facts: tuple[tuple[int, int], ...]) -> str:
    """Read the files once, for as long as their sizes and times stay what they are."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def check_files(names: Iterable[str], name: str) -> None:
    """Refuse a checkpoint by the names of its files: without a config, or without safetensors weights."""
    names = set(names)
    if "config.json" not in names:
        raise CheckpointError(
            "“{name}” has no config.json, so it is not a model as `save_pretrained` writes it. Choose the folder that "
            "holds config.json, model.safetensors and the tokenizer's files.",
            name=name,
        )
    if any(_WEIGHTS.fullmatch(file) for file in names):
        return
    if any(file.endswith(_PICKLES) for file in names):
        raise CheckpointError(
            "“{name}” keeps its weights only as a pickle, which can run code when it is opened, so it is not loaded. "
            "Choose a model with model.safetensors, or convert this one with `save_pretrained`.",
            name=name,
        )
    if any(file.endswith(_OTHERS) for file in names):
        raise CheckpointError(
            "“{name}” has weights for another framework only. Choose a model with model.safetensors.", name=name
        )
    raise CheckpointError("“{name}” has no weights: a file model.safetensors is needed.", name=name)

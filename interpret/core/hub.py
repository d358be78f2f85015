"""Models on the hub: what a name stands for there, and getting their files."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interpret.core.checkpoint_files import MODULES, check_files, read_modules, transformer_folder, variant_of
from interpret.core.errors import CheckpointError

Progress = Callable[[int, int, str], None]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
# Sentence-transformers numbers the folders of its modules.
_WANTED = re.compile(
    r"(\d+_\w+/)?(model(\.\w+)?(-\d+-of-\d+)?\.safetensors|[^/]+\.(json|txt|model))|README\.md|LICENSE[^/]*"
)


def is_hub_id(name: str) -> bool:
    """Tell whether a name is one that the hub allows."""
    return bool(_HUB_ID.fullmatch(name)) and not re.search(r"--|\.\.|\.git$|[.-](/|$)", name)


def find_commit(name: str, revision: str | None) -> str:
    """Return the commit of a hub model at a branch, tag or commit; this machine's newest where the hub is out of reach.

    Raises
    ------
    CheckpointError
        If there is no such model or revision, it may not be read, or its files are not ones to load.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    try:
        with _refusals(name, revision):
            info = HfApi().model_info(name, revision=revision, timeout=10)
    except (HfHubHTTPError, HTTPError, OfflineModeIsEnabled, OSError) as error:
        return _find_in_cache(name, revision, error)
    check_files(_below_transformer([file.rfilename for file in info.siblings or ()]), name)
    return str(info.sha)


def config_file(name: str, revision: str | None = None) -> Path:
    """Return a hub model's ``config.json``, of which nothing else is fetched; this machine's where the hub is away.

    Raises
    ------
    CheckpointError
        If there is no such model, revision or file, or it may not be read.
    """
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        HTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    unreachable = (EntryNotFoundError, HfHubHTTPError, HTTPError, OfflineModeIsEnabled, OSError)
    try:
        with _refusals(name, revision):
            # Says at once where the hub is away, where a download would try again and again.
            commit = HfApi().model_info(name, revision=revision, timeout=10).sha
            return Path(hf_hub_download(name, "config.json", revision=commit))
    except unreachable as error:
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise CheckpointError("“{name}” has no config.json. Choose another model.", name=name) from error
        found = [file for one in _cached(name, revision) if (file := one.snapshot_path / "config.json").is_file()]
        if found:
            return found[-1]
        raise CheckpointError(
            "The hub cannot be reached, and the config.json of “{name}” is not on this machine. Connect once, upload "
            "the file, or choose a shape from the list.",
            name=name,
        ) from error


@contextmanager
def _refusals(name: str, revision: str | None) -> Iterator[None]:
    """Say what the hub refuses: a model or revision that it has not, or has not for everybody."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        yield
    except GatedRepoError as error:
        raise _gated(name) from error
    except RevisionNotFoundError as error:
        raise CheckpointError("“{name}” has no revision “{revision}”.", name=name, revision=revision) from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(
            "The hub has no model “{name}”, or it is private. Check the spelling, and include the owner: owner/model.",
            name=name,
        ) from error


def _cached(name: str, revision: str | None) -> list[Any]:
    """Return what this machine has of a hub model at a revision, or at any, the newest last."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return []
    found = [
        one
        for repository in repositories
        if repository.repo_id == name and repository.repo_type == "model"
        for one in repository.revisions
        if revision is None or one.commit_hash.startswith(revision) or revision in one.refs
    ]
    return sorted(found, key=lambda one: one.last_modified)


def _find_in_cache(name: str, revision: str | None, cause: Exception) -> str:
    kept = [one for one in _cached(name, revision) if _complete(one.snapshot_path)]
    if not kept:
        raise CheckpointError(
            "The hub cannot be reached and “{name}” has never been downloaded to this machine. Connect once, or copy "
            "the model into the models folder, or use the built-in model.",
            name=name,
        ) from cause
    newest = kept[-1]
    names = [file.file_path.relative_to(newest.snapshot_path).as_posix() for file in newest.files]
    check_files(_below_transformer(names), name)
    return str(newest.commit_hash)


def _below_transformer(names: list[str]) -> list[str]:
    """Return the names of an encoder's files; old sentence-transformers models keep it in their first folder."""
    if "config.json" in names or MODULES not in names:
        return names
    root = min((one.partition("/")[0] + "/" for one in names if re.match(r"0_\w+/config\.json$", one)), default="")
    return [one.removeprefix(root) for one in names if one.startswith(root)]


def _wanted(names: list[str]) -> list[str]:
    """Choose what to get of a model's files: no variant of weights that are there without."""
    found = [one for one in names if _WANTED.fullmatch(one)]
    variant = re.compile(r"((\d+_\w+/)?model)\.\w+(-\d+-of-\d+)?\.safetensors")
    plain = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
    whole = any(map(plain.fullmatch, _below_transformer(found)))
    return [one for one in found if not (whole and variant.fullmatch(one))]


def download(name: str, commit: str, progress: Progress | None) -> Path:
    """Return the folder with a hub model's files, getting those that are missing.

    Raises
    ------
    CheckpointError
        If they cannot be had.
    """
    from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, HTTPError, OfflineModeIsEnabled

    for file in ("config.json", MODULES):
        found = try_to_load_from_cache(name, file, revision=commit)
        if isinstance(found, str) and _complete(Path(found).parent):
            return Path(found).parent
    try:
        info = HfApi().model_info(name, revision=commit, timeout=10, files_metadata=True)
    except (HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise CheckpointError(
            "The hub cannot be reached, and “{name}” is incomplete on this machine. Connect and try again.",
            name=name,
        ) from error
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    files = {file: sizes[file] for file in _wanted(list(sizes))}
    # Files at the top come last: the folder of the last one is the model's.
    order = sorted(files, key=lambda file: ("/" not in file, file == "config.json", file))
    meter = _Meter.of()
    outcome: dict[str, Any] = {"file": order[0]}

    def work() -> None:
        try:
            for file in order:
                outcome["file"] = file
                outcome["path"] = hf_hub_download(name, file, revision=commit, tqdm_class=meter)
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
        raise _gated(name) from outcome["error"]
    if "error" in outcome:
        raise CheckpointError(
            "The download of “{name}” stopped at {file}: {error}. Try again; what has been downloaded is kept.",
            name=name,
            file=outcome["file"],
            error=str(outcome["error"]).splitlines()[0],
        ) from outcome["error"]
    return Path(outcome["path"]).parent


def _complete(folder: Path) -> bool:
    """Tell whether a folder of the hub's cache holds what is needed; other programs put parts of a model there."""
    try:
        modules = read_modules(folder, folder.name)
        root = transformer_folder(folder, folder.name)
    except CheckpointError:
        return False
    # Their folders hold at least a config, but for those that have nothing to say.
    if any(path and "Normalize" not in kind and not (folder / path).is_dir() for kind, path in modules):
        return False
    folder = root
    names = {file.name for file in folder.iterdir()}
    if not names & {"tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model"}:
        return False
    variant = variant_of(folder)
    suffix = f".{variant}" if variant else ""
    index = folder / f"model.safetensors.index{suffix}.json"
    shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values()) if index.exists() else set()
    return "config.json" in names and (f"model{suffix}.safetensors" in names or (bool(shards) and shards <= names))


def _gated(name: str) -> CheckpointError:
    return CheckpointError(
        "The owners of “{name}” restrict access to it. Request access on the hub, then log in with `hf auth login` on "
        "this machine.",
        name=name,
    )


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

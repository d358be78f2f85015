"""Built-in models that are put together once, and kept in the cache as a folder like anybody's."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from interpret.core.checkpoint_files import LOADING, check_files
from interpret.core.errors import CheckpointError
from interpret.core.files import cache_folder


def assembled_folder(name: str, revision: str, assemble: Callable[[Path], None]) -> Path:
    """Return the folder of a built-in model, which is assembled where it is not there yet.

    Parameters
    ----------
    name
        The model's name, and what its folder is called.
    revision
        A digest of what it is made from: another one has another folder.
    assemble
        Writes the model's files into the folder that it is given, which need not exist.

    Raises
    ------
    CheckpointError
        If it cannot be made.
    """
    kept = cache_folder() / "models" / f"{name}-{revision[:12]}"
    try:
        if not kept.is_dir():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with LOADING, tempfile.TemporaryDirectory(prefix=f".{name}-", dir=kept.parent) as folder:
                made = Path(folder) / kept.name
                assemble(made)
                # In one step, so that a folder of this name is whole.
                os.replace(made, kept)
    except OSError as error:
        # Another process, or thread, may have been as far a moment ago; its folder is the same.
        if not kept.is_dir():
            raise CheckpointError(
                "The built-in model “{name}” is assembled once and kept in “{folder}”, but that folder cannot be "
                "written to: {error}. Free some disk space, or name another folder in BERTOSCOPE_CACHE.",
                name=name,
                folder=str(kept.parent),
                error=str(error.strerror or error),
            ) from error
    check_files((file.name for file in kept.iterdir()), name)
    return kept

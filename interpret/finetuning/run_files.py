"""Files of a run as they are found: whole, missing or damaged, by a full disk, a crash or somebody's hand."""

import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from interpret.core.errors import InputError
from interpret.core.regular_files import read_regular
from interpret.core.saved_values import BROKEN, any_number, as_object


def check_is_run(folder: Path) -> None:
    """Refuse a folder that is no run.

    Raises
    ------
    InputError
        If it is not there, or nothing in it says what was asked.
    """
    if not os.path.lexists(folder / "request.json"):
        raise InputError("“{folder}” is not a run, or no longer exists.", folder=folder.name)


def damaged(path: Path, why: BaseException | str, folder: Path | None = None) -> InputError:
    """Return the sentence for a file that cannot be read; ``folder`` is its run's, where that is not the file's own."""
    folder = folder or path.parent
    said = why if isinstance(why, str) else (str(why).strip().splitlines() or [type(why).__name__])[0]
    return InputError(
        "The file “{file}” of the run “{run}” is damaged: {error}. Save the run's other files, then delete the run.",
        file=str(path.relative_to(folder)),
        run=folder.name,
        error=said[:200],
    )


def read_bytes(path: Path) -> bytes:
    """Read a file of a run.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        return read_regular(path)
    except (OSError, ValueError) as error:
        raise damaged(path, getattr(error, "strerror", None) or error) from error


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object of a run.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        return as_object(read_bytes(path))
    except InputError:
        raise
    except BROKEN as error:
        raise damaged(path, error) from error


def todays_names(given: object, before: Mapping[str, str]) -> dict[str, Any]:
    """Return what a file says by the names that settings have now.

    Parameters
    ----------
    before
        What was called otherwise in files of before, and what it is called now.

    Raises
    ------
    TypeError
        If it is no object of names and values.
    ValueError
        If something is there by both of its names.
    """
    if not isinstance(given, dict):
        raise TypeError(f"a JSON object is needed, not {type(given).__name__}")
    twice = [(old, new) for old, new in before.items() if old in given and new in given]
    if twice:
        raise ValueError("“{}” and “{}” are the same setting".format(*twice[0]))
    return {before.get(name, name): one for name, one in given.items()}


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read named arrays of a run.

    Raises
    ------
    InputError
        If they are missing or damaged.
    """
    try:
        # Whole: nothing but a regular file is read.
        with np.load(io.BytesIO(read_regular(path)), allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except BROKEN as error:
        raise damaged(path, error) from error


def numbers(value: object) -> dict[str, float]:
    """Return named numbers; see `any_number`."""
    if not isinstance(value, Mapping):
        raise ValueError(f"named numbers were expected, not {type(value).__name__}")
    return {str(name): any_number(one) for name, one in value.items()}


def as_text(value: object) -> str:
    """Return a text.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not isinstance(value, str):
        raise ValueError(f"a text was expected, not {type(value).__name__}")
    return value


def finite(found: Mapping[str, float], *names: str) -> None:
    """Refuse numbers that are missing or not finite.

    Raises
    ------
    ValueError
        If one is.
    """
    for name in names:
        if not math.isfinite(found.get(name, math.nan)):
            raise ValueError(f"“{name}” is missing")

"""What a report says of files and runs, as plain values: collected here, since no room of the library knows another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import interpret as it
from interpret.core.accuracy import text_key
from interpret.core.errors import InputError
from interpret.finetuning.outcome import Outcome, read_outcome, read_run_examples
from interpret.finetuning.request import data_file, file_of_test_data
from interpret.finetuning.run_files import read_bytes
from interpret.finetuning.splits import Split

ReadRows = Callable[[it.runs.Run], tuple[it.finetuning.Examples, Split]]


def file_facts(
    name: str, content: bytes, encoding: str, text: str, label: str | None, id_: str | None
) -> dict[str, Any]:
    """Return what a report says of the file whose rows are explained; the columns by their names."""
    return {
        "name": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "encoding": encoding,
        "text": text,
        "label": label,
        "id": id_,
    }


def head_facts(
    head: it.LinearHead, name: str | None, content: bytes | None, left_out: int | None = None
) -> dict[str, Any]:
    """Return what a report says of what a linear head was fitted on.

    Parameters
    ----------
    name, content
        The file's; None where it is not at hand any more.
    left_out
        How many of its rows have no text or no label; None where nobody counted.
    """
    one = head.held_out
    return {
        "kind": "linear head",
        "file": name,
        "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
        "texts": len(head.out_of_fold),
        "left_out": left_out,
        "out_of_fold": None
        if one is None
        else {
            "accuracy": one.share,
            "interval": one.interval,
            "count": one.count,
            "commonest": one.commonest,
            "majority": one.majority,
            "beats_majority": one.beats_majority,
        },
    }


def run_facts(run: it.runs.Run, read: ReadRows | None = None, chosen_by_these_rows: bool = False) -> dict[str, Any]:
    """Return what a report says of the run that a model was fine-tuned in.

    Parameters
    ----------
    read
        Reads a run's rows; from its folder unless given.
    chosen_by_these_rows
        Whether the rows of the report chose the epoch that was kept.

    Raises
    ------
    InputError
        If the run's files are damaged.
    """
    request = run.request
    _examples, split = (read or read_rows)(run)
    rows = {"train": len(split.train), "test": len(split.test)}
    if split.apart:
        rows["validation"] = len(split.validation)
    recipe = {name: value for name, value in request.params().items() if name not in ("data", "task", "text", "label")}
    # Where a folder lies is nobody's to know.
    recipe["model"] = Path(recipe["model"]).name
    parents, parent = [], run.parent_run
    while parent is not None:
        parents.append(parent.request.name)
        parent = parent.parent_run
    known = {
        "kind": "run",
        "name": request.name,
        "base": recipe["model"],
        "file": request.data,
        "sha256": hashlib.sha256(read_bytes(data_file(run.folder, request))).hexdigest(),
        "rows": rows,
        "recipe": recipe,
        "parents": parents,
        "began": _time(run.begun),
        "ended": _time(run.ended),
        "seed": request.recipe.seed,
        "chosen_by_these_rows": chosen_by_these_rows,
    }
    if request.test_data:
        content = read_bytes(file_of_test_data(run.folder, request))
        known |= {"test_file": request.test_data, "test_sha256": hashlib.sha256(content).hexdigest()}
    return known


def read_rows(run: it.runs.Run) -> tuple[it.finetuning.Examples, Split]:
    """Read a run's rows from its folder."""
    return read_run_examples(run.folder, run.request)


def training_texts_of(run: it.runs.Run, read: ReadRows = read_rows) -> frozenset[str]:
    """Return what a run, and those that it went on from, learned from, as `text_key` writes it.

    Raises
    ------
    InputError
        If the files of one are damaged.
    """
    found: set[str] = set()
    one: it.runs.Run | None = run
    while one is not None:
        examples, split = read(one)
        found |= {text_key(examples.texts[int(index)]) for index in split.train}
        one = one.parent_run
    return frozenset(found)


def classifying_outcome(run: it.runs.Run) -> Outcome:
    """Return what came of a run whose model says a class of each text.

    Raises
    ------
    InputError
        If it is no such run, or has no model yet.
    """
    if run.model is None:
        raise InputError("The run “{name}” has no results yet.", name=run.request.name)
    if run.request.task != "classes" or run.request.pair:
        raise InputError(
            "The run “{name}” does not classify single texts, and a report is about such predictions. Choose a run of "
            "text classification without a second text.",
            name=run.request.name,
        )
    return read_outcome(run)


def _time(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else None

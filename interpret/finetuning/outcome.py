"""What came of a run: how good its model is on what was held out, row by row."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from interpret.errors import InputError
from interpret.finetuning.data import read_examples, split_examples
from interpret.finetuning.examples import GAMES, Examples
from interpret.finetuning.results import Fit, GameResults, Results, measure_fit, measure_game, measure_results
from interpret.finetuning.runs import Request, Run, data_file, judged_file
from interpret.finetuning.training import Trained
from interpret.vocabulary import PieceNames


def read_run_examples(folder: Path, request: Request) -> tuple[Examples, np.ndarray, np.ndarray]:
    """Read a run's examples, and which of them are learned from and judged by.

    Raises
    ------
    InputError
        If a file cannot be read, has no such columns, or cannot be split.
    """
    columns = (request.text, request.label, request.pair, request.task, request.words)
    examples = read_examples(data_file(folder, request).read_bytes(), request.data, *columns)
    if not request.judged:
        return (examples, *split_examples(examples, request.recipe.share, request.recipe.seed))
    other = read_examples(judged_file(folder, request).read_bytes(), request.judged, *columns)
    count = len(examples)
    return examples.joined(other), np.arange(count), np.arange(count, count + len(other))


def measure(trained: Trained) -> Results | Fit | GameResults:
    """Tell how good a model is on what was held out."""
    if trained.task in GAMES:
        return measure_game(trained.answers)
    if trained.task == "regression":
        return measure_fit(trained.answers["logits"][:, 0], trained.answers["truth"])
    truth = [trained.labels[place] for place in trained.answers["truth"]]
    return measure_results(trained.answers["logits"], truth, trained.labels)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    found
        How good its model is on what was held out.
    texts, pairs, truth, places
        Of each row of `found`, the text, its second text, what would have been right, and its row in the file, from 0.
        For games of each passage; ``truth`` is then its document.
    labels
        The classes.
    step
        How many steps its model has behind it: the best epoch's, where there was patience.
    """

    found: Results | Fit | GameResults
    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    truth: tuple[str, ...]
    places: tuple[int, ...]
    labels: tuple[str, ...]
    step: int


def read_outcome(run: Run) -> Outcome:
    """Read what came of a run that is done or stopped.

    Raises
    ------
    InputError
        If nothing has come of it yet.
    """
    try:
        with np.load(run.folder / "answers.npz", allow_pickle=False) as kept:
            answers = {name: kept[name] for name in kept.files}
        card = json.loads((run.folder / "floors.json").read_text("utf-8"))
        labels, step = tuple(card["labels"]), int(card["step"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError("The run “{name}” has no results yet.", name=run.request.name) from error
    examples, _, judged = read_run_examples(run.folder, run.request)
    if run.request.task in GAMES:
        found, some = measure_game(answers), examples.some(judged)
        return Outcome(found, some.texts, some.pairs, some.labels, some.places, (), step)
    logits, truth = answers["logits"], answers["truth"]
    # For words' tags a row for each word, shown in its sentence.
    some = examples.some(judged[answers["rows"]])
    if run.request.task == "regression":
        return Outcome(measure_fit(logits[:, 0], truth), some.texts, some.pairs, some.labels, some.places, (), step)
    names = tuple(labels[int(place)] for place in truth)
    return Outcome(measure_results(logits, names, labels), some.texts, some.pairs, names, some.places, labels, step)


def piece_names(run: Run, ids: Iterable[int]) -> dict[int, str]:
    """Return what pieces of the vocabulary of a run's model are called.

    Raises
    ------
    InputError
        If the run has no model yet.
    """
    if run.model is None:
        raise InputError("The run “{name}” has no results yet.", name=run.request.name)
    pieces = Tokenizer.from_file(str(run.model / "tokenizer.json"))
    names = PieceNames(pieces)
    return {place: names(place) for place in set(ids)}

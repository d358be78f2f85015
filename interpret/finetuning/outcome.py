"""What came of a run: how good its model is on what was held out, row by row."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from interpret.errors import InputError, InterpretError
from interpret.finetuning.data import judge_by_second, read_examples, split_examples
from interpret.finetuning.examples import GAMES, Examples
from interpret.finetuning.kept import BROKEN, as_text, damaged, number, read_arrays, read_bytes, read_object
from interpret.finetuning.results import Fit, GameResults, Results, measure_fit, measure_game, measure_results
from interpret.finetuning.runs import Request, Run, data_file, judged_file
from interpret.finetuning.training import Trained


def read_run_examples(folder: Path, request: Request) -> tuple[Examples, np.ndarray, np.ndarray]:
    """Read a run's examples, and which of them are learned from and judged by.

    Raises
    ------
    InputError
        If a file cannot be read, has no such columns, or cannot be split.
    """
    columns = (request.text, request.label, request.pair, request.task, request.words)
    examples = read_examples(read_bytes(data_file(folder, request)), request.data, *columns)
    if not request.judged:
        return (examples, *split_examples(examples, request.recipe.share, request.recipe.seed))
    return judge_by_second(examples, read_examples(read_bytes(judged_file(folder, request)), request.judged, *columns))


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
        If nothing has come of it yet, or its files are damaged.
    """
    if not (run.folder / "answers.npz").exists():
        raise InputError("The run “{name}” has no results yet.", name=run.request.name)
    answers, card = read_arrays(run.folder / "answers.npz"), read_object(run.folder / "floors.json")
    try:
        return _as_outcome(run, answers, card)
    except InterpretError:
        raise
    except BROKEN as error:
        raise damaged(run.folder / "answers.npz", error) from error


def _as_outcome(run: Run, answers: dict[str, np.ndarray], card: dict[str, Any]) -> Outcome:
    labels, step = tuple(map(as_text, card["labels"])), int(number(card["step"]))
    examples, learned, judged = read_run_examples(run.folder, run.request)
    rest = len(examples) - len(learned)
    if run.request.judged and len(judged) < rest == run.facts.get("judged"):
        # A run of before rows of the second file were left out that stand in the first one too.
        judged = np.arange(len(learned), len(examples))
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
    return {place: pieces.id_to_token(place) or f"#{place}" for place in set(ids)}

"""What came of a run: how good its model is on what was held out, row by row."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from interpret.core.errors import InputError, InterpretError
from interpret.core.file_rows import FileRows
from interpret.core.intervals import cluster_bootstrap
from interpret.core.saved_values import BROKEN, number
from interpret.core.vocabulary import TokenNames
from interpret.finetuning.data import read_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.facts import reported_on
from interpret.finetuning.headline import Results
from interpret.finetuning.model_selection import Choice, cross_fit
from interpret.finetuning.objective import find_objective
from interpret.finetuning.request import Request, data_file, file_of_test_data
from interpret.finetuning.run_files import as_text, damaged, read_arrays, read_bytes, read_object
from interpret.finetuning.runs import Run
from interpret.finetuning.splits import Split, split_rows


def read_run_examples(folder: Path, request: Request) -> tuple[Examples, Split]:
    """Read a run's examples, and which of them serve for what.

    Raises
    ------
    InputError
        If a file cannot be read, has no such columns, or cannot be split.
    """
    columns = (request.text, request.label, request.pair, request.task, request.passage_words, request.tag_column)
    examples = read_examples(read_bytes(data_file(folder, request)), request.data, *columns)
    test_rows = 0
    if request.test_data:
        other = read_examples(read_bytes(file_of_test_data(folder, request)), request.test_data, *columns)
        examples, test_rows = examples.joined(other), len(other)
    recipe = request.recipe
    return examples, split_rows(examples, recipe.held_out, recipe.seed, request.chooses, test_rows)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    results
        How good its model is on what was held out.
    texts, pairs, truth, origin
        Of each row of `results`, the text, its second text, what would have been right, and which row of the file it
        is. Of running text each passage; ``truth`` is then its document, and its number is that of the passage.
    words
        Where the rows are words, these; their texts are the sentences.
    labels
        The classes.
    step
        How many steps its model has behind it: the best epoch's, where there was patience.
    validated
        How many other rows chose the epoch; 0 where none was chosen, or these rows did it.
    chosen
        Whether the epoch was chosen among several by these very rows, so that the result flatters it.
    honest
        What the run is reported with first, as it would be were the epoch chosen by other rows: see
        `interpret.finetuning.model_selection.cross_fit`. NaN where it was not chosen by these, or is not known.
    unread
        How many words stand beyond what was read of their sentences, and are not counted; 0 where there are no tags.
    overlap
        How many of the rows also stand among those that were learned from: none but in runs from before such rows were
        left out.
    """

    results: Results
    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    truth: tuple[str, ...]
    origin: FileRows
    words: tuple[str, ...] | None
    labels: tuple[str, ...]
    step: int
    validated: int
    chosen: bool
    honest: float
    unread: int
    overlap: int = 0


def read_outcome(run: Run) -> Outcome:
    """Read what came of a run that is done or stopped.

    Raises
    ------
    InputError
        If nothing has come of it yet, or its files are damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> outcome = it.finetuning.read_outcome(run)
    >>> outcome.labels, outcome.results.confusion.tolist()  # true given
    (('money', 'nature'), [[2, 0], [0, 2]])
    >>> sorted(outcome.truth)
    ['money', 'money', 'nature', 'nature']
    """
    answers, labels, step = _kept(run)
    try:
        return _as_outcome(run, answers, labels, step)
    except InterpretError:
        raise
    except BROKEN as error:
        raise damaged(run.folder / "answers.npz", error) from error


def _as_outcome(run: Run, answers: dict[str, np.ndarray], labels: tuple[str, ...], step: int) -> Outcome:
    request, task = run.request, run.request.task
    examples, split = read_run_examples(run.folder, request)
    rest, overlap = len(examples) - len(split.train), 0
    if request.test_data and len(split.test) < rest == run.facts.get("judged"):
        # A run of before rows of the second file were left out that stand in the first one too.
        whole = np.arange(len(split.train), len(examples))
        overlap, split = rest - len(split.test), Split(split.train, whole, whole)
    chosen = not split.apart and reported_on(run.facts, request.recipe.patience > 0) == "choosing"
    objective = find_objective(task)
    # For words' tags a row for each word, shown in its sentence.
    some = examples.some(objective.rows(split.test, answers))
    words, unread = None, 0
    if examples.tags is not None:
        unread = sum(len(examples.tags[index]) for index in split.test) - len(answers["rows"])
        if "words" in answers:
            words = tuple(row[one] for row, one in zip(some.words or (), answers["words"], strict=True))
    return Outcome(
        results=objective.measure(answers, labels),
        texts=some.texts,
        pairs=some.pairs,
        truth=objective.truth(some, answers, labels),
        origin=some.origin,
        words=words,
        labels=labels,
        step=step,
        validated=len(split.validation) if split.apart else 0,
        chosen=chosen,
        honest=run.facts.get("honest", math.nan),
        unread=unread,
        overlap=overlap,
    )


# What runs call it that were made before layers had their name.
_CARD_BEFORE = "floors.json"


def _kept(run: Run) -> tuple[dict[str, np.ndarray], tuple[str, ...], int]:
    """Read a run's answers, its classes, and how many steps its model has behind it."""
    if not (run.folder / "answers.npz").exists():
        raise InputError("The run “{name}” has no results yet.", name=run.request.name)
    file = run.folder / "layer_groups.json"
    if not file.exists() and (run.folder / _CARD_BEFORE).exists():
        file = run.folder / _CARD_BEFORE
    answers, card = read_arrays(run.folder / "answers.npz"), read_object(file)
    try:
        return answers, tuple(map(as_text, card["labels"])), int(number(card["step"]))
    except BROKEN as error:
        raise damaged(file, error) from error


@dataclass(frozen=True)
class Compared:
    """Runs that were reported on the same rows.

    Attributes
    ----------
    choice
        The best of them, and how far it flatters it to be chosen by these rows.
    behind
        How far each is behind the best on the same rows: the 95% interval of the difference, by bootstrap over rows
        (sentences, passages). One that holds 0 cannot be told from the best.
    """

    choice: Choice
    behind: tuple[tuple[float, float], ...]


def compare_runs(runs: Sequence[Run]) -> Compared:
    """Compare runs of one task that were reported on the same rows, such as those of a sweep.

    Raises
    ------
    InputError
        If one has no results yet, or they are of other rows.
    """
    objective = find_objective(runs[0].request.task)
    kept = [_kept(run) for run in runs]
    parts = [objective.row_parts(labels, answers) for answers, labels, _step in kept]
    truth = kept[0][0]["truth"]
    if any(not np.array_equal(one["truth"], truth) for one, _labels, _step in kept):
        raise InputError("These runs were evaluated on different rows, so they cannot be compared row by row.")
    score, width = objective.headline, parts[0].shape[1]
    choice = cross_fit(np.stack(parts), score, score, objective.strata(truth))
    behind = [
        cluster_bootstrap(
            np.concatenate([parts[choice.best], one], axis=1),
            lambda sums: score(sums[:, :width]) - score(sums[:, width:]),
        )
        for one in parts
    ]
    return Compared(choice, tuple(behind))


def token_names(run: Run, ids: Iterable[int]) -> dict[int, str]:
    """Return what tokens of the vocabulary of a run's model are called.

    Raises
    ------
    InputError
        If the run has no model yet, or its tokenizer is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> it.finetuning.token_names(run, [101, 2103, 102])
    {101: '[CLS]', 102: '[SEP]', 2103: 'city'}
    """
    if run.model is None:
        raise InputError("The run “{name}” has no results yet.", name=run.request.name)
    file = run.model / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # of no class of its own, whatever is wrong
        raise damaged(file, error, run.folder) from error
    names = TokenNames(tokenizer)
    return {token_id: names(token_id) for token_id in set(ids)}

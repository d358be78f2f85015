"""Labelled examples out of a file, and their split into those to learn from and those to be judged by."""

import math
from collections import Counter

import numpy as np
from jaxtyping import Int

from interpret.arrays import read_only
from interpret.errors import InputError
from interpret.files import Table, decode, read_table
from interpret.finetuning.examples import GAMES, LEAST_ROWS, TASKS, Examples
from interpret.finetuning.passages import PASSAGE_WORDS, read_passages, split_passages

MOST_CLASSES = 200
# A regression is split by these many ranges of its values, so that both sides have high ones and low ones.
_RANGES = 5


def read_examples(
    content: bytes,
    name: str,
    text: str,
    label: str,
    pair: str | None = None,
    task: str = "classes",
    words: int = PASSAGE_WORDS,
) -> Examples:
    """Read a file's labelled rows.

    Parameters
    ----------
    content, name
        The file; its name tells its kind.
    text, label, pair
        Names of columns. For token classes the file is in CoNLL's form instead (a word and its tag a line, columns
        parted by spaces or tabs, a blank line between sentences), and they are not used. For games there are no labels:
        see `interpret.finetuning.passages.read_passages`.
    task
        What the labels are.
    words
        For games the length of a passage.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or the labels are not what the task takes.
    """
    if task not in TASKS:
        raise InputError("There is no task “{name}”. Choose one of: {known}.", name=task, known=", ".join(TASKS))
    if task in GAMES:
        return read_passages(content, name, text, task, words)
    if task == "token classes":
        examples = _conll(content, name)
    else:
        table = read_table(content, name)
        examples = _rows(table, [_column(table, one) for one in (text, label)], pair, task)
    _check(examples, label)
    return examples


def _column(table: Table, name: str) -> int:
    if name not in table.columns:
        raise InputError(
            "The file has no column “{name}”. It has: {known}.", name=name, known=", ".join(table.columns[:20])
        )
    return table.columns.index(name)


def _rows(table: Table, columns: list[int], pair: str | None, task: str) -> Examples:
    text, label = columns
    second = None if pair is None else _column(table, pair)
    kept = [
        place
        for place, row in enumerate(table.rows)
        if row[text].strip() and row[label].strip() and (second is None or row[second].strip())
    ]
    rows = [table.rows[place] for place in kept]
    return Examples(
        task,
        tuple(row[text].strip() for row in rows),
        None if second is None else tuple(row[second].strip() for row in rows),
        tuple(row[label].strip() for row in rows),
        tuple(kept),
        len(table.rows) - len(kept),
    )


def _conll(content: bytes, name: str) -> Examples:
    text, _ = decode(content, name)
    texts, labels, words, tags = [], [], [], []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        cells = line.split()
        if cells and cells[0] == "-DOCSTART-":
            continue
        if cells and len(cells) < 2:
            raise InputError(
                "Line {line} of “{name}” has a word and no tag. Each line needs a word and, last, its tag; a blank "
                "line ends a sentence.",
                line=number,
                name=name,
            )
        if cells:
            words.append(cells[0])
            tags.append(cells[-1])
        elif words:
            texts.append(" ".join(words))
            labels.append(" ".join(tags))
            words, tags = [], []
    return Examples("token classes", tuple(texts), None, tuple(labels), tuple(range(len(texts))), 0)


def _check(examples: Examples, label: str) -> None:
    if len(examples) < LEAST_ROWS:
        raise InputError(
            "The file has {count} rows with a text and a label, and {least} are the least to learn and judge by. Add "
            "some, or choose other columns.",
            count=len(examples),
            least=LEAST_ROWS,
        )
    if examples.task == "regression":
        for place, one in zip(examples.places, examples.labels, strict=True):
            if not _is_number(one):
                raise InputError(
                    "Row {row} has “{label}” where a regression needs a number. Choose classes, or another column.",
                    row=place + 1,
                    label=one[:40],
                )
        if len({float(one) for one in examples.labels}) < 2:
            raise InputError(
                "All rows have the value {value}, so there is nothing to learn. Choose another column.",
                value=examples.labels[0],
            )
        return
    classes = examples.classes
    if len(classes) < 2:
        raise InputError(
            "All rows have the label “{label}”. A classifier needs two classes at least: choose another column, or "
            "add rows of another class.",
            label=classes[0],
        )
    if examples.task == "token classes":
        return
    if len(classes) > MOST_CLASSES or (len(classes) > len(examples) // 2 and len(classes) > LEAST_ROWS):
        if all(map(_is_number, classes)):
            raise InputError(
                "The column “{label}” has {count} different numbers in {rows} rows. Choose regression, or put them in "
                "classes first.",
                label=label,
                count=len(classes),
                rows=len(examples),
            )
        raise InputError(
            "The column “{label}” has {count} different labels in {rows} rows, so most have hardly an example. Choose "
            "another column, or join labels.",
            label=label,
            count=len(classes),
            rows=len(examples),
        )
    name, count = min(Counter(examples.labels).items(), key=lambda item: item[1])
    if count == 1:
        raise InputError(
            "The class “{label}” has a single row, which cannot be learned from and judged by at once. Add rows of "
            "it, or take it out.",
            label=name,
        )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def split_examples(
    examples: Examples, share: float = 0.2, seed: int = 0
) -> tuple[Int[np.ndarray, "learned"], Int[np.ndarray, "judged"]]:
    """Hold a share of the examples out, so that what is judged was never learned from.

    Every class (for a regression: every fifth of its values) gives its share, and has examples on either side.
    Examples that say the same stay together, whatever their labels. The same seed gives the same split.

    Parameters
    ----------
    share
        Of the examples that are held out, from 0.05 to 0.5.

    Raises
    ------
    InputError
        If the share is out of range, or a class's rows all say the same, so that it cannot be on both sides.
    """
    if not 0.05 <= share <= 0.5:
        raise InputError(
            "A share of {share} cannot be held out. Choose one between 0.05 and 0.5, such as 0.2.", share=share
        )
    if examples.task in GAMES:
        before, after = split_passages(examples, share)
        return read_only(before, np.int64), read_only(after, np.int64)
    groups: dict[tuple[str, str], list[int]] = {}
    for place in range(len(examples)):
        groups.setdefault(examples.key(place), []).append(place)
    strata: dict[str, list[list[int]]] = {}
    names = _strata(examples)
    for group in groups.values():
        # Where texts that say the same are labelled differently, the first label speaks for all.
        strata.setdefault(names[group[0]], []).append(group)
    random = np.random.default_rng(seed)
    judged: list[int] = []
    for name in sorted(strata):
        members = [strata[name][i] for i in random.permutation(len(strata[name]))]
        if len(members) == 1 and len(strata) > 1 and examples.task == "classes":
            raise InputError(
                "All rows of the class “{label}” say the same, so none can be held out. Add different ones.", label=name
            )
        wanted = share * sum(map(len, members))
        held = 0
        for group in members[:-1]:
            # Nearest to the share, and one group at least.
            if held and held + len(group) / 2 > wanted:
                break
            judged += group
            held += len(group)
    held_out = set(judged)
    learned = [place for place in range(len(examples)) if place not in held_out]
    return read_only(learned, np.int64), read_only(sorted(judged), np.int64)


def _strata(examples: Examples) -> list[str]:
    if examples.task == "classes":
        return list(examples.labels)
    if examples.task == "token classes":
        return [""] * len(examples)
    values = np.array([float(one) for one in examples.labels])
    edges = np.quantile(values, np.linspace(0, 1, _RANGES + 1)[1:-1])
    return [str(one) for one in np.searchsorted(edges, values)]


def judge_by_second(
    examples: Examples, other: Examples
) -> tuple[Examples, Int[np.ndarray, "learned"], Int[np.ndarray, "judged"]]:
    """Join a second file that is judged by, and return all examples and which are learned from and judged by.

    What also stands in the first file (case and spaces apart) is left out of what is judged by: it was learned from.

    Raises
    ------
    InputError
        If the second has classes that the first has not, or nothing that is not in the first too.
    """
    both, count = examples.joined(other), len(examples)
    known = {both.key(place) for place in range(count)}
    judged = [place for place in range(count, len(both)) if both.key(place) not in known]
    if not judged:
        raise InputError(
            "All {count} rows of the file to judge by also stand in the file to learn from. Bring other rows, or hold "
            "a share of the first file out.",
            count=len(other),
        )
    return both, read_only(np.arange(count), np.int64), read_only(judged, np.int64)

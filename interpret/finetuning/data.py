"""Labelled examples out of a file, and their split into those to learn from and those to be judged by."""

from collections import Counter

import numpy as np
from jaxtyping import Int

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.file_rows import rows_of
from interpret.core.files import Table, read_table
from interpret.core.labels import as_number, has_decimal_commas, is_missing, multi_labels, with_point
from interpret.core.tag_files import read_tags
from interpret.finetuning.examples import LEAST_ROWS, PRETRAINING_TASKS, TASKS, Examples
from interpret.finetuning.passages import PASSAGE_WORDS, read_passages, split_passages

MOST_CLASSES = 200
_SPANS = ("B-", "I-", "E-", "S-")
_INFINITE = ("inf", "infinity")
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
    tags: str = "",
) -> Examples:
    r"""Read a file's labelled rows.

    Parameters
    ----------
    content, name
        The file; its name tells its kind.
    text, label, pair
        Names of columns. For token classes the file is in one of the forms of `interpret.core.tag_files.read_tags`
        instead, and they are not used. For games there are no labels: see
        `interpret.finetuning.passages.read_passages`. A label that is written as missing
        (`interpret.core.labels.MISSING`) is none: its row is left out and counted.
    task
        What the labels are.
    words
        For games the length of a passage.
    tags
        For token classes which of the file's columns, or features, is the tag; the form's own unless given.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or the labels are not what the task takes.

    Examples
    --------
    >>> import interpret as it
    >>> lines = ["text,topic", ",money", *(f"Tax number {number},money" for number in range(4))]
    >>> lines += [f"Rain of day {number},nature" for number in range(4)]
    >>> examples = it.finetuning.read_examples("\n".join(lines).encode(), "topics.csv", "text", "topic")
    >>> len(examples), examples.skipped, examples.classes
    (8, 1, ('money', 'nature'))
    >>> examples.texts[0], examples.labels[0], examples.places[0]
    ('Tax number 0', 'money', 1)
    """
    if task not in TASKS:
        raise InputError("There is no task “{name}”. Choose one of: {known}.", name=task, known=", ".join(TASKS))
    if task in PRETRAINING_TASKS:
        return read_passages(content, name, text, task, words)
    if task == "token classes":
        found = read_tags(content, name, tags)
        examples = Examples(
            task,
            tuple(" ".join(row) for row in found.words),
            None,
            tuple(" ".join(row) for row in found.tags),
            tuple(number - 1 for number in found.numbers),
            found.skipped,
            (),
            found.words,
            found.tags,
            comments=found.comments,
        )
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
    labels = [row[label].strip() for row in table.rows]
    # JSON has true infinities; as the label of a regression they are no more than NaN is.
    none = [is_missing(one) or (task == "regression" and one.lstrip("+-").casefold() in _INFINITE) for one in labels]
    kept = [
        place
        for place, row in enumerate(table.rows)
        if row[text].strip() and not none[place] and (second is None or row[second].strip())
    ]
    if task == "regression" and has_decimal_commas(
        [labels[place] for place in kept], table.dialect.delimiter if table.dialect else None
    ):
        labels = [with_point(one) for one in labels]
    rows = [table.rows[place] for place in kept]
    shown = [table.columns[i] for i in (text, second) if i is not None]
    origin = rows_of(table, kept, shown)
    return Examples(
        task,
        # As they stand in the file: some vocabularies read a space before a text.
        tuple(row[text] for row in rows),
        None if second is None else tuple(row[second] for row in rows),
        tuple(labels[place] for place in kept),
        tuple(number - 1 for number in origin.numbers),
        len(table.rows) - len(kept),
        tuple(Counter(one for one, no in zip(labels, none, strict=True) if no and one).most_common()),
        columns=origin.columns,
        blank=len(table.skipped),
    )


def _check(examples: Examples, label: str) -> None:
    if len(examples) < LEAST_ROWS:
        raise InputError(
            "The file has {count} rows with a text and a label; training and evaluation need at least {least}. Add "
            "some, or choose other columns.",
            count=len(examples),
            least=LEAST_ROWS,
        )
    if examples.task == "regression":
        for place, one in zip(examples.places, examples.labels, strict=True):
            if as_number(one) is None:
                raise InputError(
                    "Row {row} has “{label}”, but regression needs a number. Choose classification, or another column.",
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
    # Of tags those that begin a span or go on with one: a feature's value such as “Int,Rel” is one.
    tags = [tag for row in examples.tags or () for tag in row if tag.startswith(_SPANS)]
    several = multi_labels(examples.labels if examples.task == "classes" else tags)
    if several is not None:
        raise InputError(
            "The column “{label}” has several labels in a cell, such as “{cell}”. A row can have only one label in "
            "training: choose another column, or add a yes/no column for each label.",
            label=label if examples.task == "classes" else "tags",
            cell=several[:60],
        )
    if len(classes) < 2:
        raise InputError(
            "All rows have the label “{label}”. A classifier needs at least two classes: choose another column, or "
            "add rows of another class.",
            label=classes[0],
        )
    if examples.task == "token classes":
        if len(classes) > MOST_CLASSES:
            raise InputError(
                "The words have {count} different tags; at most {most} are supported. Choose another column of tags.",
                count=len(classes),
                most=MOST_CLASSES,
            )
        return
    if len(classes) > MOST_CLASSES or (len(classes) > len(examples) // 2 and len(classes) > LEAST_ROWS):
        if all(as_number(one) is not None for one in classes):
            raise InputError(
                "The column “{label}” has {count} different numbers in {rows} rows. Choose regression, or bin the "
                "numbers into classes first.",
                label=label,
                count=len(classes),
                rows=len(examples),
            )
        raise InputError(
            "The column “{label}” has {count} different labels in {rows} rows, so most labels have hardly any "
            "examples. Choose another column, or merge labels.",
            label=label,
            count=len(classes),
            rows=len(examples),
        )
    name, count = min(Counter(examples.labels).items(), key=lambda item: item[1])
    if count == 1:
        raise InputError(
            "The class “{label}” has only one row, which cannot serve for both training and evaluation. Add rows of "
            "this class, or remove it.",
            label=name,
        )


def split_examples(
    examples: Examples, share: float = 0.2, seed: int = 0
) -> tuple[Int[np.ndarray, " learned"], Int[np.ndarray, " judged"]]:
    r"""Hold a share of the examples out, so that what is judged was never learned from.

    Every class (for a regression: every fifth of its values) gives its share, and has examples on either side.
    Examples that say the same stay together, whatever their labels. The same seed gives the same split.

    Parameters
    ----------
    share
        Of the examples that are held out, from 0.05 to 0.5.

    Raises
    ------
    InputError
        If the share is out of range, a class's rows all say the same, so that it cannot be on both sides, or one side
        is left empty.

    Examples
    --------
    >>> import interpret as it
    >>> lines = ["text,topic", *(f"The bank lent {amount}.,money" for amount in range(10))]
    >>> lines += [f"Rain fell {days} days.,nature" for days in range(10)]
    >>> examples = it.finetuning.read_examples("\n".join(lines).encode(), "topics.csv", "text", "topic")
    >>> learned, judged = it.finetuning.split_examples(examples, share=0.2)
    >>> len(learned), len(judged), set(learned) & set(judged)
    (16, 4, set())
    >>> sorted(examples.labels[place] for place in judged)
    ['money', 'money', 'nature', 'nature']
    """
    if not 0.05 <= share <= 0.5:
        raise InputError(
            "A held-out share of {share} is not possible. Choose one between 0.05 and 0.5, such as 0.2.", share=share
        )
    if examples.task in PRETRAINING_TASKS:
        return _both(examples, *split_passages(examples, share))
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
                "All rows of the class “{label}” are identical, so none can be held out. Add different ones.",
                label=name,
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
    return _both(examples, learned, sorted(judged))


def _both(
    examples: Examples, learned: list[int], judged: list[int]
) -> tuple[Int[np.ndarray, " learned"], Int[np.ndarray, " judged"]]:
    # Whether a text follows is asked with another one's end.
    least = 2 if examples.task in PRETRAINING_TASKS and examples.pairs is not None else 1
    if len(learned) < least or len(judged) < least:
        raise InputError(
            "The split leaves {learned} for training and {judged} for evaluation. Identical texts stay together: add "
            "different ones, hold out another share, or use a second file as the test set.",
            learned=len(learned),
            judged=len(judged),
        )
    return read_only(learned, np.int64), read_only(judged, np.int64)


def _strata(examples: Examples) -> list[str]:
    if examples.task == "classes":
        return list(examples.labels)
    if examples.task == "token classes":
        return [""] * len(examples)
    values = np.array([float(one) for one in examples.labels])
    edges = np.quantile(values, np.linspace(0, 1, _RANGES + 1)[1:-1])
    return [str(one) for one in np.searchsorted(edges, values)]

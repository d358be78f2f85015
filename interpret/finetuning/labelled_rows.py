"""Labelled rows out of a table, and what is refused of their labels."""

from collections import Counter
from collections.abc import Callable, Sequence

from interpret.core.errors import InputError
from interpret.core.file_rows import rows_of
from interpret.core.files import Table, read_table
from interpret.core.labels import as_number, is_missing, multi_labels
from interpret.finetuning.data_source import Columns
from interpret.finetuning.examples import LEAST_ROWS, Examples

MOST_CLASSES = 200


def read_rows(
    content: bytes,
    name: str,
    columns: Columns,
    task: str,
    missing: Callable[[str], bool] = is_missing,
    written: Callable[[list[str], Table], list[str]] | None = None,
) -> Examples:
    """Read a table's labelled rows; those without a text or a label are left out and counted.

    Parameters
    ----------
    missing
        Whether a cell stands for no label.
    written
        Given the labels that are there and the table, writes them in one way.

    Raises
    ------
    InputError
        If the file cannot be read, or has no such columns.
    """
    table = read_table(content, name)
    text, label = (_column(table, one) for one in (columns.text, columns.label))
    second = None if columns.pair is None else _column(table, columns.pair)
    labels = [row[label].strip() for row in table.rows]
    none = [missing(one) for one in labels]
    kept = [
        index
        for index, row in enumerate(table.rows)
        if row[text].strip() and not none[index] and (second is None or row[second].strip())
    ]
    given = [labels[index] for index in kept]
    rows = [table.rows[index] for index in kept]
    shown = [table.columns[i] for i in (text, second) if i is not None]
    origin = rows_of(table, kept, shown)
    return Examples(
        task,
        # As they stand in the file: some vocabularies read a space before a text.
        tuple(row[text] for row in rows),
        None if second is None else tuple(row[second] for row in rows),
        tuple(given if written is None else written(given, table)),
        tuple(number - 1 for number in origin.numbers),
        len(table.rows) - len(kept),
        tuple(Counter(one for one, no in zip(labels, none, strict=True) if no and one).most_common()),
        columns=origin.columns,
        blank=len(table.skipped),
    )


def _column(table: Table, name: str) -> int:
    if name not in table.columns:
        raise InputError(
            "The file has no column “{name}”. It has: {known}.", name=name, known=", ".join(table.columns[:20])
        )
    return table.columns.index(name)


def refuse_few(examples: Examples) -> None:
    """Refuse fewer examples than can be learned from and evaluated on."""
    if len(examples) < LEAST_ROWS:
        raise InputError.counted(
            "The file has {count} row with a text and a label; training and evaluation need at least {least}. Add "
            "some, or choose other columns.",
            "The file has {count} rows with a text and a label; training and evaluation need at least {least}. Add "
            "some, or choose other columns.",
            len(examples),
            count=len(examples),
            least=LEAST_ROWS,
        )


def refuse_several(labels: Sequence[str], column: str, of_words: bool = False) -> None:
    """Refuse cells that hold several labels; ``of_words``: they are those of single words."""
    several = multi_labels(labels)
    if several is None:
        return
    if of_words:
        raise InputError(
            "The column “{label}” has several labels in a cell, such as “{cell}”. A word can have only one tag: choose "
            "another column.",
            label=column,
            cell=several[:60],
        )
    raise InputError(
        "The column “{label}” has several labels in a cell, such as “{cell}”. Choose multi-label classification, or "
        "another column.",
        label=column,
        cell=several[:60],
    )


def refuse_one_class(examples: Examples) -> None:
    """Refuse labels that are all the same."""
    classes = examples.classes
    if len(classes) < 2:
        raise InputError(
            "All rows have the label “{label}”. A classifier needs at least two classes: choose another column, or "
            "add rows of another class.",
            label=classes[0],
        )


def refuse_rare_classes(examples: Examples, column: str) -> None:
    """Refuse more classes than can be learned, and a class of one row."""
    classes = examples.classes
    if len(classes) > MOST_CLASSES or (len(classes) > len(examples) // 2 and len(classes) > LEAST_ROWS):
        if all(as_number(one) is not None for one in classes):
            raise InputError(
                "The column “{label}” has {count} different numbers in {rows} rows. Choose regression, or bin the "
                "numbers into classes first.",
                label=column,
                count=len(classes),
                rows=len(examples),
            )
        raise InputError(
            "The column “{label}” has {count} different labels in {rows} rows, so most labels have hardly any "
            "examples. Choose another column, or merge labels.",
            label=column,
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

"""How large a table may be, and names for its columns."""

from collections.abc import Sequence

from interpret.core.errors import InputError

# What one upload may cost: the server takes 50 MB; a table in memory takes some ten times what its file does.
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 1_000_000, 1_000, 5_000_000


# Of one text, cells of several lines and blank lines among them.
MOST_LINES = 2_000_000


# Of one text: each may be a token of its own, and what is known of a million tokens takes some 400 MB and 4 seconds.
MOST_CHARACTERS = 1_000_000
# Of a column's name, which stands in every list of columns.
LONGEST_NAME = 10_000


# Cells that are in no row of the file but make all rows alike: a short file could ask for any number of them.
MOST_ABSENT = 2_000_000


def column_names(cells: Sequence[str], name: str) -> list[str]:
    """Return columns' names without spaces around them.

    Raises
    ------
    InputError
        If there are too many.
    """
    check_size(name, 0, len(cells), 0)
    return [cell.strip() for cell in cells]


def check_size(name: str, rows: int, columns: int, absent: int) -> None:
    """Refuse a table that would take the memory that others need; ``absent`` cells are in no row of the file.

    Raises
    ------
    InputError
        If a limit is passed.
    """
    if columns > MOST_COLUMNS:
        raise InputError(
            "“{name}” has {got} columns; at most {most} are read. Remove those that are not needed.",
            name=name,
            got=columns,
            most=MOST_COLUMNS,
        )
    if rows > MOST_ROWS or rows * columns > MOST_CELLS:
        raise InputError.counted(
            "“{name}” has more than {rows} rows of {columns} column; at most {most_rows} rows and {most_cells} "
            "cells are read. Remove rows.",
            "“{name}” has more than {rows} rows of {columns} columns; at most {most_rows} rows and {most_cells} "
            "cells are read. Remove rows, or columns that are not needed.",
            columns,
            name=name,
            rows=rows - 1,
            columns=columns,
            most_rows=MOST_ROWS,
            most_cells=MOST_CELLS,
        )
    if absent > MOST_ABSENT:
        raise InputError(
            "Most rows of “{name}” have far fewer cells than its {columns} columns: {absent} cells are missing, and "
            "at most {most} are filled in. Remove columns that are not needed.",
            name=name,
            columns=columns,
            absent=absent,
            most=MOST_ABSENT,
        )


def check_lines(text: str, name: str) -> None:
    """Refuse a text of more lines than are read, before any of them takes memory.

    Raises
    ------
    InputError
        If there are too many.
    """
    got = text.count("\n") + text.count("\r") - text.count("\r\n")
    if got > MOST_LINES:
        raise InputError(
            "“{name}” has {got} lines; at most {most} are read. Use a part of it.",
            name=name,
            got=got,
            most=MOST_LINES,
        )


def different_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return columns' names, made different where the file repeats one or leaves it out."""
    taken: dict[str, None] = {}
    last: dict[str, str] = {}
    for index, name in enumerate(names):
        base = name or f"column {index + 1}"
        found = last[base] + "′" if base in last else base
        while found in taken:
            found += "′"
        last[base] = found
        taken[found] = None
    return tuple(taken)


def check_names(columns: Sequence[str], name: str) -> None:
    """Refuse a table with a column whose name is longer than any that is shown.

    Raises
    ------
    InputError
        If there is one.
    """
    longest = max(map(len, columns), default=0)
    if longest > LONGEST_NAME:
        raise InputError(
            "A column of “{name}” has a name of {got} characters; at most {most} are read. Give it a shorter one.",
            name=name,
            got=f"{longest:,}",
            most=f"{LONGEST_NAME:,}",
        )


def check_cells(rows: Sequence[Sequence[str]], numbers: Sequence[int], name: str) -> None:
    """Refuse a table with a text in it that is longer than any that is read.

    Raises
    ------
    InputError
        If there is one; the sentence names its row.
    """
    for row, number in zip(rows, numbers, strict=True):
        longest = max(map(len, row), default=0)
        if longest > MOST_CHARACTERS:
            raise InputError(
                "Row {row} of “{name}” holds a text of {got} characters; at most {most} are read at once. Divide it "
                "into several rows.",
                row=number,
                name=name,
                got=f"{longest:,}",
                most=f"{MOST_CHARACTERS:,}",
            )

"""Which rows of a file some texts are, and what else the file says of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from interpret.core.errors import InputError
from interpret.core.files import Table


@dataclass(frozen=True, eq=False)
class FileRows:
    """Which row of a file each of some texts is: what every table and export of them is joined back by.

    Attributes
    ----------
    numbers
        Each text's row in its file, from 1 for the first row under the names of the columns; rows that were skipped
        are counted. A row that gave several texts comes as often.
    columns
        What the file's other columns say of each, by their names.

    Examples
    --------
    >>> table = Table(("text", "id"), (("a", "x"), ("", "y"), ("b", "z")), "utf-8", (1, 2, 4))
    >>> rows = rows_of(table, [2], ["text"])
    >>> rows.numbers, dict(rows.columns)
    ((4,), {'id': ('z',)})
    """

    numbers: tuple[int, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.numbers)

    def some(self, indices: Sequence[int] | Any) -> "FileRows":
        """Return those of some of the texts, by their indices among these; an index may come again."""
        chosen = [int(i) for i in indices]
        columns = {name: tuple(values[i] for i in chosen) for name, values in self.columns.items()}
        return FileRows(tuple(self.numbers[i] for i in chosen), MappingProxyType(columns))

    def followed_by(self, other: "FileRows") -> "FileRows":
        """Return these and after them another file's; a column that one of the two has not is empty there."""
        names = [*self.columns, *(name for name in other.columns if name not in self.columns)]
        blank = ("",) * len(self), ("",) * len(other)
        columns = {name: self.columns.get(name, blank[0]) + other.columns.get(name, blank[1]) for name in names}
        return FileRows(self.numbers + other.numbers, MappingProxyType(columns))

    def beside(self, table: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Return a table with the file's other columns behind its own.

        One whose name is taken gets a prime (′), unless it says what the column of that name says already.
        """
        found = {name: list(values) for name, values in table.items()}
        for name, values in self.columns.items():
            if list(values) != found.get(name):
                found[free_name(found, name)] = list(values)
        return found

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Say the row of the file in an error that says which of these texts it is about: see `batching.naming`."""
        try:
            yield
        except InputError as error:
            if not error.message.startswith("Text {number} "):
                raise
            raise InputError(
                "Row {row} (“{begin}”) cannot be read: {error}",
                row=self.numbers[int(error.values["number"]) - 1],
                begin=error.values["begin"],
                error=error.values["error"],
            ) from error


def rows_of(table: Table, indices: Sequence[int], used: Sequence[str] = ()) -> FileRows:
    """Return which rows of a file some rows of its table are.

    Parameters
    ----------
    indices
        Indices in ``table.rows``.
    used
        Columns that are shown otherwise, such as the text's.
    """
    chosen = [table.rows[i] for i in indices]
    columns = {
        name: tuple(row[index] for row in chosen) for index, name in enumerate(table.columns) if name not in used
    }
    return FileRows(tuple(table.numbers[i] for i in indices), MappingProxyType(columns))


def sample_rows(total: int, most: int, seed: int = 0) -> list[int]:
    """Return the indices of the rows that are read of so many: at most ``most`` sampled at random, or all with 0."""
    if not total > most > 0:
        return list(range(total))
    return sorted(np.random.default_rng(seed).choice(total, most, replace=False).tolist())


def free_name(table: Mapping[str, object], name: str) -> str:
    """Return a name for another column: none takes the place of one that is there."""
    while name in table:
        name += "′"
    return name


def parse_row_numbers(text: str) -> tuple[int, ...]:
    """Read numbers of rows as a person types them.

    Raises
    ------
    InputError
        If there is anything else among them, or nothing.

    Examples
    --------
    >>> parse_row_numbers("3, 17,40")
    (3, 17, 40)
    """
    parts = text.replace("，", ",").replace("、", ",").replace(",", " ").split()
    if not parts or not all(one.isascii() and one.isdigit() and len(one) < 10 for one in parts):
        raise InputError(
            "“{text}” are no numbers of rows. Give them as in the file, with commas between: 3, 17, 40.", text=text[:60]
        )
    return tuple(dict.fromkeys(map(int, parts)))

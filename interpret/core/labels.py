"""What stands in a column of labels: nothing, a number, or several labels at once."""

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Sequence

# What pandas reads as missing and writes for it (`pandas._libs.parsers.STR_NA_VALUES`, 2.3; `read_csv`, "na_values").
MISSING = frozenset(
    [
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    ]
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", re.ASCII)
_SEPARATORS = ";|,"
# What parts labels where several are written as one text.
LABEL_SEPARATOR = "; "
_TRAILING = re.compile(r"[;|,\s]+$")
# As NumPy writes lists: ['a' 'b'] and [1 2].
_QUOTED = re.compile(r"\[\s*(?:(?:'[^']*'|\"[^\"]*\")\s*)+\]")
_NUMBERS = re.compile(r"\[\s*-?[\d.]+(?:\s+-?[\d.]+)+\s*\]")


def is_missing(label: str) -> bool:
    """Tell whether a cell says that no label is there: it is empty, or `MISSING` has it."""
    return label.strip() in MISSING


def as_number(text: str) -> float | None:
    """Return the finite number that a text is, with a decimal point; None if it is none."""
    text = text.strip()
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def has_decimal_commas(values: Sequence[str], delimiter: str | None = None) -> bool:
    """Tell whether a column's numbers are written with decimal commas, as “0,5” and “1.234,5”.

    All must be such numbers. Where each comma has three digits behind it, as thousands have, the file's delimiter
    decides: programs that write decimal commas part cells by something else.

    Parameters
    ----------
    values
        The column, without what is missing.
    delimiter
        The character between the file's cells, if it is known.
    """
    behind = [len(value.strip().rpartition(",")[2]) for value in values if "," in value]
    if not behind or not all(_DECIMAL_COMMA.fullmatch(value.strip()) for value in values):
        return False
    return any(count != 3 for count in behind) or delimiter not in (",", None)


def with_point(value: str) -> str:
    """Write a number with a decimal comma as one with a point."""
    return value.strip().replace(".", "").replace(",", ".")


def multi_labels(values: Sequence[str]) -> str | None:
    """Return a cell that holds several labels, if the column is of that kind; else None.

    Known are lists, ``["a", "b"]`` as JSON and Python write them, and labels parted by ``;``, ``|`` or ``,``: where
    most parts stand in other cells too, alone or in other company, and not each in a place of its own as in
    “Portland, ME”.
    """
    cells = Counter(value.strip() for value in values if not is_missing(value))
    lists = _lists(cells)
    if lists:
        return max(lists, key=len)
    separator, several = _several(cells)
    return max(several, key=lambda cell: len(several[cell])) if separator else None


def split_labels(values: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the labels in each cell of a column where a cell may hold several: see `multi_labels`.

    Where no cell holds several in one of the known ways, each is one label.

    Examples
    --------
    >>> split_labels(["a; b", "b", "a"])
    [('a', 'b'), ('b',), ('a',)]
    >>> split_labels(['["a", "b"]', "[]", "['a']"])
    [('a', 'b'), (), ('a',)]
    >>> split_labels(["Portland, ME", "Salem, OR"])
    [('Portland, ME',), ('Salem, OR',)]
    """
    cells = [value.strip() for value in values]
    lists = [_as_list(cell) for cell in cells]
    # What stands behind the last label, or twice between two, parts nothing.
    plain = [_TRAILING.sub("", cell) for cell, row in zip(cells, lists, strict=True) if row is None]
    separator, _cells = _several(Counter(plain))
    return [
        row if row is not None else _nonempty(cell, separator) if separator else (cell,)
        for cell, row in zip(cells, lists, strict=True)
    ]


def labels_in(cell: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the labels in one cell, of which all but a list's are among the known ones; else the cell as one label.

    Examples
    --------
    >>> labels_in("a, b", ["a", "b"]), labels_in("a, b", ["a", "a, b"]), labels_in("a, c", ["a", "b"])
    (('a', 'b'), ('a, b',), ('a, c',))
    """
    cell = cell.strip()
    if cell in known:
        return (cell,)
    found = _as_list(cell)
    if found is not None:
        return found
    for separator in _SEPARATORS:
        parts = _nonempty(cell, separator)
        if len(parts) > 1 and set(parts) <= set(known):
            return parts
    return (cell,)


def _lists(cells: Counter[str]) -> list[str]:
    """Return the cells that are lists, where half of all are."""
    lists = [cell for cell in cells if _as_list(cell) is not None]
    return lists if sum(cells[cell] for cell in lists) * 2 >= cells.total() else []


def _several(cells: Counter[str]) -> tuple[str, dict[str, list[str]]]:
    """Return what parts labels in most cells, and those that hold several with it; nothing where none does."""
    found: tuple[str, dict[str, list[str]]] = ("", {})
    most = 0
    for separator in _SEPARATORS:
        several = {cell: parts for cell in cells if len(parts := _parts(cell, separator)) > 1}
        company = Counter(part for parts in several.values() for part in set(parts))
        again = sum(part in cells or count > 1 for part, count in company.items())
        indices = {(part, index) for parts in several.values() for index, part in enumerate(parts)}
        free = any(part in cells for part in company) or len(indices) > len(company)
        count = sum(cells[cell] for cell in several)
        if free and again * 2 >= len(company) and count > most:
            found, most = (separator, several), count
    return found


def _nonempty(cell: str, separator: str) -> tuple[str, ...]:
    """Return the parts of a cell that say something."""
    return tuple(part for one in cell.split(separator) if (part := one.strip()))


def _parts(cell: str, separator: str) -> list[str]:
    parts = [part.strip() for part in cell.split(separator)]
    return parts if all(parts) else []


def _as_list(cell: str) -> tuple[str, ...] | None:
    """Return the labels of a list as JSON, Python and NumPy write it; None of anything else."""
    if not (cell.startswith("[") and cell.endswith("]") and len(cell) < 10_000):
        return None
    if "," not in cell and _QUOTED.fullmatch(cell):
        # Python would join such texts into one.
        return tuple(one[1:-1].strip() for one in re.findall(r"'[^']*'|\"[^\"]*\"", cell) if one[1:-1].strip())
    if _NUMBERS.fullmatch(cell):
        return tuple(cell[1:-1].split())
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return tuple(name for one in found if (name := str(one).strip())) if isinstance(found, list) else None
    return None

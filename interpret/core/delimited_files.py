"""Text cut into rows and cells as people's programs write it, and CSV written so that every program can read it."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from interpret.core import table_limits
from interpret.core.errors import InputError
from interpret.core.table_limits import check_lines, check_size, column_names

_DELIMITERS = ",\t;|"
# GLUE and most that write these by hand quote nothing; of CSV the rule is RFC 4180.
_UNQUOTED = "\t|"
# What stands in no text: it cuts nothing, or takes the place of an escaped character for a while.
_UNUSED = "\x1f\x1e\x1d\x1c\ue000\ue001\ue002\ue003"
_SEP = re.compile(r'"?sep=(.)"?[ \t]*(?:\r\n|\r|\n)', re.IGNORECASE)
csv.field_size_limit(2**31 - 1)


class Skipped(NamedTuple):
    """A row of a file that is not among a table's rows.

    Attributes
    ----------
    number
        Its number among all rows of the file, from 1.
    why
        ``"blank"``: nothing stands in it.
    """

    number: int
    why: str


class Dialect(NamedTuple):
    """How the rows of a CSV or TSV file are cut into cells.

    Attributes
    ----------
    delimiter
        The character between cells; empty where there is a single column.
    quotes
        What quotation marks around a cell mean: ``"doubled"``, they are not part of it, and one inside is doubled
        (RFC 4180); ``"backslash"``, one inside has a backslash before it; ``"ordinary"``, they are characters like any
        other; ``""``, there are none in the file.
    """

    delimiter: str
    quotes: str


@dataclass
class Cut:
    """What a text was cut into: see `interpret.core.files.Table`, whose fields these become."""

    dialect: Dialect
    header: list[str]
    rows: list[tuple[str, ...]]
    numbers: list[int]
    skipped: list[Skipped]
    short: int
    spread: int


class _Record(NamedTuple):
    """A row: the line that it begins on, how many lines it takes, and its cells."""

    begin: int
    lines: int
    cells: list[str]


class _NoQuoting(Exception):
    """Quotation marks do not enclose cells in this text, as the row that begins on a line shows."""

    def __init__(self, line: int, error: str) -> None:
        super().__init__(error)
        self.line = line


def cut(text: str, name: str) -> Cut:
    """Cut a CSV or TSV text into a header and rows.

    The delimiter is the text's own, whatever the file is called, or what Excel's first line ``sep=;`` says. In
    comma- and semicolon-separated text quotation marks enclose cells (RFC 4180, or with backslashes where only that
    reads as a table). Text separated by tabs or bars mostly has no quoting: there they enclose cells only where all of
    them close, and rows come out whole that would be broken otherwise. Empty cells behind the last column are dropped.

    Raises
    ------
    InputError
        If a row has more cells than there are columns, a quotation mark is not closed, or a limit is passed.
    """
    check_lines(text, name)
    text = text.replace("\0", "").lstrip("\ufeff")
    first = _SEP.match(text)
    lines = list(io.StringIO(text[first.end() :] if first else text, newline=""))
    delimiter = first[1] if first else _delimiter(lines)
    # Half of them may stand inside quoted cells.
    if delimiter and (cells := text.count(delimiter) + len(lines)) > 2 * table_limits.MOST_CELLS:
        check_size(name, cells, 1, 0)
    single = delimiter == ""
    if single:
        delimiter = next(one for one in _UNUSED if one not in text)
    records: Iterable[_Record]
    if '"' not in text:
        quotes, records = "", _plain(lines, delimiter)
    elif delimiter in _UNQUOTED:
        quotes, records = _tabbed(lines, delimiter, name)
    else:
        quotes, records = _comma(lines, delimiter, name)
    return _table(records, Dialect("" if single else delimiter, quotes), 1 if first else 0, name)


def _delimiter(lines: Sequence[str]) -> str:
    """The character that cuts the first rows into as many cells as their header, and into the most; or none."""
    sample = [line for line in lines[:200] if line.strip()][:50]
    found: list[tuple[float, int, str]] = []
    for delimiter in _DELIMITERS:
        if not sample or delimiter not in sample[0]:
            continue
        for widths in (_quoted_widths(sample, delimiter), [line.count(delimiter) + 1 for line in sample]):
            if not widths:
                continue
            width, rows = widths[0], widths[1:]
            alike = sum(one == width for one in rows) / max(1, len(rows))
            # A delimiter that is nowhere below the header is part of a single column's name.
            if width > 1 and (not rows or any(one > 1 for one in rows)):
                found.append((alike, width, delimiter))
    return max(found, key=lambda one: one[:2])[2] if found else ""


def _quoted_widths(sample: Sequence[str], delimiter: str) -> list[int]:
    try:
        return [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _plain(lines: Sequence[str], delimiter: str) -> Iterator[_Record]:
    for number, line in enumerate(lines, 1):
        yield _Record(number, 1, line.rstrip("\r\n").split(delimiter))


def _quoted(lines: Sequence[str], delimiter: str, spaces: bool = False) -> list[_Record]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=spaces)
    found: list[_Record] = []
    begin = 1
    try:
        for cells in reader:
            found.append(_Record(begin, reader.line_num - begin + 1, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise _NoQuoting(begin, str(error)) from error
    return found


def _escaped(lines: Sequence[str], delimiter: str) -> list[_Record]:
    r"""Read quoted cells in which ``\"`` stands for a quotation mark and ``\\`` for a backslash."""
    text = "".join(lines)
    quote, slash = [one for one in _UNUSED if one not in text and one != delimiter][:2]
    marks = {'\\"': quote, "\\\\": slash}
    hidden = re.sub(r'\\["\\]', lambda found: marks[found[0]], text)
    back = str.maketrans({quote: '"', slash: "\\"})
    records = _quoted(list(io.StringIO(hidden, newline="")), delimiter)
    return [one._replace(cells=[cell.translate(back) for cell in one.cells]) for one in records]


def _comma(lines: Sequence[str], delimiter: str, name: str) -> tuple[str, list[_Record]]:
    wrong: _NoQuoting | None = None
    try:
        found = _quoted(lines, delimiter)
    except _NoQuoting as error:
        found, wrong = [], error
    broken = wrong is not None or _broken(found) > 0
    spread = sum(one.lines > 1 for one in found)
    if (broken or spread) and any('\\"' in line for line in lines):
        try:
            other = _escaped(lines, delimiter)
        except _NoQuoting:
            other = []
        if other and not _broken(other) and (broken or sum(one.lines > 1 for one in other) < spread):
            return "backslash", other
    if broken or any(cell.startswith(' "') for cell in found[0].cells):
        # A space between each delimiter and its quotation mark.
        try:
            other = _quoted(lines, delimiter, spaces=True)
        except _NoQuoting:
            other = []
        if other and not _broken(other):
            return "doubled", other
    if wrong is not None:
        raise _unclosed(wrong, name)
    return "doubled", found


def _tabbed(lines: Sequence[str], delimiter: str, name: str) -> tuple[str, list[_Record]]:
    try:
        found = _quoted(lines, delimiter)
    except _NoQuoting as error:
        return "ordinary", _checked(_plain(lines, delimiter), error, name)
    width = _width(found)
    cells = [_cells(line.rstrip("\r\n"), delimiter, width) for line in lines]
    # Rows that quoting would swallow, each whole by itself, against rows that only quoting makes whole.
    swallowed = sum(
        max(0, cells[one.begin - 1 : one.begin - 1 + one.lines].count(width) - 1) for one in found if one.lines > 1
    )
    mended = sum(one not in (0, width) for one in cells) - _broken(found)
    if mended > swallowed or (swallowed == mended == 0 and _meant(lines, found, delimiter)):
        return "doubled", found
    return "ordinary", list(_plain(lines, delimiter))


def _cells(line: str, delimiter: str, width: int) -> int:
    """Count a line's cells where nothing is quoted; 0 if all are empty, empty ones behind the last column apart."""
    found = line.count(delimiter) + 1 if line.strip() else 0
    return found if found <= width else max(width, line.rstrip(delimiter).count(delimiter) + 1)


def _meant(lines: Sequence[str], found: Sequence[_Record], delimiter: str) -> bool:
    """Tell whether quotation marks at both ends of cells were put there by a program that quotes.

    Such a program quotes what needs it, here cells with a quotation mark, which it doubles; or all cells of a column.
    """
    quoted: dict[int, list[bool]] = {}
    full: dict[int, int] = {}
    for one in found[1:]:
        if one.lines > 1:
            return True
        for index, cell in enumerate(lines[one.begin - 1].rstrip("\r\n").split(delimiter)):
            full[index] = full.get(index, 0) + bool(cell)
            if cell.startswith('"'):
                quoted.setdefault(index, []).append('""' in cell[1:-1])
    return bool(quoted) and all(all(needed) or len(needed) == full[index] for index, needed in quoted.items())


def _checked(records: Iterator[_Record], wrong: _NoQuoting, name: str) -> list[_Record]:
    """Return rows read without quoting, unless some show that quoting was meant and went wrong."""
    found = list(records)
    width = _width(found)
    for one in found:
        opened = next((cell for cell in reversed(one.cells) if cell), "")
        long = len(one.cells) > width and any(one.cells[width:]) and any('"' in cell for cell in one.cells)
        if long or (len(one.cells) < width and opened.startswith('"') and opened.count('"') % 2):
            raise _unclosed(wrong, name)
    return found


def _unclosed(wrong: _NoQuoting, name: str) -> InputError:
    return InputError(
        "A quotation mark in “{name}” is opened on line {line} and not closed properly ({error}). Double every "
        'quotation mark inside quoted text ("").',
        name=name,
        line=wrong.line,
        error=str(wrong),
    )


def _width(records: Sequence[_Record]) -> int:
    return next((len(one.cells) for one in records if any(cell.strip() for cell in one.cells)), 0)


def _broken(records: Sequence[_Record]) -> int:
    """Count rows that have not as many cells as the header, empty ones at the end apart."""
    width = _width(records)
    return sum(
        len(one.cells) < width or (len(one.cells) > width and any(one.cells[width:]))
        for one in records
        if any(cell.strip() for cell in one.cells)
    )


def _table(records: Iterable[_Record], dialect: Dialect, before: int, name: str) -> Cut:
    found = Cut(dialect, [], [], [], [], 0, 0)
    number = absent = 0
    for begin, lines, cells in records:
        number += bool(found.header)
        if not any(cell.strip() for cell in cells):
            if found.header:
                if number > table_limits.MOST_ROWS:
                    check_size(name, number, 1, 0)
                found.skipped.append(Skipped(number, "blank"))
            continue
        if not found.header:
            found.header = column_names(cells, name)
            continue
        width = len(found.header)
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise InputError(
                "Line {line} of “{name}”, split at “{delimiter}”, has {got} columns, but the first line has "
                "{expected}. Put text that contains this character in double quotes.",
                line=begin + before,
                name=name,
                got=len(cells),
                expected=width,
                delimiter={"\t": "tab"}.get(dialect.delimiter, dialect.delimiter),
            )
        missing = max(0, width - len(cells))
        absent += missing
        if (
            number > table_limits.MOST_ROWS
            or number * width > table_limits.MOST_CELLS
            or absent > table_limits.MOST_ABSENT
        ):
            check_size(name, number, width, absent)
        found.rows.append((*cells, *[""] * missing) if missing else tuple(cells[:width]))
        found.numbers.append(number)
        found.short += missing > 0
        found.spread += lines > 1
    _drop_unnamed(found)
    return found


def _drop_unnamed(found: Cut) -> None:
    """Take out columns behind the last name that no row has anything in: a delimiter at the end of every line."""
    width = len(found.header)
    while width > 1 and not found.header[width - 1].strip() and not any(row[width - 1].strip() for row in found.rows):
        width -= 1
    if width < len(found.header):
        found.header, found.rows = found.header[:width], [row[:width] for row in found.rows]

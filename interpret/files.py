"""Text files as people have them: what encoding, which columns, which passages."""

import csv
import io
import json
import os
import re
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from interpret.errors import InputError

SUFFIXES = (".txt", ".md", ".csv", ".tsv", ".jsonl")
_DELIMITERS = ",\t;|"
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


@dataclass(frozen=True)
class Table:
    """Rows of text under named columns; a missing value is an empty string.

    Every row of the file is either in ``rows`` or in ``skipped``.

    Attributes
    ----------
    columns
        Their names, each different.
    rows
        As many values each as there are columns.
    encoding
        The encoding that the bytes were read in.
    numbers
        The number of each row among all rows of the file, from 1: names of columns are no row, and what is skipped
        counts.
    skipped
        What is not among ``rows``, in the order of the file.
    dialect
        How rows were cut into cells; None for a file that is not cut at delimiters.
    short
        How many rows had fewer cells than there are columns; empty ones were added.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encoding: str
    numbers: tuple[int, ...]
    skipped: tuple[Skipped, ...] = ()
    dialect: Dialect | None = None
    short: int = 0

    @property
    def longest_column(self) -> int:
        """The place of the column whose values are longest: most likely the text."""
        sample = self.rows[:200]
        return max(range(len(self.columns)), key=lambda index: sum(len(row[index]) for row in sample))


def cache_folder() -> Path:
    """Return the folder for what can be made again: in ``BERTOSCOPE_CACHE``, or in the user's own cache folder."""
    place = os.environ.get("BERTOSCOPE_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(place) / "bertoscope"


def write_whole(path: Path, content: str) -> None:
    """Write a file so that whoever reads it, whatever happens meanwhile, finds it as before or whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def sync_folder(folder: Path) -> None:
    """Wait until a folder and the files in it are on the disk, and not only in its memory."""
    for path in folder.iterdir():
        if path.is_file():
            with path.open("r+b") as file:
                os.fsync(file.fileno())
    # Not every system opens a folder, or waits for one.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def link(source: str | Path, target: str | Path) -> None:
    """Give a file a second name that is as good as the first one; on another disk, or one without links, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def decode(content: bytes, name: str) -> tuple[str, str]:
    """Return the text of a file and the encoding that it was in.

    Tried in this order, each with certainty before the next: a byte order mark; UTF-16 without one, told by its zero
    bytes; UTF-8. What is left is GB18030, the superset of GBK and GB2312 that Chinese systems write, or Windows-1252 of
    Western ones; nearly any bytes can be read as either, so the one is taken that they look like.

    Raises
    ------
    InputError
        If the file is empty, or its bytes are text in none of these.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return _decoded(content, [encoding], name)
    if not content.strip(b"\0 \t\r\n"):
        return _decoded(content, ["utf-8"], name)
    # Half of the bytes of Latin text in UTF-16 are zero; other encodings have none.
    even, odd = content[0:4096:2].count(0), content[1:4096:2].count(0)
    if max(even, odd) > len(content[:4096]) * 0.2:
        return _decoded(content, ["utf-16-le" if odd > even else "utf-16-be"], name)
    # Chinese in UTF-16 has a zero byte only at each line end, digit or space, but no other encoding has any.
    wide = ["utf-16-le" if content[1::2].count(0) > content[0::2].count(0) else "utf-16-be"] if b"\0" in content else []
    legacy = ["cp1252", "gb18030"] if _looks_western(content) else ["gb18030", "cp1252"]
    return _decoded(content, ["utf-8", *wide, *legacy], name)


def _looks_western(content: bytes) -> bool:
    """Tell whether most bytes beyond ASCII stand alone, as an ü among letters does; those of Chinese come in twos."""
    found = re.findall(rb"[\x80-\xff]+", content[:100_000])
    return sum(len(one) == 1 for one in found) * 2 > sum(map(len, found))


def _decoded(content: bytes, encodings: list[str], name: str) -> tuple[str, str]:
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not text.strip("\0 \t\r\n\ufeff"):
            raise InputError("The file “{name}” is empty. Choose one with text in it.", name=name)
        # Pictures and archives decode as something; text has hardly a control character.
        strange = sum(1 for c in text[:10000] if ord(c) < 32 and c not in "\t\n\r\f\v\0")
        if strange <= len(text[:10000]) * 0.02:
            return text, encoding.removesuffix("-sig")
    raise InputError(
        "The file “{name}” is not text in UTF-8, UTF-16, GB18030 or Windows-1252. Save it as UTF-8 and choose it "
        "again.",
        name=name,
    )


def passages(content: bytes, name: str) -> Table:
    """Read a .txt or .md file as one passage per paragraph (blank lines between), in the column ``text``."""
    text, encoding = decode(content, name)
    found = (part.strip() for part in re.split(r"(?:\r\n|\r|\n)[ \t]*(?:(?:\r\n|\r|\n)[ \t]*)+", text))
    rows = tuple((part,) for part in found if part)
    return Table(("text",), rows, encoding, tuple(range(1, len(rows) + 1)))


def read_table(content: bytes, name: str) -> Table:
    """Read a file of any of `SUFFIXES` as a table.

    The delimiter of a CSV or TSV file is taken from the file, not from its name. The first row holds the columns'
    names; a JSONL file has one object a line.

    Raises
    ------
    InputError
        If the file cannot be read as what its name says it is; the sentence names the line.
    """
    suffix = "." + name.rpartition(".")[2].lower()
    if suffix in (".txt", ".md"):
        return passages(content, name)
    if suffix not in SUFFIXES:
        raise InputError(
            "“{name}” is of a kind that is not read here. Choose one of: {kinds}.",
            name=name,
            kinds=" ".join(SUFFIXES),
        )
    text, encoding = decode(content, name)
    table = _json_lines(text, name, encoding) if suffix == ".jsonl" else _delimited(text, name, encoding)
    if not table.columns or not table.rows:
        raise InputError("“{name}” has the names of columns and no rows under them.", name=name)
    return table


def _json_lines(text: str, name: str, encoding: str) -> Table:
    objects, numbers, skipped = [], [], []
    text = text.removesuffix("\n")
    # Not splitlines(): JSON may hold other characters that Python takes for the end of a line.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip("\ufeff \t\r\0"):
            skipped.append(Skipped(number, "blank"))
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                "Line {line} of “{name}” is not JSON: {error}. Each line must be one object.",
                line=number,
                name=name,
                error=str(error),
            ) from error
        if not isinstance(value, dict):
            raise InputError(
                'Line {line} of “{name}” is JSON but no object. Write each line as {{"text": …}}.',
                line=number,
                name=name,
            )
        objects.append(value)
        numbers.append(number)
    columns = tuple(dict.fromkeys(str(key) for one in objects for key in one))
    rows = tuple(tuple(_text(one.get(column)) for column in columns) for one in objects)
    return Table(columns, rows, encoding, tuple(numbers), tuple(skipped))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _delimited(text: str, name: str, encoding: str) -> Table:
    text = text.replace("\0", "")
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    skipped: list[Skipped] = []
    number, begin, short = 0, 1, 0
    try:
        for row in reader:
            number += bool(header)
            if not any(cell.strip() for cell in row):
                if header:
                    skipped.append(Skipped(number, "blank"))
            elif not header:
                header = _names(row)
            elif len(row) > len(header):
                raise InputError(
                    "Line {line} of “{name}” has {got} columns where the first line has {expected}, split at "
                    "“{delimiter}”. Put text that holds this character in double quotes.",
                    line=begin,
                    name=name,
                    got=len(row),
                    expected=len(header),
                    delimiter={"\t": "tab"}.get(delimiter, delimiter),
                )
            else:
                rows.append(tuple(row) + ("",) * (len(header) - len(row)))
                numbers.append(number)
                short += len(row) < len(header)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            "A quotation mark in “{name}” is opened on line {line} and not closed properly ({error}). Double every "
            'quotation mark inside a quoted text ("").',
            name=name,
            line=begin,
            error=str(error),
        ) from error
    dialect = Dialect("" if delimiter == "\x1f" else delimiter, "doubled" if '"' in text else "")
    return Table(tuple(header), tuple(rows), encoding, tuple(numbers), tuple(skipped), dialect, short)


def _names(row: list[str]) -> list[str]:
    """Columns' names, made different where the file repeats one or leaves it out."""
    names: list[str] = []
    for index, cell in enumerate(row):
        name = cell.strip() or f"column {index + 1}"
        while name in names:
            name += "′"
        names.append(name)
    return names


def _delimiter(text: str) -> str:
    """The character that cuts the first rows into the same number of columns, and into the most."""
    sample = "\n".join(text.splitlines()[:50])
    first = next((line for line in sample.split("\n") if line.strip()), "")
    if not any(delimiter in first for delimiter in _DELIMITERS):
        # One column under one name, whose text may hold any of them.
        return "\x1f"

    def quality(delimiter: str) -> tuple[float, int]:
        counts: Counter[int] = Counter()
        try:
            for row in csv.reader(io.StringIO(sample), delimiter=delimiter):
                if row:
                    counts[len(row)] += 1
        except csv.Error:
            return (0.0, 0)
        width, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        return (times / max(1, counts.total()), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=quality)

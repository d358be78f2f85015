"""Text files as people have them: what encoding, which columns, which passages."""

import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interpret.core.characters import HALF_CHARACTER, whole_characters
from interpret.core.delimited_files import Dialect, Skipped, cut
from interpret.core.encodings import GUESSED, encoding_name, guessed_encodings, known_encoding
from interpret.core.errors import InputError
from interpret.core.json_objects import json_objects
from interpret.core.labels import as_number
from interpret.core.question_rows import answers_of, question_rows
from interpret.core.table_limits import MOST_COLUMNS, check_cells, check_lines, check_names, check_size, different_names

SUFFIXES = (".txt", ".md", ".csv", ".tsv", ".jsonl", ".json")
# As much as the server takes of an upload (`.streamlit/config.toml`).
MOST_BYTES = 50 * 2**20


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
    spread
        How many rows stand on several lines: a cell has a line break in quotation marks.
    damaged
        How many characters could not be read, or were damaged before: each stands as U+FFFD.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encoding: str
    numbers: tuple[int, ...]
    skipped: tuple[Skipped, ...] = ()
    dialect: Dialect | None = None
    short: int = 0
    spread: int = 0
    damaged: int = 0

    @property
    def headless(self) -> str | None:
        """A name of a column that looks like a value, as in a file whose first row is no header; None without one."""
        if self.dialect is None:
            return None
        for index, name in enumerate(self.columns):
            if as_number(name) is not None or any(row[index].strip() == name for row in self.rows[:1000]):
                return name
        return None


def cache_folder() -> Path:
    """Return the folder for what can be made again: in ``BERTOSCOPE_CACHE``, or in the user's own cache folder."""
    folder = os.environ.get("BERTOSCOPE_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "bertoscope"


def write_whole(path: Path, content: str) -> None:
    """Write a file so that whoever reads it, whatever happens meanwhile, finds it as before or whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        # A part of it is nothing to anybody, and takes room on a disk that may have none.
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def delete_folder(folder: Path, last: str) -> None:
    """Delete a folder, the file that says what it is last: where something in it cannot be deleted, it is found still.

    Raises
    ------
    OSError
        If something in it cannot be deleted.
    """
    for path in sorted(folder.iterdir(), key=lambda one: one.name == last):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    # An empty folder is nobody's loss.
    shutil.rmtree(folder, ignore_errors=True)


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


def decode(content: bytes, name: str, encoding: str = "") -> tuple[str, str]:
    """Return the text of a file and the encoding that it was in.

    Half a character (a surrogate that stands alone, as cut UTF-16 has it) is read as U+FFFD, and characters written
    in two halves of three bytes each (CESU-8) as what they are.

    Tried in this order, each with certainty before the next: a byte order mark; UTF-16 without one, told by its zero
    bytes; UTF-8. What is left is of the time before: see `interpret.core.encodings.guessed_encodings`.

    Parameters
    ----------
    encoding
        One of `interpret.core.encodings.ENCODINGS`, which is then the only one that is tried; found in the bytes unless
        given.

    Raises
    ------
    InputError
        If the file is empty or too large, or its bytes are text in none of these, or not in the one that is given.
    """
    if len(content) > MOST_BYTES:
        raise InputError(
            "The file “{name}” has {got} MB; at most {most} MB are read. Use a part of it.",
            name=name,
            got=math.ceil(len(content) / 2**20),
            most=MOST_BYTES >> 20,
        )
    if encoding:
        return _in_encoding(content, known_encoding(encoding), name)
    for mark, marked in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return _decoded(content, [marked], name)
    if not content.strip(b"\0 \t\r\n"):
        return _decoded(content, ["utf-8"], name)
    # Half of the bytes of Latin text in UTF-16 are zero; other encodings have none.
    even, odd = content[0:4096:2].count(0), content[1:4096:2].count(0)
    if max(even, odd) > len(content[:4096]) * 0.2:
        return _decoded(content, ["utf-16-le" if odd > even else "utf-16-be"], name)
    # Chinese in UTF-16 has a zero byte only at each line end, digit or space, but no other encoding has any.
    wide = ["utf-16-le" if content[1::2].count(0) > content[0::2].count(0) else "utf-16-be"] if b"\0" in content else []
    return _decoded(content, _likely(content, ["utf-8", *wide]), name)


def _likely(content: bytes, certain: Sequence[str]) -> Iterator[str]:
    yield from certain
    # Only where it is none of these: it takes a quarter of a second in five megabytes.
    yield from guessed_encodings(content)


def _in_encoding(content: bytes, encoding: str, name: str) -> tuple[str, str]:
    """Read a file in an encoding that somebody chose for it: what is no character there is read as U+FFFD."""
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        text = content.decode(codec, "surrogatepass" if "utf" in codec else "strict")
    except UnicodeDecodeError:
        text = content.decode(codec, "replace")
    found = _checked(text, name)
    if found is None:
        raise InputError(
            "The file “{name}” is not text in {encoding}. Choose another encoding.",
            name=name,
            encoding=encoding_name(encoding),
        )
    return found, encoding


def _decoded(content: bytes, encodings: Iterable[str], name: str) -> tuple[str, str]:
    for encoding in encodings:
        try:
            text = content.decode(encoding, "surrogatepass" if "utf" in encoding else "strict")
        except UnicodeDecodeError:
            continue
        # Where UTF-16 is a guess, text has hardly half a character.
        if encoding.endswith(("-le", "-be")) and len(HALF_CHARACTER.findall(text)) > max(1, len(text) * 0.005):
            continue
        found = _checked(text, name)
        if found is not None:
            return found, encoding.removesuffix("-sig")
    raise InputError(
        "The file “{name}” is not text in any of these encodings: {encodings}. Save it as UTF-8 and choose it again.",
        name=name,
        encodings=", ".join(encoding_name(one) for one in ("utf-8", "utf-16", *GUESSED)),
    )


def _checked(text: str, name: str) -> str | None:
    """Return a text of whole characters; None for what has too many control characters to be one."""
    text = whole_characters(text)
    if not text.strip("\0 \t\r\n\ufeff"):
        raise InputError("The file “{name}” is empty. Choose one with text in it.", name=name)
    # Pictures and archives decode as something; text has hardly a control character.
    strange = sum(1 for c in text[:10000] if ord(c) < 32 and c not in "\t\n\r\f\v\0")
    return text if strange <= len(text[:10000]) * 0.02 else None


def passages(content: bytes, name: str, encoding: str = "") -> Table:
    """Read a .txt or .md file as one passage per paragraph (blank lines between), in the column ``text``."""
    text, encoding = decode(content, name, encoding)
    check_lines(text, name)
    found = (part.strip() for part in re.split(r"(?:\r\n|\r|\n)[ \t]*(?:(?:\r\n|\r|\n)[ \t]*)+", text))
    rows = tuple((part,) for part in found if part)
    check_size(name, len(rows), 1, 0)
    check_cells(rows, range(1, len(rows) + 1), name)
    return Table(("text",), rows, encoding, tuple(range(1, len(rows) + 1)), damaged=text.count("\ufffd"))


def read_table(content: bytes, name: str, encoding: str = "") -> Table:
    """Read a file of any of `SUFFIXES` as a table.

    The delimiter of a CSV or TSV file is taken from the file, not from its name: see
    `interpret.core.delimited_files.cut`. The first row holds the columns' names. A JSON file has one object a line, or
    is a list of objects.

    Parameters
    ----------
    encoding
        One of `interpret.core.encodings.ENCODINGS`; found in the bytes unless given.

    Raises
    ------
    InputError
        If the file cannot be read as what its name says it is; the sentence names the line.
    """
    suffix = "." + name.rpartition(".")[2].lower()
    if suffix in (".txt", ".md"):
        return passages(content, name, encoding)
    if suffix not in SUFFIXES:
        raise InputError(
            "The file type of “{name}” is not supported. Choose one of: {kinds}.",
            name=name,
            kinds=" ".join(SUFFIXES),
        )
    text, encoding = decode(content, name, encoding)
    if suffix in (".jsonl", ".json"):
        table = _json_table(text, name, encoding)
    else:
        found = cut(text, name)
        table = Table(
            different_names(found.header),
            tuple(found.rows),
            encoding,
            tuple(found.numbers),
            tuple(found.skipped),
            found.dialect,
            found.short,
            found.spread,
            text.count("\ufffd"),
        )
    if not table.columns or not table.rows:
        raise InputError("“{name}” has column names but no rows below them.", name=name)
    check_names(table.columns, name)
    check_cells(table.rows, table.numbers, name)
    return table


def _json_table(text: str, name: str, encoding: str) -> Table:
    questions = question_rows(text, name)
    if questions is not None:
        return _question_table(questions, name, encoding)
    skipped: list[Skipped] = []
    objects: list[dict[str, Any]] = []
    numbers: list[int] = []
    columns: dict[str, None] = {}
    present = 0
    for number, value in json_objects(text, name):
        if value is None:
            skipped.append(Skipped(number, "blank"))
            continue
        objects.append(value)
        numbers.append(number)
        columns |= dict.fromkeys(value)
        present += len(value)
        if len(objects) % 1000 == 1 or len(columns) > MOST_COLUMNS:
            check_size(name, len(objects), len(columns), len(objects) * len(columns) - present)
    check_size(name, len(objects), len(columns), len(objects) * len(columns) - present)
    rows = tuple(tuple(_text(one.get(column)) for column in columns) for one in objects)
    damaged = sum(cell.count("\ufffd") for row in rows for cell in row) if "\ufffd" in text or "\\u" in text else 0
    return Table(tuple(columns), rows, encoding, tuple(numbers), tuple(skipped), damaged=damaged)


def _question_table(questions: Sequence[Mapping[str, Any]], name: str, encoding: str) -> Table:
    """Lay questions out as rows, each with its passage and the first answer that was marked."""
    check_size(name, len(questions), 5, 0)
    rows = []
    for one in questions:
        answers = answers_of(one)
        rows.append((one["question"], one["context"], answers[0][0] if answers else "", one["id"], one["title"]))
    # A passage counts once, however many questions it has.
    damaged = sum(cell.count("\ufffd") for cell in {cell for row in rows for cell in row})
    columns = ("question", "context", "answer", "id", "title")
    return Table(columns, tuple(rows), encoding, tuple(range(1, len(rows) + 1)), damaged=damaged)


def _text(value: object) -> str:
    # JSON knows no NaN; who writes it means that nothing is there.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""Tags in columns: a word a line with its tag, as CoNLL files and CoNLL-U have it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from interpret.core.errors import InputError
from interpret.core.tagged import Tagged, chosen_column, tagged

# The columns of CoNLL-U that can be learned; and FEATS and MISC by the names of what stands in them.
_UNIVERSAL = {"UPOS": 3, "XPOS": 4, "DEPREL": 7}
_FEATS, _MISC = 5, 9
_BLANKS = " \t"


class _Line(NamedTuple):
    number: int
    text: str
    cells: tuple[str, ...]


def tag_columns(lines: Sequence[str], name: str, encoding: str, requested: str) -> Tagged:
    """Read lines of words with their tags; see `interpret.core.tag_files.read_tags`."""
    blocks: list[list[_Line]] = [[]]
    for number, text in enumerate(lines, 1):
        if text.strip(_BLANKS):
            blocks[-1].append(_Line(number, text, _cells(text)))
        elif blocks[-1]:
            blocks.append([])
    sentences, comments = _without_comments(blocks, name)
    if not sentences:
        raise InputError(
            "“{name}” contains no sentences. Each line needs a word and, in its last column, its tag.", name=name
        )
    if all(len(one.cells) == 10 and re.fullmatch(r"\d+([-.]\d+)?", one.cells[0]) for row in sentences for one in row):
        return _universal(sentences, name, encoding, requested, comments)
    _check_columns(sentences, name)
    first = 1 if _numbered(sentences) else 0
    widths = {len(one.cells) for row in sentences for one in row}
    # The last column is whichever is last, in a file with sentences of several widths too.
    choices = (
        [f"column {column}" for column in range(max(widths), first + 1, -1)] if len(widths) == 1 else ["last column"]
    )
    column = -1 - chosen_column(requested, choices, name)
    return tagged(
        "columns",
        encoding,
        choices,
        [[one.cells[first] for one in row] for row in sentences],
        [[one.cells[column].strip(" ") for one in row] for row in sentences],
        comments=comments,
    )


def _cells(text: str) -> tuple[str, ...]:
    if "\t" in text:
        # Not a blank at an end: it may be the word.
        return tuple(text.rstrip("\t").split("\t"))
    return tuple(cell for cell in text.split(" ") if cell)


def _without_comments(blocks: Iterable[Sequence[_Line]], name: str) -> tuple[list[list[_Line]], int]:
    """Return sentences without comments and marks of documents, and how many lines these are."""
    plain = [[one for one in block if not one.text.startswith("#")] for block in blocks]
    known = {one.cells[-1] for block in plain for one in block if len(one.cells) > 1}
    usual = Counter(_shape(one) for block in plain for one in block).most_common(1)
    found, comments = [], 0
    for block, rest in zip(blocks, plain, strict=True):
        shape = Counter(map(_shape, rest)).most_common(1) or usual
        words: list[_Line] = []
        for one in block:
            if one.text.casefold().startswith("#begin document"):
                raise InputError(
                    "Line {line} of “{name}” starts a document in the CoNLL-2012 format, which is not supported. "
                    "Write one word and its tag per line, with a blank line between sentences.",
                    line=one.number,
                    name=name,
                )
            if (one.cells and one.cells[0] == "-DOCSTART-") or (not words and _is_comment(one, shape, known)):
                comments += 1
            else:
                words.append(one)
        if words:
            found.append(words)
    return found, comments


def _shape(line: _Line) -> tuple[bool, int]:
    return "\t" in line.text, len(line.cells)


def _is_comment(line: _Line, shape: Sequence[tuple[tuple[bool, int], int]], known: set[str]) -> bool:
    """Tell a comment before a sentence from its first word, which may be “#” or begin with it."""
    if not line.text.startswith("#"):
        return False
    if shape and _shape(line) != shape[0][0]:
        # A word such as “#now” on a line that is not right is for the check of columns.
        return line.cells[0] == "#" or "=" in line.text
    if not shape or line.cells[0] != "#" or line.cells[-1] in known:
        return not shape
    # As many cells as words have, and a last one that is no tag of any word: “# id 7c1f domain=train”.
    return "\t" not in line.text or "=" in line.text or "://" in line.text


def _check_columns(sentences: Sequence[Sequence[_Line]], name: str) -> None:
    widths = Counter(len(one.cells) for row in sentences for one in row)
    usual = widths.most_common(1)[0][0]
    for row in sentences:
        own = Counter(len(one.cells) for one in row).most_common(1)[0][0]
        for one in row:
            if len(one.cells) < 2:
                raise InputError(
                    "Line {line} of “{name}” has a word but no tag. Each line needs a word and, in its last column, "
                    "its tag; a blank line ends a sentence.",
                    line=one.number,
                    name=name,
                )
            if not one.cells[0] or not one.cells[-1].strip(" "):
                raise InputError(
                    "Line {line} of “{name}” has a tag but no word. Each line needs a word and, in its last column, "
                    "its tag.",
                    line=one.number,
                    name=name,
                )
            # Sentences of another width may stand in one file; text that is not in columns has all kinds of widths.
            if len(one.cells) != own or (len(widths) > 3 and len(one.cells) != usual):
                raise InputError(
                    "Line {line} of “{name}” has {got} columns, but other lines have {expected}. Each line needs a "
                    "word and, in its last column, its tag; separate columns with tabs if words contain spaces.",
                    line=one.number,
                    name=name,
                    got=len(one.cells),
                    expected=usual if len(one.cells) != usual else own,
                )


def _numbered(sentences: Sequence[Sequence[_Line]]) -> bool:
    """Tell whether each line begins with the number of its word in the sentence, before the word and the tag."""
    return all(
        len(one.cells) > 2 and one.cells[0] == str(number)
        for row in sentences
        for number, one in enumerate(row, 0 if row[0].cells[0] == "0" else 1)
    )


def _universal(sentences: Sequence[Sequence[_Line]], name: str, encoding: str, requested: str, comments: int) -> Tagged:
    # A word of several syntactic ones ("1-2") and what only enhanced graphs have ("1.1") have no tag of their own.
    rows = [kept for row in sentences if (kept := [one for one in row if one.cells[0].isdecimal()])]
    entries: dict[tuple[int, str], None] = {}
    for column in (_FEATS, _MISC):
        found = Counter(
            part.partition("=")[0]
            for row in rows
            for one in row
            for part in one.cells[column].split("|")
            if "=" in part
        )
        entries |= dict.fromkeys((column, key) for key in sorted(found))
    choices = [*_UNIVERSAL, *dict.fromkeys(key for _, key in entries)]
    chosen = choices[chosen_column(requested, choices, name)]

    def tag(cells: Sequence[str]) -> str:
        if chosen in _UNIVERSAL:
            return cells[_UNIVERSAL[chosen]]
        inside = (part.partition("=") for column in (_FEATS, _MISC) for part in cells[column].split("|"))
        return next((value for key, _, value in inside if key == chosen and value), "_")

    return tagged(
        "CoNLL-U",
        encoding,
        choices,
        [[one.cells[1] for one in row] for row in rows],
        [[tag(one.cells) for one in row] for row in rows],
        skipped=len(sentences) - len(rows),
        comments=comments,
    )

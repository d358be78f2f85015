"""Files with a tag for each word, in the forms that are about: columns, CoNLL-U, tables, and lists in JSON."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from interpret.core.errors import InputError
from interpret.core.files import Table, decode, read_table
from interpret.core.json_objects import json_objects
from interpret.core.table_limits import check_lines

SUFFIXES = (".txt", ".conll", ".conllu", ".bio", ".iob", ".tsv", ".csv", ".jsonl", ".json")
# What the columns are called in tables and lists, in small letters.
_WORDS = ("word", "words", "token", "tokens", "form")
_TAGS = ("tag", "tags", "ner_tags", "ner_tag", "ner", "label", "labels", "pos", "pos_tag", "pos_tags", "chunk_tags")
_SENTENCES = ("sentence #", "sentence", "sentence_id", "sentence id", "sent_id", "sentence_idx", "sentence#")
# The columns of CoNLL-U that can be learned; and FEATS and MISC by the names of what stands in them.
_UNIVERSAL = {"UPOS": 3, "XPOS": 4, "DEPREL": 7}
_FEATS, _MISC = 5, 9
_BLANKS = " \t"


@dataclass(frozen=True)
class Tagged:
    """Sentences with a tag for each word.

    Attributes
    ----------
    form
        How the file is written: ``"columns"``, ``"CoNLL-U"``, ``"table"`` or ``"lists"``.
    encoding
        The encoding that the bytes were read in.
    choices
        The columns that hold tags, the one that is taken unless told first.
    words, tags
        Of each sentence its words, exactly as they stand there, and as many tags.
    numbers
        The number of each sentence in the file, from 1; those without words count.
    skipped
        How many sentences have no words.
    comments
        How many lines are none of words: comments, and marks where documents begin.
    damaged
        How many characters could not be read, or were damaged before: each stands as U+FFFD.
    """

    form: str
    encoding: str
    choices: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    skipped: int = 0
    comments: int = 0
    damaged: int = 0


class _Line(NamedTuple):
    number: int
    text: str
    cells: tuple[str, ...]


def read_tags(content: bytes, name: str, tags: str = "") -> Tagged:
    """Read a file with a tag for each word.

    Known forms: a word a line with its tag in the last column and a blank line between sentences, as CoNLL-2003,
    MultiCoNER and files with numbered lines have it (columns parted by tabs where a line has any, else by spaces);
    CoNLL-U (https://universaldependencies.org/format.html), whose multi-word ranges and empty nodes are left out; a
    table with a word in each row and a column that names its sentence; and JSON with lists of words and of tags.

    Parameters
    ----------
    tags
        The column to take, one of `Tagged.choices`; of CoNLL-U also a feature, or an entry of MISC. The form's own
        unless given.

    Raises
    ------
    InputError
        If the file is in none of these forms, or has no such column; the sentence names the line.
    """
    suffix = "." + name.rpartition(".")[2].lower()
    text, encoding = decode(content, name)
    if suffix in (".json", ".jsonl"):
        return _lists(text, name, encoding, tags)
    check_lines(text, name)
    lines = re.split(r"\r\n|\r|\n", text.replace("\0", "").lstrip("\ufeff"))
    if suffix in (".csv", ".tsv") and (suffix == ".csv" or _is_header(lines)):
        return _table(read_table(content, name), name, tags)
    return _columns(lines, name, encoding, tags)


def _is_header(lines: Iterable[str]) -> bool:
    names = {cell.strip().casefold() for cell in next((one for one in lines if one.strip()), "").split("\t")}
    return bool(names & set(_WORDS)) and bool(names & set(_TAGS))


def _chosen(asked: str, choices: Sequence[str], name: str) -> int:
    """Return the place of the column asked for among those there are."""
    if not asked:
        return 0
    for place, one in enumerate(choices):
        if one.casefold() == asked.casefold():
            return place
    raise InputError(
        "“{name}” has no tag column “{column}”. It has: {known}.",
        name=name,
        column=asked,
        known=", ".join(choices[:20]),
    )


def _columns(lines: Sequence[str], name: str, encoding: str, asked: str) -> Tagged:
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
        return _universal(sentences, name, encoding, asked, comments)
    _check_columns(sentences, name)
    first = 1 if _numbered(sentences) else 0
    widths = {len(one.cells) for row in sentences for one in row}
    # The last column is whichever is last, in a file with sentences of several widths too.
    choices = (
        [f"column {place}" for place in range(max(widths), first + 1, -1)] if len(widths) == 1 else ["last column"]
    )
    place = -1 - _chosen(asked, choices, name)
    return _tagged(
        "columns",
        encoding,
        choices,
        [[one.cells[first] for one in row] for row in sentences],
        [[one.cells[place].strip(" ") for one in row] for row in sentences],
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
        len(one.cells) > 2 and one.cells[0] == str(place)
        for row in sentences
        for place, one in enumerate(row, 0 if row[0].cells[0] == "0" else 1)
    )


def _universal(sentences: Sequence[Sequence[_Line]], name: str, encoding: str, asked: str, comments: int) -> Tagged:
    # A word of several syntactic ones ("1-2") and what only enhanced graphs have ("1.1") have no tag of their own.
    rows = [kept for row in sentences if (kept := [one for one in row if one.cells[0].isdecimal()])]
    entries: dict[tuple[int, str], None] = {}
    for place in (_FEATS, _MISC):
        found = Counter(
            part.partition("=")[0] for row in rows for one in row for part in one.cells[place].split("|") if "=" in part
        )
        entries |= dict.fromkeys((place, key) for key in sorted(found))
    choices = [*_UNIVERSAL, *dict.fromkeys(key for _, key in entries)]
    chosen = choices[_chosen(asked, choices, name)]

    def tag(cells: Sequence[str]) -> str:
        if chosen in _UNIVERSAL:
            return cells[_UNIVERSAL[chosen]]
        inside = (part.partition("=") for place in (_FEATS, _MISC) for part in cells[place].split("|"))
        return next((value for key, _, value in inside if key == chosen and value), "_")

    return _tagged(
        "CoNLL-U",
        encoding,
        choices,
        [[one.cells[1] for one in row] for row in rows],
        [[tag(one.cells) for one in row] for row in rows],
        skipped=len(sentences) - len(rows),
        comments=comments,
    )


def _table(table: Table, name: str, asked: str) -> Tagged:
    names = [column.casefold() for column in table.columns]
    word = next((names.index(one) for one in _WORDS if one in names), None)
    sentence = next((names.index(one) for one in _SENTENCES if one in names), None)
    places = [names.index(one) for one in _TAGS if one in names]
    places += [one for one in range(len(names)) if one not in (word, sentence, *places)]
    if word is None or sentence is None or not places:
        raise InputError(
            "The columns of “{name}” are {known}. A table of tags needs the columns “Word”, “Tag” and “Sentence #”; "
            "the last one says which words form a sentence.",
            name=name,
            known=", ".join(table.columns[:20]),
        )
    choices = [table.columns[place] for place in places]
    place = places[_chosen(asked, choices, name)]
    words: list[list[str]] = []
    tags: list[list[str]] = []
    now = None
    for number, row in zip(table.numbers, table.rows, strict=True):
        if row[sentence].strip() and row[sentence] != now:
            now = row[sentence]
            words.append([])
            tags.append([])
        if not row[word] or not row[place].strip() or not words:
            raise InputError(
                "Row {row} of “{name}” has no value in the column “{what}”. Each row needs a word and its tag, and "
                "the first row of a sentence needs its number.",
                row=number,
                name=name,
                what=table.columns[word if not row[word] else place if not row[place].strip() else sentence],
            )
        words[-1].append(row[word])
        tags[-1].append(row[place].strip())
    return _tagged("table", table.encoding, choices, words, tags)


def _lists(text: str, name: str, encoding: str, asked: str) -> Tagged:
    words: list[list[str]] = []
    tags: list[list[str]] = []
    numbers: list[int] = []
    choices: list[str] = []
    skipped = count = 0
    for number, value in json_objects(text, name):
        if value is None:
            continue
        count += 1
        lists = {key: one for key, one in value.items() if isinstance(one, list)}
        keys = {key.casefold(): key for key in lists}
        word = next((keys[one] for one in _WORDS if one in keys), None)
        if not choices:
            choices = [keys[one] for one in _TAGS if one in keys]
            choices += [
                key for key in lists if key not in (word, *choices) and len(lists[key]) == len(lists[word or key])
            ]
        if word is None or not choices:
            raise InputError(
                'Line {line} of “{name}” has no lists of words and tags. Write each line as {{"tokens": ["…"], '
                '"tags": ["…"]}}.',
                line=number,
                name=name,
            )
        tag = choices[_chosen(asked, choices, name)]
        given = value.get(tag)
        if not isinstance(given, list) or len(given) != len(lists[word]):
            raise InputError(
                "In line {line} of “{name}”, the number of words ({words}) differs from the number of tags in "
                "“{column}” ({tags}). Each word needs one tag.",
                line=number,
                name=name,
                words=len(lists[word]),
                tags=len(given) if isinstance(given, list) else 0,
                column=tag,
            )
        strange = [
            one
            for one in (*lists[word], *given)
            if not isinstance(one, str | int) or isinstance(one, bool) or one == ""
        ]
        if strange:
            raise InputError(
                "Line {line} of “{name}” has {what} in place of a word or a tag. Write words and tags as text.",
                line=number,
                name=name,
                what=repr(strange[0])[:40],
            )
        if not given:
            skipped += 1
            continue
        numbers.append(count)
        words.append([str(one) for one in lists[word]])
        # Numbers of classes are names too; which ones they are, the file does not say.
        tags.append([str(one) for one in given])
    return _tagged("lists", encoding, choices, words, tags, numbers, skipped)


def _tagged(
    form: str,
    encoding: str,
    choices: Sequence[str],
    words: Sequence[Sequence[str]],
    tags: Sequence[Sequence[str]],
    numbers: Sequence[int] | None = None,
    skipped: int = 0,
    comments: int = 0,
) -> Tagged:
    return Tagged(
        form,
        encoding,
        tuple(choices),
        tuple(map(tuple, words)),
        tuple(map(tuple, tags)),
        tuple(range(1, len(words) + 1)) if numbers is None else tuple(numbers),
        skipped,
        comments,
        sum(word.count("\ufffd") for row in words for word in row),
    )

"""Files with a tag for each word, in the forms that are about: columns, CoNLL-U, tables, and lists in JSON."""

import re
from collections.abc import Iterable

from interpret.core.errors import InputError
from interpret.core.files import Table, decode, read_table
from interpret.core.json_objects import json_objects
from interpret.core.table_limits import check_lines
from interpret.core.tag_columns import tag_columns
from interpret.core.tagged import SENTENCES, TAGS, WORDS, Tagged, chosen_column, tagged

SUFFIXES = (".txt", ".conll", ".conllu", ".bio", ".iob", ".tsv", ".csv", ".jsonl", ".json")


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
    return tag_columns(lines, name, encoding, tags)


def _is_header(lines: Iterable[str]) -> bool:
    names = {cell.strip().casefold() for cell in next((one for one in lines if one.strip()), "").split("\t")}
    return bool(names & set(WORDS)) and bool(names & set(TAGS))


def _table(table: Table, name: str, requested: str) -> Tagged:
    names = [column.casefold() for column in table.columns]
    word = next((names.index(one) for one in WORDS if one in names), None)
    sentence = next((names.index(one) for one in SENTENCES if one in names), None)
    indices = [names.index(one) for one in TAGS if one in names]
    indices += [one for one in range(len(names)) if one not in (word, sentence, *indices)]
    if word is None or sentence is None or not indices:
        raise InputError(
            "The columns of “{name}” are {known}. A table of tags needs the columns “Word”, “Tag” and “Sentence #”; "
            "the last one says which words form a sentence.",
            name=name,
            known=", ".join(table.columns[:20]),
        )
    choices = [table.columns[index] for index in indices]
    index = indices[chosen_column(requested, choices, name)]
    words: list[list[str]] = []
    tags: list[list[str]] = []
    now = None
    for number, row in zip(table.numbers, table.rows, strict=True):
        if row[sentence].strip() and row[sentence] != now:
            now = row[sentence]
            words.append([])
            tags.append([])
        if not row[word] or not row[index].strip() or not words:
            raise InputError(
                "Row {row} of “{name}” has no value in the column “{what}”. Each row needs a word and its tag, and "
                "the first row of a sentence needs its number.",
                row=number,
                name=name,
                what=table.columns[word if not row[word] else index if not row[index].strip() else sentence],
            )
        words[-1].append(row[word])
        tags[-1].append(row[index].strip())
    return tagged("table", table.encoding, choices, words, tags)


def _lists(text: str, name: str, encoding: str, requested: str) -> Tagged:
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
        word = next((keys[one] for one in WORDS if one in keys), None)
        if not choices:
            choices = [keys[one] for one in TAGS if one in keys]
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
        tag = choices[chosen_column(requested, choices, name)]
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
    return tagged("lists", encoding, choices, words, tags, numbers, skipped)

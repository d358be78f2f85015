"""Files of questions and the passages that answer them, in the forms of SQuAD and of those that follow it."""

from collections.abc import Mapping
from dataclasses import dataclass

from interpret.core.files import decode
from interpret.core.json_objects import json_objects
from interpret.core.question_rows import PASSAGE, QUESTION, answers_of, no_questions, question_rows, text_of
from interpret.core.table_limits import check_cells

SUFFIXES = (".json", ".jsonl")


@dataclass(frozen=True)
class Questions:
    """Questions, each with the passage that is to answer it.

    Attributes
    ----------
    questions, passages
        One of each for every question.
    spans
        The stretches of the passage that were marked as its answer, characters ``start <= i < end``: several where
        several people marked it, none where the passage has no answer.
    numbers
        Which question of the file each is, from 1.
    columns
        ``id`` and ``title`` of each, where the file has them.
    skipped
        How many questions were left out, for want of a question, of a passage, or of an answer that stands in it.
    moved
        Of how many an answer stood elsewhere in the passage than the file says, and was taken from where it stands.
    """

    questions: tuple[str, ...]
    passages: tuple[str, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]
    numbers: tuple[int, ...]
    columns: Mapping[str, tuple[str, ...]]
    skipped: int
    moved: int


def read_questions(content: bytes, name: str) -> Questions:
    r"""Read a file of questions.

    Known forms: SQuAD 1.1 and 2.0 (https://rajpurkar.github.io/SQuAD-explorer/), an object with ``data``, whose
    ``paragraphs`` have a ``context`` and ``qas``; the same paragraphs as a list; and a question an object, a line each
    or in a list, as ``datasets`` writes it: ``context``, ``question``, ``answers`` with lists of ``text`` and
    ``answer_start``. Where a file does not say at which character an answer begins, it must stand there once.

    Raises
    ------
    InputError
        If the file is in none of these forms, or has no question with a passage.

    Examples
    --------
    >>> line = b'{"context": "Ada lent 20 pounds.", "question": "Who lent?", "answers": {"text": ["Ada"]}}'
    >>> found = read_questions(line, "loans.jsonl")
    >>> found.questions, found.spans
    (('Who lent?',), (((0, 3),),))
    """
    text, _encoding = decode(content, name)
    questions: list[str] = []
    passages: list[str] = []
    spans: list[tuple[tuple[int, int], ...]] = []
    numbers: list[int] = []
    columns: dict[str, list[str]] = {"id": [], "title": []}
    count = moved = 0
    rows = question_rows(text, name)
    for one in [row for _, row in json_objects(text, name) if row is not None] if rows is None else rows:
        count += 1
        question, passage, given = text_of(one, QUESTION), text_of(one, PASSAGE), answers_of(one)
        if given is None or not question.strip() or not passage or passage.isspace():
            continue
        found_spans = [_find(passage, answer, start) for answer, start in given]
        found = [span for span in found_spans if span is not None]
        if given and not found:
            continue
        moved += any(
            span is not None and start >= 0 and not passage.startswith((answer, answer.strip()), start)
            for span, (answer, start) in zip(found_spans, given, strict=True)
        )
        questions.append(question)
        passages.append(passage)
        spans.append(tuple(dict.fromkeys(found)))
        numbers.append(count)
        for key, column in columns.items():
            value = one.get(key)
            column.append("" if value is None else str(value))
    if not questions:
        raise no_questions(name)
    check_cells([*zip(questions, passages, strict=True)], numbers, name)
    return Questions(
        tuple(questions),
        tuple(passages),
        tuple(spans),
        tuple(numbers),
        {key: tuple(row) for key, row in columns.items() if any(row)},
        count - len(questions),
        moved,
    )


def _find(passage: str, answer: str, start: int) -> tuple[int, int] | None:
    """Return where an answer stands: where the file says, or nearest to it; without either, where it stands once."""
    for text in dict.fromkeys((answer, answer.strip())):
        if start >= 0 and passage.startswith(text, start):
            return _trimmed(passage, start, start + len(text))
        first = passage.find(text)
        if first < 0 or (start < 0 and passage.find(text, first + 1) >= 0):
            continue
        after, before = passage.find(text, max(start, 0)), _last(passage[: max(start, 0) + len(text)], text)
        nearest = min((one for one in (before, after) if one >= 0), key=lambda one: abs(one - start))
        return _trimmed(passage, nearest, nearest + len(text))
    return None


def _last(passage: str, text: str) -> int:
    """Return where a text stands last; -1 for nowhere. Python searches from the front in linear time alone."""
    found = passage[::-1].find(text[::-1])
    return -1 if found < 0 else len(passage) - found - len(text)


def _trimmed(passage: str, start: int, end: int) -> tuple[int, int]:
    """Leave the spaces around an answer out, which are part of no token."""
    text = passage[start:end]
    return start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())

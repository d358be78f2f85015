"""Questions that stand in passages, as SQuAD nests them, laid out one below the other."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from interpret.core.errors import InputError
from interpret.core.json_objects import MOST_VALUES, json_objects, whole_object

# What the passage and a question are called: SQuAD's name first, CMRC 2018's after it.
PASSAGE, QUESTION = ("context", "context_text"), ("question", "query_text")
_NESTED = re.compile(r'"qas"\s*:\s*\[')
# Characters in which the first passage of a file has begun.
_BEGINNING = 1_000_000


def question_rows(text: str, name: str) -> list[dict[str, Any]] | None:
    """Return the questions of a file that has them nested in passages; None for a file of another form.

    Known forms: an object with ``data``, a list of articles, each with ``paragraphs``, each with a ``context`` and
    ``qas``; and such articles or paragraphs alone, in a list or a line each, as CMRC 2018 and MRQA have them.

    Returns
    -------
    For each question what the file says of it (``answers`` as they are), with ``question``, ``context``, ``id`` and
    ``title``.

    Raises
    ------
    InputError
        If the file says that it is one, and it cannot be read, or has more objects than can be.
    """
    if not _NESTED.search(text[:_BEGINNING]):
        return None
    if text.count("{") + text.count("[") > MOST_VALUES:
        raise InputError(
            "“{name}” has more than {most} objects and lists, which is the limit. Use a part of it.",
            name=name,
            most=f"{MOST_VALUES:,}",
        )
    found: list[dict[str, Any]] = []
    for number, entry in enumerate(_entries(text, name), 1):
        # MRQA's files begin with a line about the file.
        if "header" not in entry:
            found += _laid_out(whole_object(entry, number, name))
    # What is called so may be anything.
    return found or None


def _entries(text: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield articles or passages: of SQuAD's ``data``, of a list, or of lines."""
    try:
        whole = json.loads(text.lstrip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        whole = None
    listed = whole.get("data", [whole]) if isinstance(whole, dict) else None
    if listed is None:
        # Lists and lines, or what is no JSON, which is refused there.
        yield from (one for _, one in json_objects(text, name) if one is not None)
    elif isinstance(listed, list):
        yield from (one for one in listed if isinstance(one, dict))


def text_of(value: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the text under the first of some names; empty where there is none."""
    found = next((value[one] for one in names if one in value), "")
    return found if isinstance(found, str) else ""


def answers_of(one: Mapping[str, Any]) -> list[tuple[str, int]] | None:
    """Return the answers to a question, each with the character that it begins at; -1 where the file does not say.

    Returns
    -------
    Empty where the passage has no answer: the file says so, or lists none. None where the file says nothing of answers,
    or something that is no text.
    """
    if one.get("is_impossible") is True:
        return []
    given = one.get("answers", one.get("answer"))
    if isinstance(given, dict) and isinstance(given.get("text"), list):
        starts = given.get("answer_start")
        starts = starts if isinstance(starts, list) and len(starts) == len(given["text"]) else [-1] * len(given["text"])
        given = [{"text": text, "answer_start": start} for text, start in zip(given["text"], starts, strict=True)]
    if not isinstance(given, list):
        given = [given]
    found = []
    for answer in given:
        text = answer.get("text") if isinstance(answer, dict) else answer
        start = answer.get("answer_start", -1) if isinstance(answer, dict) else one.get("answer_start", -1)
        if isinstance(text, int | float) and not isinstance(text, bool):
            text = str(text)
        if not isinstance(text, str):
            return None
        if text.strip():
            found.append((text, _number(start)))
    return found


def _number(start: object) -> int:
    """Return the character that a file names, which tables may have made a decimal number or a text; -1 for none."""
    if isinstance(start, str) and re.fullmatch(r"\s*[0-9]{1,15}\s*", start):
        start = int(start)
    if isinstance(start, bool) or not isinstance(start, int | float) or start != start or start < 0:
        return -1
    return int(start) if start < 2**53 and int(start) == start else -1


def no_questions(name: str) -> InputError:
    """Say that a file has no questions, and how it would have them."""
    return InputError(
        "“{name}” has no questions with passages. Write it as SQuAD does, or a question per line: "
        '{{"context": "…", "question": "…", "answers": {{"text": ["…"], "answer_start": [0]}}}}.',
        name=name,
    )


def _laid_out(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    paragraphs = entry.get("paragraphs", [entry])
    for paragraph in paragraphs if isinstance(paragraphs, list) else []:
        questions = paragraph.get("qas") if isinstance(paragraph, dict) else None
        for one in questions if isinstance(questions, list) else []:
            if isinstance(one, dict):
                yield one | {
                    "question": text_of(one, QUESTION),
                    "context": text_of(paragraph, PASSAGE),
                    "id": _name(one.get("id", one.get("query_id"))),
                    "title": _name(entry.get("title")),
                }


def _name(value: object) -> str:
    return "" if value is None else str(value)

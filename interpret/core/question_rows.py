"""Questions that stand in passages, as SQuAD nests them, laid out one below the other."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from interpret.core.errors import InputError
from interpret.core.json_objects import json_objects, whole_object

# What the passage and a question are called: SQuAD's name first, CMRC 2018's after it.
PASSAGE, QUESTION = ("context", "context_text"), ("question", "query_text")
_NESTED = re.compile(r'"(paragraphs|qas)"\s*:\s*\[')
# Characters in which the first passage of a file has begun.
_BEGINNING = 100_000


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
        If the file says that it is one, and it cannot be read.
    """
    if not _NESTED.search(text[:_BEGINNING]):
        return None
    found: list[dict[str, Any]] = []
    for number, entry in enumerate(_entries(text, name), 1):
        # MRQA's files begin with a line about the file.
        if "header" not in entry:
            found += _laid_out(whole_object(entry, number, name), name)
    return found


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
    elif not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise no_questions(name)
    else:
        yield from listed


def text_of(value: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the text under the first of some names; empty where there is none."""
    found = next((value[one] for one in names if one in value), "")
    return found if isinstance(found, str) else ""


def no_questions(name: str) -> InputError:
    """Say that a file has no questions, and how it would have them."""
    return InputError(
        "“{name}” has no questions with passages. Write it as SQuAD does, or a question per line: "
        '{{"context": "…", "question": "…", "answers": {{"text": ["…"], "answer_start": [0]}}}}.',
        name=name,
    )


def _laid_out(entry: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    paragraphs = entry.get("paragraphs", [entry])
    for paragraph in paragraphs if isinstance(paragraphs, list) else [None]:
        if not isinstance(paragraph, dict):
            raise no_questions(name)
        questions = paragraph.get("qas")
        if not isinstance(questions, list) or not all(isinstance(one, dict) for one in questions):
            raise no_questions(name)
        for one in questions:
            yield one | {
                "question": text_of(one, QUESTION),
                "context": text_of(paragraph, PASSAGE),
                "id": str(one.get("id", one.get("query_id", ""))),
                "title": str(entry.get("title", "")),
            }

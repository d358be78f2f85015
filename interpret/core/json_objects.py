"""The objects of a JSON file: one a line, or a list of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from interpret.core.characters import HALF_CHARACTER, whole_characters
from interpret.core.errors import InputError
from interpret.core.table_limits import check_lines

# Of one object of JSON: how deep its values may hold others, and how many.
MOST_NESTED, MOST_VALUES = 64, 1_000_000


def json_objects(text: str, name: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield the objects of a JSON file, one a line or in one list, each with its number; None for a blank line.

    Raises
    ------
    InputError
        If a line is no JSON, no object, or nested too deep; or the whole is one object.
    """
    check_lines(text, name)
    text = text.replace("\0", "").lstrip("\ufeff")
    if re.match(r"\s*\[\s*\{", text):
        yield from _listed(text, name)
        return
    length = len(text.strip())
    # Not splitlines(): JSON may hold other characters that Python takes for the end of a line.
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        if not line.strip("\ufeff \t\r"):
            yield number, None
            continue
        _check_values(line, number, name)
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == 1 and text.lstrip().startswith("{"):
                _refuse_single(text, name)
            raise InputError(
                "Line {line} of “{name}” is not JSON: {error}. Each line must be one object.",
                line=number,
                name=name,
                error=str(error),
            ) from error
        if not isinstance(value, dict):
            raise InputError(
                'Line {line} of “{name}” is JSON but not an object. Write each line as {{"text": …}}.',
                line=number,
                name=name,
            )
        # Only where nothing else is in the file: to look for that at each line would take the square of its size.
        if len(line) >= length and _is_whole_table(value):
            _refuse_single(text, name)
        yield number, whole_object(value, number, name)


def _listed(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a list of objects, one after another: what is too much is refused before all of it takes memory."""
    decoder, space = json.JSONDecoder(), re.compile(r"[ \t\r\n]*")
    position, number = text.index("[") + 1, 0
    while True:
        number += 1
        start = space.match(text, position).end()  # type: ignore[union-attr]
        try:
            value, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            raise InputError(
                "Entry {number} of the list in “{name}” is not JSON: {error}. Write objects separated by commas.",
                number=number,
                name=name,
                error=str(error),
            ) from error
        if not isinstance(value, dict):
            raise InputError(
                "Entry {number} of the list in “{name}” is not an object. Write a list of objects.",
                number=number,
                name=name,
            )
        yield number, whole_object(value, number, name)
        after = space.match(text, position).end()  # type: ignore[union-attr]
        if text[after : after + 1] == "]" and not text[after + 1 :].strip("\ufeff \t\r\n"):
            return
        if text[after : after + 1] != ",":
            raise InputError(
                "Entry {number} of the list in “{name}” is followed by neither a comma nor the end of the list. Write "
                "objects separated by commas.",
                number=number,
                name=name,
            )
        position = after + 1


def _check_values(line: str, number: int, name: str) -> None:
    if line.count(",") + line.count("[") + line.count("{") > MOST_VALUES:
        raise InputError(
            "Line {line} of “{name}” has more than {most} values, which is the limit. Write one object per line.",
            line=number,
            name=name,
            most=MOST_VALUES,
        )


def _is_whole_table(value: dict[str, Any]) -> bool:
    """Tell whether an object is no row: a list of rows under a name, or columns as pandas writes them by default."""
    return bool(value) and (
        all(isinstance(one, dict) for one in value.values())
        or any(isinstance(one, list) and one and all(isinstance(row, dict) for row in one) for one in value.values())
    )


def _refuse_single(text: str, name: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return
    raise InputError(
        '“{name}” is a single JSON object. Write a list of objects, or one object per line: {{"text": …}}.',
        name=name,
    )


def whole_object(value: dict[str, Any], number: int, name: str) -> dict[str, Any]:
    """Return an object without halves of characters."""
    level, depth = [value], 0
    halves = False
    while level:
        depth += 1
        if depth > MOST_NESTED:
            raise InputError(
                "Line {line} of “{name}” is nested more than {most} levels deep. Write its values as text.",
                line=number,
                name=name,
                most=MOST_NESTED,
            )
        below: list[Any] = []
        for one in level:
            inside = [*one, *one.values()] if isinstance(one, dict) else one
            halves = halves or any(isinstance(part, str) and HALF_CHARACTER.search(part) for part in inside)
            below += [part for part in inside if isinstance(part, dict | list)]
        level = below
    return _mended(value) if halves else value


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, dict):
        return {whole_characters(key): _mended(one) for key, one in value.items()}
    return [_mended(one) for one in value] if isinstance(value, list) else value

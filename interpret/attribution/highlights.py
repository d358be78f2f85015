"""Words that people marked, beside those of a method."""

import json
import re
from contextlib import suppress

from interpret.core.errors import InputError
from interpret.core.scripts import is_ideograph


def read_highlights(text: str, cell: str) -> list[tuple[int, int]]:
    """Read what a person marked in a text: spans such as ``"3-9; 15-20"`` (characters, the end not included), or words.

    Words are found wherever they stand by themselves in the text, and are separated by semicolons; a JSON list of
    either works too.

    Raises
    ------
    InputError
        If a word does not stand in the text, or a span does not fit it.
    """
    given = None
    if cell.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            given = json.loads(cell)
    parts = given if isinstance(given, list) else cell.split(";")
    spans = []
    for part in parts:
        if isinstance(part, list) and len(part) == 2 and all(isinstance(one, int) for one in part):
            part = f"{part[0]}-{part[1]}"
        name = str(part).strip()
        if not name:
            continue
        ends = re.fullmatch(r"(\d{1,7})\s*-\s*(\d{1,7})", name)
        if ends:
            start, end = int(ends[1]), int(ends[2])
            if not start < end <= len(text):
                raise InputError(
                    "A highlight spans characters {start} to {end}, but the text has {length}. Count from 0; the end "
                    "is not included.",
                    start=start,
                    end=end,
                    length=len(text),
                )
            spans.append((start, end))
            continue
        # Not inside other words; Chinese writes none apart.
        first, last = ("" if is_ideograph(one) or not one.isalnum() else r"\b" for one in (name[0], name[-1]))
        found = [(one.start(), one.end()) for one in re.finditer(first + re.escape(name) + last, text, re.IGNORECASE)]
        if not found:
            raise InputError("“{word}” is highlighted but does not occur in the text.", word=name[:40])
        spans += found
    return spans

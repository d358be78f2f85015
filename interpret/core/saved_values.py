"""Values of a file of our own as they are found: somebody, or a full disk, may have changed them."""

import json
import zipfile
from typing import Any

# What a reader of a file of somebody else's may raise: it is damaged then, and nothing else is.
BROKEN = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    RecursionError,
    MemoryError,
    NotImplementedError,
    zipfile.BadZipFile,
)
# The year 2100; and what a float holds exactly.
_LATEST, _MOST = 4.1e9, 2.0**53


def as_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in some bytes.

    Raises
    ------
    ValueError
        If there is none, or its words are no text.
    RecursionError
        If it is nested too deeply.
    """
    found = json.loads(content.decode("utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"no object but {type(found).__name__}")
    # Half a surrogate is JSON, and no text.
    json.dumps(found, ensure_ascii=False).encode("utf-8")
    return found


def number(value: object, least: float = 0.0, most: float = _MOST) -> float:
    """Return a number in a range.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = any_number(value)
    if not least <= found <= most:
        raise ValueError(f"{found} is not between {least:g} and {most:g}")
    return found


def moment(value: object) -> float:
    """Return seconds since 1970; see `number`."""
    return number(value, most=_LATEST)


def any_number(value: object) -> float:
    """Return a number that may be infinite or none, as a measure of a model gone wild may be.

    Raises
    ------
    ValueError
        If it is no number.
    OverflowError
        If no float holds it.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"a number was expected, not {type(value).__name__}")
    return float(value)

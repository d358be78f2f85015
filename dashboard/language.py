"""The interface in the reader's language: `_()` looks an English sentence up in a gettext catalogue."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from interpret.errors import InterpretError

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
CATALOGUES = Path(__file__).parent / "locale"

_current: Callable[[], str] = lambda: "en"  # noqa: E731


def follow(current: Callable[[], str]) -> None:
    """Set how the language of the reader at hand is found; `_` asks anew each time, from any thread."""
    global _current
    _current = current


def language() -> str:
    """Return the code of the reader's language, one of `LANGUAGES`."""
    code = _current()
    return code if code in LANGUAGES else "en"


def _(message: str) -> str:
    """Return ``message`` in the reader's language, or as it is where the catalogue lacks it."""
    code = language()
    return message if code == "en" else _catalogue(code).get(message) or message


def explain(error: InterpretError) -> str:
    """Return an error's sentence in the reader's language."""
    return _(error.message).format(**error.values)


@cache
def _catalogue(code: str) -> dict[str, str]:
    # Read from the source form, so that no compiled copy can fall behind it.
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale=code) if message.id}

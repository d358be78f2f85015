"""The interface in the reader's language: `_()` looks an English sentence up in a gettext catalogue."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from interpret.core.errors import InterpretError
from interpret.core.files import whole_characters

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
CATALOGUES = Path(__file__).parent / "locale"

_fixed: ContextVar[str | None] = ContextVar("language", default=None)
_current: Callable[[], str] = lambda: "en"  # noqa: E731


def follow(current: Callable[[], str]) -> None:
    """Set how the language of the reader at hand is found; `_` asks anew each time, from any thread."""
    global _current
    _current = current


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak one language until the block ends: for work in a thread that belongs to no reader's session."""
    token = _fixed.set(code)
    try:
        yield
    finally:
        _fixed.reset(token)


def language() -> str:
    """Return the code of the reader's language, one of `LANGUAGES`."""
    code = _fixed.get() or _current()
    return code if code in LANGUAGES else "en"


def _(message: str) -> str:
    """Return ``message`` in the reader's language, or as it is where the catalogue lacks it."""
    code = language()
    return message if code == "en" else _catalogue(code).get(message) or message


def explain(error: InterpretError) -> str:
    """Return an error's sentence in the reader's language, as Markdown in which its values are only text."""
    values = {
        name: literal(value)
        if isinstance(value, str)
        else explain(value)
        if isinstance(value, InterpretError)
        else value
        for name, value in error.values.items()
    }
    return _(error.message).format(**values)


# What the browser looks for in texts after Markdown was read, when backslashes are gone: short names of emojis and
# icons, addresses of pages and of people, arrows and signs of two characters. Each is broken behind its first part.
_AFTERWARDS = re.compile(
    r":(?=[\w+-]+:)|https?:(?=//)|www(?=\.)|(?<=[\w.+-])@(?=[\w-])|(?<!\S)[<>~-](?=(?:[=>-]|->)(?!\S))", re.IGNORECASE
)
_JOINER = "\N{WORD JOINER}"


def literal(text: str) -> str:
    """Return Markdown that shows a text as it is: no link, no picture, no formula, no colour, no icon comes of it.

    Text from people and files goes through this wherever Streamlit reads Markdown. It keeps to one line, and half a
    character, which no message to a browser can hold, becomes U+FFFD. What no backslash keeps from being a link or an
    icon has a word joiner in it, which nobody sees.
    """
    joined = _AFTERWARDS.sub(lambda found: found[0] + _JOINER, " ".join(whole_characters(text).split()))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", joined)


@cache
def _catalogue(code: str) -> dict[str, str]:
    # Read from the source form, so that no compiled copy can fall behind it.
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale=code) if message.id}

"""The interface in the reader's language: `_()` and `_n()` look English sentences up in a gettext catalogue."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import c2py
from pathlib import Path

from babel import Locale
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from interpret.core.characters import whole_characters
from interpret.core.errors import InterpretError

CATALOGUES = Path(__file__).parent / "locale"

_fixed: ContextVar[str | None] = ContextVar("language", default=None)
_current: Callable[[], str] = lambda: "en"  # noqa: E731


@cache
def languages() -> Mapping[str, str]:
    """Return the languages there are, each with its name for itself: English, and one for each catalogue.

    A catalogue says its language's name in its first line, and its code is the name of its file.
    """
    found = {"en": "English"}
    for file in sorted(CATALOGUES.glob("*.po")):
        with file.open(encoding="utf-8") as lines:
            found[file.stem] = lines.readline().lstrip("#").strip()
    return found


def nearest_language(code: str) -> str | None:
    """Return the language of a code as people and browsers write it, such as zh, zh-Hans or pt-BR; None without one."""
    plain = code.replace("-", "_").lower()
    same = [one for one in languages() if one.lower() == plain]
    related = [one for one in languages() if one.partition("_")[0].lower() == plain.partition("_")[0]]
    return next(iter([*same, *related]), None)


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
    """Return the code of the reader's language, one of `languages`."""
    code = _fixed.get() or _current()
    return code if code in languages() else "en"


def _(message: str) -> str:
    """Return ``message`` in the reader's language, or as it is where the catalogue lacks it."""
    code = language()
    found = None if code == "en" else _catalogue(code).get(message)
    return found if isinstance(found, str) and found else message


def _n(one: str, many: str, count: float) -> str:
    """Return the form of a sentence that goes with a number, in the reader's language; the caller puts the number in.

    English has one form for 1 and another for all else; other languages have theirs, by the rule in their catalogue.
    """
    code = language()
    forms, form = ((one, many), int(count != 1)) if code == "en" else _plurals(code, one, many, count)
    return forms[form]


def _plurals(code: str, one: str, many: str, count: float) -> tuple[tuple[str, ...], int]:
    found = _catalogue(code).get((one, many))
    if isinstance(found, tuple) and all(found):
        return found, _form(code)(int(count))
    return (one, many), int(count != 1)


@cache
def _form(code: str) -> Callable[[int], int]:
    # A function of gettext's own, from the rule that languages of this code have.
    return c2py(get_plural(Locale.parse(code)).plural_expr)


def explain(error: InterpretError, written: Callable[[str], str] | None = None) -> str:
    """Return an error's sentence in the reader's language, as Markdown in which its values are only text.

    ``written`` writes the values instead, for what is no Markdown.
    """
    values = {
        name: (written or literal)(value)
        if isinstance(value, str)
        else explain(value, written)
        if isinstance(value, InterpretError)
        else value
        for name, value in error.values.items()
    }
    sentence = _(error.message) if error.plural is None else _n(*error.plural)
    return sentence.format(**values)


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
def _catalogue(code: str) -> dict[str | tuple[str, ...], str | tuple[str, ...]]:
    """Return what each sentence, or its forms in English, is in a language: one sentence, or the forms there."""
    # Read from the source form, so that no compiled copy can fall behind it.
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return {_frozen(one.id): _frozen(one.string) for one in read_po(file, locale=code) if one.id}


def _frozen(text: str | Sequence[str] | None) -> str | tuple[str, ...]:
    return text if isinstance(text, str) else tuple(text or ())

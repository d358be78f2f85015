"""What can go wrong, said once, where the fact is known."""

import copyreg
from collections.abc import Mapping
from typing import Any, Self

from interpret.core.characters import whole_characters
from interpret.core.redaction import redacted

# Of a value in a sentence: what a file, or another program, has to say may be of any length.
_LONGEST = 1000


class InterpretError(ValueError):
    """A sentence for the person who asked: what came, what is allowed, what to do.

    Parameters
    ----------
    message
        The sentence, with ``{name}`` where a value goes. It is kept apart from its values so that a screen can
        look it up in a catalogue and say it in another language.
    **values
        What the names stand for. They are put in last, so text from a user can hold braces. Secrets are taken out of
        them: what others say, such as a server's address, stands in many a sentence. So are half characters, which
        nothing can show, ends of lines, and what is beyond a thousand characters.
    """

    def __init__(self, message: str, **values: Any) -> None:
        self.message = message
        self.values = {name: _plain(one) if isinstance(one, str) else one for name, one in values.items()}
        # Of a sentence with a number its two English forms and the number: other languages have other forms.
        self.plural: tuple[str, str, int] | None = None
        super().__init__(message.format(**self.values))

    @classmethod
    def counted(cls, one: str, many: str, number: int, /, **values: Any) -> Self:
        """Return an error whose sentence goes with a number: ``one`` with 1, ``many`` with all else.

        Parameters
        ----------
        one, many
            The sentence's two forms. That of many has all names of values; the other may leave some out.
        number
            What chooses the form. It is said only where a value has it too.
        **values
            What the names stand for.

        Examples
        --------
        >>> import interpret as it
        >>> for rows in (1, 2):
        ...     print(it.InputError.counted("{count} row is empty.", "{count} rows are empty.", rows, count=rows))
        1 row is empty.
        2 rows are empty.
        """
        error = cls(one if number == 1 else many, **values)
        error.plural = one, many, int(number)
        return error

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes, for JSON; its values are texts there."""
        saved = {"sentence": self.message, "values": {name: str(one) for name, one in self.values.items()}}
        return saved if self.plural is None else saved | dict(zip(("one", "many", "number"), self.plural, strict=True))

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Return the error that `to_dict` wrote down.

        Raises
        ------
        ValueError, LookupError, AttributeError
            If it is none that can be said.
        """
        values = {name: _text(one) for name, one in saved["values"].items()}
        error = cls(_text(saved["sentence"]), **values)
        if "number" not in saved:
            return error
        one, many, number = _text(saved["one"]), _text(saved["many"]), saved["number"]
        if not isinstance(number, int):
            raise ValueError(f"a whole number was expected, not {type(number).__name__}")
        # Another language may need the values that only the form of many names.
        many.format(**error.values)
        return cls.counted(one, many, number, **values)

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception's own way would take its finished sentence for one with names of values: it may hold braces.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InputError(InterpretError):
    """The text or the file given cannot be used as it is."""


class CheckpointError(InterpretError):
    """The model asked for cannot be found, read or trusted."""


class CapacityError(InterpretError):
    """The device does not have the memory that this work takes."""


class Cancelled(Exception):
    """Raised inside a ``progress`` callable to stop long work cleanly."""


def _plain(text: str) -> str:
    text = whole_characters(redacted(text))
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    lines = text.splitlines()
    return text if len(lines) < 2 else " ".join(filter(None, map(str.strip, lines)))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text was expected, not {type(value).__name__}")
    return value

"""What can go wrong, said once, where the fact is known."""

from typing import Any

from interpret.core.redaction import redacted


class InterpretError(ValueError):
    """A sentence for the person who asked: what came, what is allowed, what to do.

    Parameters
    ----------
    message
        The sentence, with ``{name}`` where a value goes. It is kept apart from its values so that a screen can
        look it up in a catalogue and say it in another language.
    **values
        What the names stand for. They are put in last, so text from a user can hold braces. Secrets are taken out of
        them: what others say, such as a server's address, stands in many a sentence.
    """

    def __init__(self, message: str, **values: Any) -> None:
        self.message = message
        self.values = {name: redacted(one) if isinstance(one, str) else one for name, one in values.items()}
        super().__init__(message.format(**self.values))


class InputError(InterpretError):
    """The text or the file given cannot be used as it is."""


class CheckpointError(InterpretError):
    """The model asked for cannot be found, read or trusted."""


class CapacityError(InterpretError):
    """The device does not have the memory that this work takes."""


class Cancelled(Exception):
    """Raised inside a ``progress`` callable to stop long work cleanly."""

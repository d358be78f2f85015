"""What a page looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import interpret as it


@dataclass(frozen=True)
class Row:
    """A row of a file, and what the file says of it beside its texts.

    Attributes
    ----------
    file
        The file's name.
    number
        The row's number in the file, from 1.
    label
        Its label; empty without one.
    columns
        Names and values of the columns that are no text.
    """

    file: str
    number: int
    label: str
    columns: tuple[tuple[str, str], ...]

    @property
    def about(self) -> dict[str, Any]:
        """What JSON says of it."""
        return {"file": self.file, "row": self.number, "label": self.label, "columns": dict(self.columns)}


@dataclass(frozen=True)
class Subject:
    """A text or a pair, and the encoder that reads it; hashable, so a result can be kept under it.

    Attributes
    ----------
    row
        The row of a file that the text is; it makes no other result of the same text.
    """

    spec: it.EncoderSpec
    text: str
    pair: str | None = None
    row: Row | None = field(default=None, compare=False)

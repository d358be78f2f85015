"""What a page looks at."""

from __future__ import annotations

from dataclasses import dataclass

import interpret as it


@dataclass(frozen=True)
class Subject:
    """A text or a pair, and the encoder that reads it; hashable, so a result can be kept under it."""

    spec: it.EncoderSpec
    text: str
    pair: str | None = None

"""What a page draws to ask for a target, as data: the library knows no screen."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Choice:
    """One of several.

    Attributes
    ----------
    key
        What the page keeps it under; it stays for good.
    label
        What stands beside it, in `interpret.core.sentences.sentence`.
    options
        Values, and what the reader sees of each: names that are shown as they are.
    worded
        More of them, which stand before the others, in ``sentence``.
    default
        What is chosen at first; the first option unless given.
    width
        In pixels.
    """

    key: str
    label: str
    options: Mapping[int, str]
    worded: Mapping[int, str] = field(default_factory=dict)
    default: int | None = None
    width: int = 200


@dataclass(frozen=True)
class Number:
    """A whole number from 0 on; attributes as those of `Choice`.

    Attributes
    ----------
    most
        The largest.
    """

    key: str
    label: str
    most: int
    width: int = 130


Control = Choice | Number

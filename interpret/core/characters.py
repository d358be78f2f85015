"""Texts as they are shown: no half characters, which no message to a browser can hold, and no more than fits."""

import re

# Python's decoder of UTF-16 joins the halves that stand together, that of UTF-8 does not.
HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def whole_characters(text: str) -> str:
    """Join halves of characters (surrogates) that stand together, and put U+FFFD for those that stand alone."""
    if not HALF_CHARACTER.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def beginning(text: str, most: int = 80) -> str:
    """Return a text on one line, cut with an ellipsis where it is longer than ``most`` characters.

    Examples
    --------
    >>> from interpret.core.characters import beginning
    >>> beginning("The bank of the river.", 12)
    'The bank of…'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"

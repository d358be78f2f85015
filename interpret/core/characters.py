"""Characters that no message to a browser can hold, made whole."""

import re

# Python's decoder of UTF-16 joins the halves that stand together, that of UTF-8 does not.
HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def whole_characters(text: str) -> str:
    """Join halves of characters (surrogates) that stand together, and put U+FFFD for those that stand alone."""
    if not HALF_CHARACTER.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

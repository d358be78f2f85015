"""Sentences of the library that a page shows in the reader's language."""


def sentence(text: str) -> str:
    """Return a text as it is, and let ``make catalogue`` find it: pages translate it where they show it.

    Examples
    --------
    >>> sentence("Integrated gradients")
    'Integrated gradients'
    """
    return text

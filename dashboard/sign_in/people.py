"""Who is here."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from interpret.core.characters import whole_characters

LONGEST_NAME = 60


class Person(NamedTuple):
    """Who signed in.

    Attributes
    ----------
    id
        Tells them from all others, whenever they come: see `by_name` and `by_provider`.
    name
        What they are called.
    owns_server
        Whether they run this server: they see what is everybody's, and can free what it takes.
    """

    id: str
    name: str
    owns_server: bool = False


def by_name(name: str, owns_server: bool) -> Person:
    """Return who gave a name with a pass-phrase: the same person however the name is written.

    Who gave the one of the server's owners is nobody that all others could pass for.
    """
    kind = "owner" if owns_server else "name"
    return Person(f"{kind} {unicodedata.normalize('NFKC', name).casefold()}", name, owns_server)


def by_provider(issuer: str, subject: str, name: str, owns_server: bool) -> Person:
    """Return who an identity provider says it is: a name and an address can change, the subject does not.

    See OpenID Connect Core 1.0, section 5.7 (https://openid.net/specs/openid-connect-core-1_0.html#ClaimStability).
    """
    return Person(f"provider {issuer} {subject}", tidy(name)[:LONGEST_NAME] or subject[:LONGEST_NAME], owns_server)


def tidy(name: str) -> str:
    """Return a name in whole characters, on one line."""
    return " ".join(whole_characters(name).split())

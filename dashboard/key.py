"""A key of the session: its name, and what is known of its values."""

from __future__ import annotations

from collections.abc import Container, Mapping

from dashboard.language import language

Value = str | int | bool


class Key(str):
    """A key of the session, which Streamlit takes as the text that it is, with what is known of its values.

    Parameters
    ----------
    name
        What the session and the URL call it; kept for good where links have it.
    default
        Its value where nobody chose, which the URL leaves out; None where that depends on the model or the data.
    allowed
        What it can be; None where that depends on them.
    in_address
        Whether pages write it into the URL.
    renamed
        Values that links of before have, with what they are now.
    in_languages
        Other defaults, by the code of the reader's language.
    """

    usual: Value | None
    in_languages: Mapping[str, Value]
    allowed: Container[Value] | None
    in_address: bool
    renamed: Mapping[str, str]

    def __new__(
        cls,
        name: str,
        default: Value | None = None,
        allowed: Container[Value] | None = None,
        *,
        in_address: bool = True,
        renamed: Mapping[str, str] | None = None,
        in_languages: Mapping[str, Value] | None = None,
    ) -> Key:
        """Make a key, which is its name."""
        key = super().__new__(cls, name)
        key.usual, key.allowed, key.in_address, key.renamed = default, allowed, in_address, renamed or {}
        key.in_languages = in_languages or {}
        return key

    @property
    def default(self) -> Value | None:
        """Its value where nobody chose, in the reader's language."""
        # The language is a choice with a key of its own.
        return self.default_in(language()) if self.in_languages else self.usual

    def default_in(self, code: str) -> Value | None:
        """Return its value where nobody chose, in a language."""
        return self.in_languages.get(code, self.usual)

    def of(self, *parts: object) -> Key:
        """Return the key of the same choice for one file, model or run; the URL has none of these."""
        name = ":".join(map(str, (self, *parts)))
        return Key(name, self.usual, self.allowed, in_address=False, in_languages=self.in_languages)


def session_key(
    name: str,
    default: Value | None = None,
    allowed: Container[Value] | None = None,
    in_languages: Mapping[str, Value] | None = None,
) -> Key:
    """Return a key that the URL does not have."""
    return Key(name, default, allowed, in_address=False, in_languages=in_languages)

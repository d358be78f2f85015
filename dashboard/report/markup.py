"""HTML whose text is text, and numbers that say where in the JSON they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape, unescape
from typing import Any

from dashboard.language import _
from dashboard.numbers import number
from interpret.core.characters import whole_characters

# Those of HTML have no end; a shape of a drawing has one.
_VOID = ("meta", "col")


class Html(str):
    """Markup: put into other markup as it is, where any other text is escaped."""


def markup(value: object) -> Html:
    """Return markup as it is, and of all else its text, escaped; half a character becomes U+FFFD."""
    return value if isinstance(value, Html) else Html(escape(whole_characters(str(value))))


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Return markup and texts after one another."""
    return Html(between.join(map(markup, parts)))


def element(tag: str, /, *children: object, **attributes: object) -> Html:
    """Return an element; an attribute that is None or False is left out, and ``_`` in its name is a hyphen."""
    written = "".join(
        f" {key.strip('_').replace('_', '-')}" + ("" if value is True else f'="{markup(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{written}>" if tag in _VOID else f"<{tag}{written}>{joined(children)}</{tag}>")


def fill(sentence: str, /, **values: object) -> Html:
    """Put markup and texts where a sentence has their names in braces."""
    return Html(markup(sentence).format(**{name: markup(value) for name, value in values.items()}))


def table(
    caption: object,
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    numeric: Sequence[int] = (),
    widths: Sequence[int] = (),
) -> Html:
    """Return a table whose first column names its rows; where a screen is narrow it scrolls by itself.

    Parameters
    ----------
    numeric
        The columns of numbers, which are set flush right.
    widths
        Of each column in per cent, for a table that has text in several and must not be wider than a sheet of paper.
    """

    def cell(name: str, index: int, content: object, **attributes: object) -> Html:
        return element(name, content, class_="number" if index in numeric else None, **attributes)

    head = element("tr", *(cell("th", i, one, scope="col") for i, one in enumerate(header)))
    body = [
        element(
            "tr",
            *(cell("td", i, one) if i else cell("th", i, one, scope="row") for i, one in enumerate(row)),
        )
        for row in rows
    ]
    columns = element("colgroup", *(element("col", style=f"width:{width}%") for width in widths)) if widths else ""
    written = element(
        "table",
        element("caption", caption),
        columns,
        element("thead", head),
        element("tbody", *body),
        class_="fixed" if widths else None,
    )
    # A region that scrolls has to be reached by the keyboard, and to have a name.
    return element("div", written, class_="scroll", tabindex="0", role="group", aria_label=_plain(caption))


def facts(pairs: Iterable[tuple[object, object]]) -> Html:
    """Return a list of names and what they are; those that are nothing are left out."""
    kept = [(name, value) for name, value in pairs if value not in (None, "")]
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in kept))


def _plain(content: object) -> str:
    return unescape(re.sub(r"<[^>]+>", "", content)) if isinstance(content, Html) else str(content)


class Numbers:
    """The numbers of a report's JSON, by their pointers (RFC 6901)."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def at(self, pointer: str) -> Any:
        """Return what stands at a pointer; no name in a report holds a slash."""
        found: Any = self.document
        for part in pointer.split("/")[1:]:
            found = found[int(part)] if isinstance(found, list) else found[part]
        return found

    def __call__(self, pointer: str, form: str = ",") -> Html:
        """Return a number as an element that says where it stands; a dash where there is none."""
        value = self.at(pointer)
        # What rounds to 0 has no sign.
        shown = "–" if value is None else number(value, form.replace(".", "z.", 1))
        if form == ".3f" and value and 0 < value < 0.0005:
            shown = f"< {number(0.001, form)}"
        return element("data", shown, value="" if value is None else value, data_json=pointer)

    def share(self, pointer: str) -> Html:
        """Return a share in per cent."""
        return self(pointer, ".1%")

    def interval(self, pointer: str, form: str = ".1%") -> Html:
        """Return an interval's ends; a dash where it is not known."""
        ends = self.at(pointer)
        if ends is None or None in ends:
            return Html("–")
        return fill(_("{low} to {high}"), low=self(f"{pointer}/0", form), high=self(f"{pointer}/1", form))

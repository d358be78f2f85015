"""Words in place, each coloured by what it did for an answer, in a row for each method; a click can switch them off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.components.canvas import picture
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.core.tokens import Tokens

_COMPONENT = picture(
    "words", "<div class='texts'></div><p class='readout' aria-live='polite' data-testid='readout'></p>"
)


@dataclass(frozen=True)
class Word:
    """A word, or a token, as it is drawn.

    Attributes
    ----------
    text
        What it reads.
    score
        What it did.
    spaced
        Whether a space stands before it.
    fixed
        Whether it is a special token, that no method takes away.
    note
        What is said of it where it is pointed at; empty for its score.
    """

    text: str
    score: float
    spaced: bool
    fixed: bool
    note: str = ""


@dataclass(frozen=True)
class WordRow:
    """One method's words; colours go from ``-most`` to ``most``, or where ``signed`` is not so, from 0.

    Where ``most`` is 0 they have none. The legend names some scores, each on its colour; ``more`` is said of the row
    where its title is pointed at.
    """

    title: str
    note: str
    words: tuple[Word, ...]
    most: float
    signed: bool
    legend: tuple[tuple[str, float], ...] = ()
    more: str = ""


def token_words(
    tokens: Tokens, words: bool, scores: Iterable[float] = repeat(0.0), notes: Iterable[str] = repeat("")
) -> tuple[Word, ...]:
    """Return a text's words, or its tokens, as they are drawn: those of a prompt are not, and have no text."""
    found: list[Word] = []
    end = {0: 0, 1: 0}
    groups = tokens.groups if words else tuple((index,) for index in range(len(tokens)))
    names = tokens.words if words else tokens.labels
    for group, name, score, note in zip(groups, names, scores, notes, strict=False):
        first, last = group[0], group[-1]
        fixed = bool(tokens.special[first])
        side = int(tokens.segment[first])
        spaced = fixed or int(tokens.span[first, 0]) > end[side]
        if not fixed:
            end[side] = int(tokens.span[last, 1])
        found.append(Word("" if tokens.prompt[first] else name, float(score), spaced and bool(found), fixed, note))
    return tuple(found)


def word_rows(
    rows: Sequence[WordRow],
    title: str,
    file: str,
    key: str,
    picture: str,
    off: Sequence[int] | None = None,
    instead: str | None = None,
) -> tuple[int, ...]:
    """Draw rows of words and return the indices of those that are switched off.

    Parameters
    ----------
    title, file
        The line over a saved picture, and the name of its file without an ending.
    picture
        What the buttons that save it call it.
    off
        Where words can be switched off, those that are before anybody has clicked; None where they cannot.
    instead
        What is drawn in the place of a word that is off; None for the word, struck through.
    """
    drawn = [
        {
            "title": row.title,
            "note": row.note,
            "most": row.most,
            "signed": row.signed,
            "legend": row.legend,
            "more": row.more,
            "words": [[word.text, round(word.score, 5), word.spaced, word.fixed, word.note] for word in row.words],
        }
        for row in rows
    ]
    count = len(rows[0].words) if rows else 0
    said = st.session_state.get(key)
    said = said.get("off") if isinstance(said, Mapping) else None
    sequence = said.get("sequence") if isinstance(said, Mapping) else None
    if off is not None:
        # A component forgets what it said when its page is left.
        kept = f"{key}:kept"
        off = st.session_state.get(kept, off)
        if isinstance(said, Mapping):
            off = read_indices(said.get("places"), count)
        st.session_state[kept] = tuple(off)
    about = hashlib.sha1(json.dumps([drawn, title]).encode(), usedforsecurity=False).hexdigest()[:16]
    _COMPONENT(
        key=key,
        data={
            "key": about,
            "picture": picture,
            "title": title,
            "file": file,
            "rows": drawn,
            "off": None if off is None else list(off),
            "sequence": sequence if type(sequence) is int else 0,
            "instead": instead,
            "against": _("against"),
            "for": _("in favour"),
            "hint": _hint(rows, off is not None, instead is not None),
            "row": _("Words scored by {method}"),
        },
        on_off_change=lambda: None,
    )
    return tuple(off or ())


def _hint(rows: Sequence[WordRow], clicked: bool, hidden: bool) -> str:
    """Say what can be done with the words before one is pointed at."""
    if clicked and hidden:
        return _("Click a word to mask it or to restore it; arrow keys and Space work too.")
    if clicked:
        return _("Click a word to switch it off or on; arrow keys and Space work too.")
    if any(word.note for row in rows for word in row.words):
        return _("Point at a word to see its details; arrow keys move from word to word.")
    return _("Point at a word to read its score; arrow keys move from word to word.")


def read_indices(value: object, count: int) -> tuple[int, ...]:
    """Check which words a browser says are off; what makes no sense is on."""
    given = value if isinstance(value, list | tuple) else []
    return tuple(sorted({one for one in given if type(one) is int and 0 <= one < count}))

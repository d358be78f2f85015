"""How scripts are written: letters with the marks on them, ideographs, and texts that are the same to a reader."""

import unicodedata
from functools import cache

# How a space is written in a token's name: byte-level vocabularies write “Ġ”, SentencePiece's “▁”.
SPACE = "␣"
# They join letters, or keep them apart, and belong to what stands before them.
_JOINERS = "\u200c\u200d"
# Unified ideographs, extension A, compatibility, extensions B and later with their compatibility forms.
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
# The same for a regular expression's brackets.
IDEOGRAPHS = "".join(f"{chr(first)}-{chr(last)}" for first, last in _IDEOGRAPHS)
# Vowels and final consonants that make a syllable of the Korean consonant before them.
_JAMO = range(0x1160, 0x1200)


def is_mark(character: str) -> bool:
    """Tell whether a character is a sign on the letter before it (Unicode's Mn, Mc and Me)."""
    return character > "\u02ff" and unicodedata.category(character).startswith("M")


def is_joined(character: str) -> bool:
    """Tell whether a character belongs to what stands before it: a combining mark, or a joiner of zero width."""
    return character in _JOINERS or is_mark(character)


def is_ideograph(character: str) -> bool:
    """Tell whether a character is one that BERT's tokenizer sets apart as a word (CJK ideographs)."""
    code = ord(character)
    return code >= 0x3400 and any(first <= code <= last for first, last in _IDEOGRAPHS)


@cache
def marks() -> str:
    """Return all that `is_joined` holds for, as ranges for a regular expression's brackets."""
    found: list[list[int]] = []
    # No mark stands between the second plane's end and the last plane's variation selectors.
    for code in (*range(0x300, 0x20000), *range(0xE0000, 0xE0200)):
        if is_joined(chr(code)):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in found)


def fold(text: str) -> str:
    """Return a text in one form of all that read the same: in lower case, letters composed with their accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """Fold a text, and tell where in it each character of that came from; one offset more for the end.

    Letters are folded with the marks on them, so what `fold` writes the same stands at the letter.
    """
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    folded, offsets = [], []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and (is_joined(text[end]) or ord(text[end]) in _JAMO):
            end += 1
        letter = fold(text[start:end])
        folded.append(letter)
        offsets += [start] * len(letter)
        start = end
    return "".join(folded), [*offsets, len(text)]

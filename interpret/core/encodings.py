"""Encodings of text files: which bytes are which characters, where no mark in the file says so."""

import re

from chardet import detect_all

from interpret.core.errors import InputError

# What can be asked for by hand, with the names that people know them by.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "gb18030": "GB18030",
    "cp950": "Big5",
    "cp932": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "cp949": "EUC-KR",
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp1258": "Windows-1258",
    "cp874": "Windows-874",
    "iso8859_2": "ISO 8859-2",
    "iso8859_15": "ISO 8859-15",
    "mac_roman": "MacRoman",
}

# Of the old encodings only those that spreadsheets of millions still write are guessed: each further one is one more
# that a short file can be taken for.
GUESSED = ("gb18030", "cp950", "cp932", "euc_jp", "cp949", "cp1252", "cp1250", "cp1251", "koi8_r")
# What chardet calls them; those of Big5 are one.
_NAMES = {
    "gb18030": "gb18030",
    "big5": "cp950",
    "cp950": "cp950",
    "cp932": "cp932",
    "euc-jp": "euc_jp",
    "cp949": "cp949",
    "windows-1252": "cp1252",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "koi8-r": "koi8_r",
}
_EAST_ASIAN = {"gb18030", "cp950", "cp932", "euc_jp", "cp949"}
# What stands between spaces and separators with a byte beyond ASCII; the second byte of a Chinese character is neither.
_WORD = re.compile(rb'[^\s,;"]*[\x80-\xff][^\s,;"]*')
# Where Windows-1252 reaches this share of the best one's confidence in such words, they do not tell.
_UNCLEAR_SHARE = 0.3
# Below this one they are no Western words, whatever they look like.
_NO_SHARE = 0.05
# Western files are by far the most. Over short Polish, Czech, Hungarian and Russian rows Windows-1252 reaches at most
# 0.55 of the best one's confidence where the two read differently, over Western ones at least 0.59.
_WESTERN_SHARE = 0.58


def encoding_name(encoding: str) -> str:
    """Return the name that people know an encoding by.

    Examples
    --------
    >>> encoding_name("cp950"), encoding_name("utf-16-le")
    ('Big5', 'UTF-16-LE')
    """
    return ENCODINGS.get(encoding, encoding.upper())


def known_encoding(encoding: str) -> str:
    """Return an encoding that was asked for, as `ENCODINGS` has it.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if encoding not in ENCODINGS:
        raise InputError(
            "The encoding “{encoding}” is not supported. Choose one of: {kinds}.",
            encoding=encoding,
            kinds=", ".join(ENCODINGS),
        )
    return encoding


def guessed_encodings(content: bytes) -> list[str]:
    r"""Return the encodings from before UTF-8 that a file may be in, the likeliest first.

    The order is chardet's (https://chardet.readthedocs.io), but that Windows-1252 goes before another of about the
    same confidence, and that among many English words those that are not ASCII alone decide where they are clear.

    Examples
    --------
    >>> guessed_encodings("text,label\n這家餐廳的服務非常好,正面\n".encode("big5"))[0]
    'cp950'
    >>> guessed_encodings("text,label\nThe café’s naïve résumé,pos\n".encode("cp1252"))[0]
    'cp1252'
    """
    found = _confidences(content)
    order = sorted(found, key=lambda name: -found[name])
    if (
        order
        and found.get("cp1252", 0.0) >= _WESTERN_SHARE * found[order[0]]
        and (order[0] not in _EAST_ASIAN or _mostly_alone(content))
    ):
        order.insert(0, "cp1252")
    if order and order[0] not in _EAST_ASIAN:
        order = [*_clear_by_words(content), *order]
    return list(dict.fromkeys([*order, "cp1252", "gb18030"]))


def _confidences(content: bytes) -> dict[str, float]:
    """Return chardet's confidence in each encoding that is guessed, for those that it does not rule out."""
    found: dict[str, float] = {}
    for one in detect_all(content, include_encodings=_NAMES, ignore_threshold=True, prefer_superset=True):
        name = _NAMES.get((one["encoding"] or "").lower())
        if name is not None:
            found.setdefault(name, one["confidence"])
    return found


def _clear_by_words(content: bytes) -> list[str]:
    """Return the encoding that the words with bytes beyond ASCII are clearly in, other than Windows-1252; or none."""
    words = b"\n".join(dict.fromkeys(_WORD.findall(content)))
    found = _confidences(words)
    best = max(found, key=found.__getitem__, default="cp1252")
    western = found.get("cp1252", 0.0)
    if western > _UNCLEAR_SHARE * found.get(best, 0.0):
        return []
    # The second byte of a character of Big5 or Shift-JIS may be a letter: it stands alone only to the eye.
    if best in _EAST_ASIAN and western > _NO_SHARE * found[best] and _mostly_alone(words):
        return []
    try:
        characters = set(words.decode(best)) - set(map(chr, range(128)))
    except UnicodeDecodeError:
        return []
    return [best] if len(characters) > 1 else []


def _mostly_alone(content: bytes) -> bool:
    """Tell whether most bytes beyond ASCII stand alone, as an ü among letters does; those of Chinese come in twos."""
    found = re.findall(rb"[\x80-\xff]+", content[:100_000])
    return sum(len(one) == 1 for one in found) * 2 > sum(map(len, found))

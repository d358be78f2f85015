"""A vocabulary's tokens: what each is called, which are special, and which no text ever reaches."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from tokenizers import Tokenizer

from interpret.core.errors import InputError
from interpret.core.scripts import SPACE, is_mark

# What a mark is written on that has no letter of its own before it.
_CARRIER = "◌"
_OPEN, _CLOSE = "⟨⟩"
_ESCAPED = frozenset((SPACE, _CARRIER, _OPEN, _CLOSE))
# Letters that draw nothing (Unicode's Default_Ignorable_Code_Point, those that count as printable).
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class SpecialTokens:
    """What a tokenizer calls its special tokens, as its own files declare; None for each that it does not have.

    Attributes
    ----------
    first, separator
        What stands before a text, and what closes it (``[CLS]`` and ``[SEP]`` in BERT, ``<s>`` and ``</s>`` in
        RoBERTa).
    mask, padding, unknown
        What stands for a hidden word, for nothing, and for what the vocabulary lacks.
    """

    first: str | None
    separator: str | None
    mask: str | None
    padding: str | None
    unknown: str | None


def special_tokens(declared: Mapping[str, Any], tokenizer: Tokenizer) -> SpecialTokens:
    """Return what the special tokens of a tokenizer are called.

    Parameters
    ----------
    declared
        Names by role (``"cls_token"``, ``"mask_token"`` …), as transformers reads them from a tokenizer's files.
    tokenizer
        What counts: its template for the first and the last token, its model for the unknown one; and it has to know
        a token that is declared.
    """

    def known(*roles: str) -> str | None:
        names = (str(declared[role]) for role in roles if declared.get(role))
        return next((one for one in names if tokenizer.token_to_id(one) is not None), None)

    around = tokenizer.encode("").tokens
    unknown = unknown_id(tokenizer)
    return SpecialTokens(
        first=around[0] if around else known("cls_token", "bos_token"),
        separator=around[-1] if len(around) > 1 else known("sep_token", "eos_token"),
        mask=known("mask_token") or _named(tokenizer, "mask"),
        padding=known("pad_token") or _named(tokenizer, "pad"),
        unknown=known("unk_token") if unknown is None else tokenizer.id_to_token(unknown),
    )


def _named(tokenizer: Tokenizer, role: str) -> str | None:
    """Find a special token that no file declares by its own name, as tokenizers saved without their config have it."""
    names = (one.content for one in tokenizer.get_added_tokens_decoder().values() if one.special)
    return next((one for one in names if one.strip("[]<>|").casefold() == role), None)


@lru_cache(maxsize=16)
def unknown_id(tokenizer: Tokenizer) -> int | None:
    """Return which token a tokenizer puts where its vocabulary lacks something; None where it lacks nothing."""
    try:
        # A private character, which no vocabulary has. Not every kind of model tells its unknown token's name.
        found = tokenizer.model.tokenize("\U000f1234")
    except Exception:  # the Rust library's own, of a unigram model without an unknown token
        return None
    return found[0].id if len(found) == 1 else None


class TokenNames:
    """What the tokens of a vocabulary are called where they stand alone: no two alike.

    Spaces are written as ``␣``, whatever the vocabulary writes for them, so that RoBERTa's tokens for “river” within a
    word and at its beginning are “river” and “␣river”. WordPiece's mark of what goes on within a word stays (“##ing”).
    Bytes that are only a part of a character stand as numbers (“⟨E4 BD⟩”), and so do characters that nobody sees
    (“⟨U+200D⟩”). A mark without a letter stands on a dotted circle.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._added = frozenset(tokenizer.get_added_tokens_decoder())
        self._prefix = getattr(tokenizer.model, "continuing_subword_prefix", None) or ""
        parts = [tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder]
        written = "".join(one.__getstate__().decode() for one in parts if one is not None)
        self._bytes = '"ByteLevel"' in written
        self._spaces = not self._bytes and "▁" in written
        self._fallback = not self._bytes and tokenizer.token_to_id("<0x00>") is not None

    def __call__(self, token_id: int) -> str:
        """Return what a token is called; some models have more rows than their vocabulary has tokens."""
        token = self._tokenizer.id_to_token(token_id)
        if token is None:
            return f"{_OPEN}#{token_id}{_CLOSE}"
        if self._bytes:
            raw = None if token_id in self._added else _raw(token)
            if raw is not None:
                return _decoded(raw)
            # What was added to a byte-level vocabulary is written in plain letters, and another token may read alike.
            return _shown(token) + self._apart(token_id, _in_bytes(token))
        if self._fallback and (found := _BYTE.fullmatch(token)):
            return f"{_OPEN}{found[1]}{_CLOSE}"
        if self._spaces:
            return _shown(token.replace("▁", " ")) + self._apart(token_id, token.replace(" ", "▁"))
        begun = self._prefix if token.startswith(self._prefix) else ""
        return begun + _shown(token.removeprefix(begun))

    def find(self, name: str) -> int | None:
        """Return the token of a name, or the one that the vocabulary itself writes so; None where there is none."""
        plain = name.replace(SPACE, " ")
        written = _in_bytes(plain) if self._bytes else plain.replace(" ", "▁") if self._spaces else name
        for one in (written, name):
            token_id = self._tokenizer.token_to_id(one)
            if token_id is not None and self(token_id) == name:
                return int(token_id)
        every = range(self._tokenizer.get_vocab_size()) if _ESCAPED.intersection(name) else ()
        return next((token_id for token_id in every if self(token_id) == name), self._tokenizer.token_to_id(name))

    def _apart(self, token_id: int, twin: str) -> str:
        return "" if self._tokenizer.token_to_id(twin) in (None, token_id) else f"{_OPEN}#{token_id}{_CLOSE}"


@cache
def _bytes_of_letters() -> dict[str, int]:
    """Which byte each letter of a byte-level vocabulary stands for (Radford et al. 2019)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}


def _raw(token: str) -> bytes | None:
    letters = _bytes_of_letters()
    return bytes(letters[one] for one in token) if all(one in letters for one in token) else None


def _in_bytes(text: str) -> str:
    letters = {byte: letter for letter, byte in _bytes_of_letters().items()}
    return "".join(letters[byte] for byte in text.encode("utf-8", "surrogatepass"))


def _decoded(raw: bytes) -> str:
    """Write bytes as text, and those that are a part of a character as numbers."""
    name, loose = "", b""
    while raw:
        try:
            text, broken, raw = raw.decode(), b"", b""
        except UnicodeDecodeError as error:
            text, broken, raw = raw[: error.start].decode(), raw[error.start : error.end], raw[error.end :]
        if text and loose:
            name, loose = name + _numbers(loose), b""
        name, loose = name + _shown(text), loose + broken
    return name + (_numbers(loose) if loose else "")


def _numbers(raw: bytes) -> str:
    return f"{_OPEN}{raw.hex(' ').upper()}{_CLOSE}"


def _shown(text: str) -> str:
    """Write a text so that no two texts look alike: with spaces, unseen characters and loose marks to be seen."""
    # Composed and decomposed letters look alike.
    alike = unicodedata.normalize("NFC", text) != text
    name, before = "", " "
    for one in text:
        if one == " ":
            name += SPACE
        elif one in _ESCAPED or not one.isprintable() or _UNSEEN.match(one) or unicodedata.normalize("NFC", one) != one:
            name += f"{_OPEN}U+{ord(one):04X}{_CLOSE}"
        elif is_mark(one) and (alike or before == " "):
            name += _CARRIER + one
        else:
            name += one
        before = one
    return name


# Shares of words from which on a vocabulary was made of text with upper case, or with accents. One that was made of
# lower-cased text without accents has next to none: MiniLM's has not one among its 27,929 words of such letters. Where
# text was read as it is, names and the beginnings of sentences alone are more than one word in twenty; accents are rare
# in English, and one in a hundred is enough to be missed.
_UPPER, _ACCENTED = 0.05, 0.01


def unreachable_note(tokenizer: Tokenizer, name: str, by_config: bool = True) -> InputError | None:
    """Say that the tokenizer takes upper case, or accents, off every text, while the vocabulary is full of them.

    transformers reads a folder that has only ``vocab.txt`` in lower case, whatever its vocabulary.

    Parameters
    ----------
    name
        What the reader calls the model.
    by_config
        Whether ``tokenizer_config.json`` decides about it; the normalizer of ``tokenizer.json`` otherwise.
    """
    if tokenizer.normalizer is None:
        return None
    lowers = tokenizer.normalizer.normalize_str("Aa") == "aa"
    strips = tokenizer.normalizer.normalize_str("é") == "e"
    if not lowers and not strips:
        return None
    added = tokenizer.get_added_tokens_decoder()
    words = [
        one for one, token_id in tokenizer.get_vocab().items() if token_id not in added and one.lower() != one.upper()
    ]
    upper = sum(one != one.lower() for one in words) / max(1, len(words))
    # Most words are ASCII, and each model's tens of thousands are looked at whenever it is loaded.
    accents = sum(not one.isascii() and _accented(one) for one in words) / max(1, len(words))
    lost = lowers and upper >= _UPPER, strips and accents >= _ACCENTED
    file = "tokenizer_config.json" if by_config else "tokenizer.json"
    if lost[0]:
        return InputError(
            "In the vocabulary of “{name}”, {share} of the words have upper-case letters, but its tokenizer "
            "lower-cases every text, so these words are never used. If the model was trained on cased text, write "
            "{cure} into its {file} and load it again.",
            name=name,
            share=f"{upper:.0%}",
            cure='{"do_lower_case": false}' if by_config else '"normalizer": {… "lowercase": false}',
            file=file,
        )
    if lost[1]:
        return InputError(
            "In the vocabulary of “{name}”, {share} of the words have accents, but its tokenizer strips accents from "
            "every text, so these words are never used. If the model was trained on text with accents, write {cure} "
            "into its {file} and load it again.",
            name=name,
            share=f"{accents:.0%}",
            cure='{"strip_accents": false}' if by_config else '"normalizer": {… "strip_accents": false}',
            file=file,
        )
    return None


def _accented(text: str) -> bool:
    return any(map(is_mark, unicodedata.normalize("NFD", text)))

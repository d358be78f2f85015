"""Pieces, words and characters: what the tokenizer made of a text, and the way back."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int
from tokenizers import Encoding, Tokenizer, decoders

from interpret.arrays import read_only
from interpret.errors import InputError

# How vocabularies call what they lack.
UNKNOWN = ("[UNK]", "<unk>")


@dataclass(frozen=True, eq=False)
class Tokens:
    """A text, or a pair, cut into the pieces of a model's vocabulary.

    Attributes
    ----------
    text, pair
        What was given: segment A, and segment B or None.
    ids
        Vocabulary ids, with the special pieces.
    pieces
        The same as the vocabulary writes them (``"##ing"``, ``"Ġthe"``, ``"▁the"``).
    labels
        The pieces as a person reads them: byte-level pieces (``"Ġä½ł"``) are shown as the text they stand for.
    word
        The word that each piece belongs to, counted over both segments; -1 for special pieces. Chinese, Japanese and
        Korean ideographs are words of one character.
    span
        Where each piece stands in its segment's text: characters ``start <= i < end``; (0, 0) for special pieces.
    segment
        0 for segment A with its special pieces, 1 for segment B with the closing one: for drawing, and for what goes
        from the one to the other. No model is fed it.
    type_ids
        The token types of the tokenizer's template: what a model is fed that takes any.
    special
        True for pieces that the tokenizer added.
    """

    text: str
    pair: str | None
    ids: Int[np.ndarray, "token"]
    pieces: tuple[str, ...]
    labels: tuple[str, ...]
    word: Int[np.ndarray, "token"]
    span: Int[np.ndarray, "token 2"]
    segment: Int[np.ndarray, "token"]
    type_ids: Int[np.ndarray, "token"]
    special: Bool[np.ndarray, "token"]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def unknown(self) -> int:
        """How many pieces stand for something that the vocabulary lacks."""
        return sum(map(self.unknown_at, range(len(self))))

    def unknown_at(self, place: int) -> bool:
        """Whether a piece stands for something that the vocabulary lacks."""
        return self.pieces[place] in UNKNOWN

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The pieces of each word, in order; every special piece is a group of its own."""
        groups: list[list[int]] = []
        for index, word in enumerate(self.word):
            if groups and word >= 0 and self.word[groups[-1][-1]] == word:
                groups[-1].append(index)
            else:
                groups.append([index])
        return tuple(tuple(group) for group in groups)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The text of each group in `groups`; special pieces as the vocabulary writes them."""
        names = []
        for group in self.groups:
            first, last = group[0], group[-1]
            source = self.pair if self.segment[first] and self.pair is not None else self.text
            names.append(
                self.pieces[first] if self.special[first] else source[self.span[first, 0] : self.span[last, 1]]
            )
        return tuple(names)


def tokenize(tokenizer: Tokenizer, text: str, pair: str | None = None) -> Tokens:
    """Cut a text or a pair into pieces, special ones added, nothing cut off.

    Parameters
    ----------
    tokenizer
        The Rust tokenizer, with truncation and padding switched off.

    Raises
    ------
    InputError
        If there is nothing in a text for a model to read, or it holds half a character.
    """
    check_texts(text, pair)
    encoding = tokenizer.encode(text, pair)
    sequence = encoding.sequence_ids
    if 0 not in sequence or (pair is not None and 1 not in sequence):
        raise InputError(
            "A text holds nothing that the model's vocabulary can read, only control characters or spaces. Type some "
            "words."
        )
    special = [owner is None for owner in sequence]
    second = sequence.index(1) if pair is not None else len(sequence)
    segment = [int(i >= second) for i in range(len(sequence))]
    texts = (text, pair or "")
    spans = _spans(encoding, special, texts, segment)
    return Tokens(
        text=text,
        pair=pair,
        ids=read_only(encoding.ids, np.int64),
        pieces=tuple(encoding.tokens),
        labels=_labels(tokenizer, encoding, texts, segment, spans),
        word=read_only(_words(encoding, special, texts, segment, spans), np.int64),
        span=read_only(spans, np.int64),
        segment=read_only(segment, np.int64),
        type_ids=read_only(encoding.type_ids, np.int64),
        special=read_only(special, bool),
    )


def check_texts(text: str, pair: str | None) -> None:
    """Refuse what is no text: see `tokenize`."""
    if not text.strip():
        raise InputError("The text is empty. Type some words, or pick an example.")
    if pair is not None and not pair.strip():
        raise InputError("The second text is empty. Type some words, or do without it.")
    for part in (text, pair or ""):
        try:
            part.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                "Character {place} of a text is half of a surrogate pair, so it is not text. Delete it, or read the "
                "file again in its own encoding.",
                place=error.start + 1,
            ) from error


def _spans(
    encoding: Encoding, special: list[bool], texts: tuple[str, str], segment: list[int]
) -> list[tuple[int, int]]:
    # Some byte-level and SentencePiece tokenizers count the space before a word as part of its piece.
    spans = []
    for i, (start, end) in enumerate(encoding.offsets):
        if special[i]:
            start = end = 0
        source = texts[segment[i]]
        while start < end and source[start].isspace():
            start += 1
        while end > start and source[end - 1].isspace():
            end -= 1
        spans.append((start, end))
    return spans


def _labels(
    tokenizer: Tokenizer, encoding: Encoding, texts: tuple[str, str], segment: list[int], spans: list[tuple[int, int]]
) -> tuple[str, ...]:
    if not isinstance(tokenizer.decoder, decoders.ByteLevel):
        return tuple(encoding.tokens)
    # Special pieces have an empty span, and so have pieces of white space alone.
    return tuple(
        texts[segment[i]][start:end] or piece
        for i, (piece, (start, end)) in enumerate(zip(encoding.tokens, spans, strict=True))
    )


def _words(
    encoding: Encoding,
    special: list[bool],
    texts: tuple[str, str],
    segment: list[int],
    spans: list[tuple[int, int]],
) -> list[int]:
    words = []
    count = -1
    previous: tuple[int, int | None] | None = None
    before = (0, 0)
    for i, word in enumerate(encoding.word_ids):
        if special[i]:
            words.append(-1)
            previous = None
            continue
        here = (segment[i], word)
        if previous is None:
            new = True
        elif before[0] == before[1]:
            # A piece that is nothing but the space before a word belongs to that word.
            new = False
        else:
            # SentencePiece takes a whole Chinese sentence for one word. Byte-level pieces of one character share its
            # span, and so do not begin behind each other.
            source = texts[segment[i]]
            start, end = spans[i]
            follows = end > start >= before[1]
            new = here != previous or (follows and (is_ideograph(source[start]) or is_ideograph(source[before[1] - 1])))
        count += new
        words.append(count)
        previous, before = here, spans[i]
    return words


def is_ideograph(character: str) -> bool:
    """Tell whether a character is one that BERT's tokenizer sets apart as a word (CJK ideographs)."""
    place = ord(character)
    return place >= 0x3400 and any(first <= place <= last for first, last in _IDEOGRAPHS)


# Unified ideographs, extension A, compatibility, extensions B and later with their compatibility forms.
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x323AF))

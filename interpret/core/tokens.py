"""Tokens, words and characters: what the tokenizer made of a text, and the way back."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int
from tokenizers import Encoding, Tokenizer, decoders

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.scripts import is_ideograph, is_joined
from interpret.core.table_limits import MOST_CHARACTERS
from interpret.core.vocabulary import unknown_id

# No character before it is a mark, or one that joins: what most texts are made of is looked at no further.
_FIRST_MARK = "\u0300"


@dataclass(frozen=True, eq=False)
class Tokens:
    """A text, or a pair, cut into the tokens of a model's vocabulary.

    Attributes
    ----------
    text, pair
        What was given: segment A, and segment B or None.
    ids
        Vocabulary ids, with the special tokens.
    strings
        The same as the vocabulary writes them (``"##ing"``, ``"Ġthe"``, ``"▁the"``).
    labels
        The tokens as a person reads them: byte-level tokens (``"Ġä½ł"``) are shown as the text they stand for.
    word
        The word that each token belongs to, counted over both segments; -1 for special tokens. Chinese, Japanese and
        Korean ideographs are words of one character.
    span
        Where each token stands in its segment's text: characters ``start <= i < end``; (0, 0) for special tokens.
        Marks that a tokenizer takes off (the accent of a decomposed “é”, the vowel signs of “मैं”) stand with the token
        before them.
    segment
        0 for segment A with its special tokens, 1 for segment B with the closing one: for drawing, and for what goes
        from the one to the other. No model is fed it.
    type_ids
        The token types of the tokenizer's template: what a model is fed that takes any.
    special
        True for tokens that nobody wrote: those that the tokenizer added, and those of a prompt.
    prompt
        True for the tokens of a prompt before the text: see `Encoder.with_prompt`. No picture shows them.
    unknown_id
        The id that stands for what the vocabulary lacks; None where it lacks nothing.
    """

    text: str
    pair: str | None
    ids: Int[np.ndarray, " token"]
    strings: tuple[str, ...]
    labels: tuple[str, ...]
    word: Int[np.ndarray, " token"]
    span: Int[np.ndarray, "token 2"]
    segment: Int[np.ndarray, " token"]
    type_ids: Int[np.ndarray, " token"]
    special: Bool[np.ndarray, " token"]
    prompt: Bool[np.ndarray, " token"]
    unknown_id: int | None

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def shown(self) -> Int[np.ndarray, " shown"]:
        """The positions of all tokens but those of a prompt: what pictures show."""
        return read_only(np.flatnonzero(~self.prompt))

    @property
    def unknown(self) -> int:
        """How many tokens stand for something that the vocabulary lacks."""
        return 0 if self.unknown_id is None else int((self.ids == self.unknown_id).sum())

    def unknown_at(self, position: int) -> bool:
        """Whether a token stands for something that the vocabulary lacks."""
        return self.unknown_id is not None and int(self.ids[position]) == self.unknown_id

    def find(self, word: str) -> int | None:
        """Return the first token that is written so, or that is all of a word; None where the word is cut or missing.

        Examples
        --------
        >>> import interpret as it
        >>> tokens = it.load_encoder("minilm").tokens("It was tired.")
        >>> tokens.find("tired"), tokens.find("tire")
        (3, None)
        """
        if word in self.strings:
            return self.strings.index(word)
        # Of “▁tired” the text is “tired”; “▁” alone stands for the space before a word, and its text is the word's too.
        texts = (self.text, self.pair or "")
        for i, (start, end) in enumerate(self.span):
            if not self.special[i] and self.strings[i] not in ("▁", "Ġ") and texts[self.segment[i]][start:end] == word:
                return i
        return None

    def position_in(self, position: int, other: "Tokens") -> int:
        """Return where one of these tokens stands in the same text with some left out, or others in their place."""
        same = (other.segment == self.segment[position]) & (other.span == self.span[position]).all(axis=1)
        return int((same & ~other.special).argmax())

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The tokens of each word, in order; every special token is a group of its own."""
        groups: list[list[int]] = []
        for index, word in enumerate(self.word):
            if groups and word >= 0 and self.word[groups[-1][-1]] == word:
                groups[-1].append(index)
            else:
                groups.append([index])
        return tuple(tuple(group) for group in groups)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The text of each group in `groups`; special tokens as the vocabulary writes them."""
        names = []
        for group in self.groups:
            first, last = group[0], group[-1]
            source = self.pair if self.segment[first] and self.pair is not None else self.text
            names.append(
                self.strings[first] if self.special[first] else source[self.span[first, 0] : self.span[last, 1]]
            )
        return tuple(names)


def tokenize(tokenizer: Tokenizer, text: str, pair: str | None = None) -> Tokens:
    """Cut a text or a pair into tokens, special ones added, nothing cut off.

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
            "A text contains nothing that the model's vocabulary can read, only control characters or spaces. Type "
            "some words."
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
        strings=tuple(encoding.tokens),
        labels=_labels(tokenizer, encoding, texts, segment, spans),
        word=read_only(_words(encoding, special, texts, segment, spans), np.int64),
        span=read_only(spans, np.int64),
        segment=read_only(segment, np.int64),
        type_ids=read_only(encoding.type_ids, np.int64),
        special=read_only(special, bool),
        prompt=read_only(np.zeros(len(special), bool)),
        unknown_id=unknown_id(tokenizer),
    )


def cut(tokens: Tokens, kept: Bool[np.ndarray, " token"]) -> Tokens:
    """Return a text of which only some tokens are left."""
    positions = np.flatnonzero(kept)
    return replace(
        tokens,
        ids=read_only(tokens.ids[positions]),
        strings=tuple(tokens.strings[i] for i in positions),
        labels=tuple(tokens.labels[i] for i in positions),
        word=read_only(tokens.word[positions]),
        span=read_only(tokens.span[positions]),
        segment=read_only(tokens.segment[positions]),
        type_ids=read_only(tokens.type_ids[positions]),
        special=read_only(tokens.special[positions]),
        prompt=read_only(tokens.prompt[positions]),
    )


def check_texts(text: str, pair: str | None) -> None:
    """Refuse what is no text: see `tokenize`."""
    if not text.strip():
        raise InputError("The text is empty. Type some words, or pick an example.")
    if pair is not None and not pair.strip():
        raise InputError("The second text is empty. Type some words, or leave the second text out.")
    for part in (text, pair or ""):
        if len(part) > MOST_CHARACTERS:
            raise InputError(
                "A text has {got} characters; at most {most} are read at once. Divide it into several texts.",
                got=f"{len(part):,}",
                most=f"{MOST_CHARACTERS:,}",
            )
        try:
            part.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                "Character {position} of a text is half of a surrogate pair, which is not valid text. Delete it, or "
                "read the file again in its original encoding.",
                position=error.start + 1,
            ) from error


def _spans(
    encoding: Encoding, special: list[bool], texts: tuple[str, str], segment: list[int]
) -> list[tuple[int, int]]:
    # Some byte-level and SentencePiece tokenizers count the space before a word as part of its token.
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
    return _with_marks(spans, special, texts, segment)


def _with_marks(
    spans: list[tuple[int, int]], special: list[bool], texts: tuple[str, str], segment: list[int]
) -> list[tuple[int, int]]:
    """Let tokens take in the marks around them that are in no token: those behind, and at a word's beginning before."""
    ordinary = [i for i, (start, end) in enumerate(spans) if not special[i] and start < end]
    for index, i in enumerate(ordinary):
        source = texts[segment[i]]
        following = ordinary[index + 1] if index + 1 < len(ordinary) else None
        inside = following is not None and segment[following] == segment[i]
        bound = spans[following][0] if following is not None and inside else len(source)
        before = ordinary[index - 1] if index and segment[ordinary[index - 1]] == segment[i] else None
        start, end = spans[i]
        while end < bound and source[end] >= _FIRST_MARK and is_joined(source[end]):
            end += 1
        first = 0 if before is None else spans[before][1]
        while start > first and source[start - 1] >= _FIRST_MARK and is_joined(source[start - 1]):
            start -= 1
        spans[i] = start, end
    return spans


def _labels(
    tokenizer: Tokenizer, encoding: Encoding, texts: tuple[str, str], segment: list[int], spans: list[tuple[int, int]]
) -> tuple[str, ...]:
    if not isinstance(tokenizer.decoder, decoders.ByteLevel):
        return tuple(encoding.tokens)
    # Special tokens have an empty span, and so have tokens of white space alone.
    return tuple(
        texts[segment[i]][start:end] or token
        for i, (token, (start, end)) in enumerate(zip(encoding.tokens, spans, strict=True))
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
            # A token that is nothing but the space before a word belongs to that word.
            new = False
        else:
            # Byte-level tokens of one character share its span, and so do not begin behind each other.
            new = here != previous
            (start, end), source = spans[i], texts[segment[i]]
            # Between letters that are neither marks nor ideographs the tokenizer is right.
            if end > start >= before[1] and max(source[start], source[before[1] - 1]) >= _FIRST_MARK:
                new = _begins_word(source, start, end, before[1], new)
        count += new
        words.append(count)
        previous, before = here, spans[i]
    return words


def _begins_word(source: str, start: int, end: int, before: int, new: bool) -> bool:
    """Tell whether a token begins a word, where the tokenizer says ``new`` and the token before it ends at ``before``.

    Tokenizers that cut by letters (GPT-2's, and RoBERTa's with it) take a mark for a sign of its own, and so cut
    “हिन्दी” into six; SentencePiece takes a whole Chinese sentence for one word.
    """
    first, base = source[start], before - 1
    while base > 0 and source[base].isspace():
        base -= 1
    if start == before:
        if is_joined(first):
            return False
        while base > 0 and is_joined(source[base]):
            base -= 1
        if base + 1 < before and source[base].isalpha() and not is_ideograph(source[base]):
            new = not first.isalpha() and (new or not first.isalnum())
    return new or is_ideograph(first) or is_ideograph(source[base])

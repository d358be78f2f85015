"""How a corpus will be read: cut into passes and items before any pass is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from interpret.core.arrays import read_only
from interpret.core.batches import naming
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.scripts import fold, fold_with_offsets, is_ideograph, is_joined, marks
from interpret.core.sentence_vectors import SentenceReading, sentence_reading
from interpret.core.tokens import Tokens, check_texts
from interpret.core.windows import Window, windows
from interpret.core.words import join_words

LEVELS = ("texts", "words", "tokens")
_CHUNK = 512
_OVERLAP = 64


@dataclass(frozen=True, eq=False)
class Plan:
    """How a corpus will be read: every pass and every item, before any is done.

    Attributes
    ----------
    unit_text, unit_window, unit_tokens
        The passes: a text that fits, or a window of one; its text's index, the window, its length in tokens.
    item_unit, first, last
        Where each item is: its first pass, and the tokens ``first <= i < last`` of it.
    span, text
        As in `Embeddings`.
    windows, cut
        As in `Embeddings`.
    reading
        How sentence vectors are made of whole texts.
    """

    level: str
    reading: SentenceReading
    word: str | None
    layers: tuple[int, ...]
    width: int
    unit_text: Int[np.ndarray, " unit"]
    unit_window: tuple[Window, ...]
    unit_tokens: Int[np.ndarray, " unit"]
    item_unit: Int[np.ndarray, " item"]
    first: Int[np.ndarray, " item"]
    last: Int[np.ndarray, " item"]
    span: Int[np.ndarray, "item 2"]
    windows: Int[np.ndarray, " text"]
    cut: Bool[np.ndarray, " text"]

    def __len__(self) -> int:
        return len(self.item_unit)

    @property
    def pooling(self) -> str:
        """As in `Embeddings`."""
        return self.reading.name

    @property
    def prompt(self) -> str:
        """As in `Embeddings`."""
        return self.reading.prompt

    @property
    def text(self) -> Int[np.ndarray, " item"]:
        """The text of each item."""
        return self.unit_text[self.item_unit]

    @property
    def token_counts(self) -> Int[np.ndarray, " item"]:
        """How many tokens each item is pooled from."""
        if self.level == "texts":
            return np.bincount(self.unit_text, self.unit_tokens, len(self.windows)).astype(np.int64)
        return self.last - self.first

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of the vectors: layers, items, width."""
        return len(self.layers), len(self), self.width

    @property
    def bytes(self) -> int:
        """The size of the vectors."""
        layers, items, width = self.shape
        return 4 * layers * items * width


def chosen_layers(layers: str | Sequence[int], count: int) -> tuple[int, ...]:
    """Return which levels of hidden states are meant, in order, for a model of ``count`` layers.

    Raises
    ------
    InputError
        If one is not among ``-1 … count``.
    """
    if isinstance(layers, str):
        if layers != "all":
            raise InputError("“{layers}” names no layers. Give “all” or a list of layer numbers.", layers=layers)
        return tuple(range(count + 1))
    wanted = sorted({count if layer == -1 else layer for layer in layers})
    if not wanted or not 0 <= wanted[0] <= wanted[-1] <= count:
        raise InputError(
            "Layers go from 0 (the embedding output) to {last}; requested: {given}.",
            last=count,
            given=", ".join(map(str, layers)) or "–",
        )
    return tuple(wanted)


def plan_corpus(
    encoder: Encoder,
    texts: Sequence[str],
    layers: str | Sequence[int] = "all",
    pooling: str = "auto",
    level: str = "texts",
    word: str | None = None,
    progress: Progress | None = None,
    prompt: str | None = None,
) -> Plan:
    """Cut a corpus into passes and items: see `embed`.

    ``progress`` is called as ``progress(texts cut, texts in all, "cut")``.
    """
    reading = chosen_reading(encoder, pooling, prompt, level)
    encoder = reading.encoder
    kept = readable_layers(reading, layers)
    _check(texts, level, word)
    # Windows that overlap hold every occurrence of a word whole in one of them, with text on either side.
    overlap = 0 if word is None else _OVERLAP
    units = list(_units(reading, texts, overlap, progress))
    # Windows fit; only what a model cuts off by itself has more.
    most = encoder.max_tokens if reading.model.max_length is None else reading.model.max_length
    unit_text = np.array([index for index, _window, _tokens in units])
    if level == "texts":
        # Windows of one text stand together: its item begins at the first of them.
        _texts, item_unit = np.unique(unit_text, return_index=True)
        first, last = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
        span = np.array([(0, len(text)) for text in texts])
    else:
        rows = list(_items(encoder, texts, units, level, word))
        if not rows:
            raise InputError.counted(
                "“{word}” does not occur in the text. Choose another word or another text.",
                "“{word}” occurs in none of the {count} texts. Choose another word or other texts.",
                len(texts),
                word=word or "",
                count=len(texts),
            )
        item_unit, first, last, starts, ends = (np.array(column) for column in zip(*rows, strict=True))
        span = np.stack([starts, ends], axis=1)
    return Plan(
        level=level,
        reading=reading,
        word=word,
        layers=kept,
        width=reading.model.width(encoder.width),
        unit_text=read_only(unit_text, np.int64),
        unit_window=tuple(window for _index, window, _tokens in units),
        unit_tokens=read_only([min(tokens, most) for _index, _window, tokens in units], np.int64),
        item_unit=read_only(item_unit, np.int64),
        first=read_only(first, np.int64),
        last=read_only(last, np.int64),
        span=read_only(span, np.int64),
        windows=read_only(np.bincount(unit_text, minlength=len(texts)), np.int64),
        cut=read_only(_cut(units, most, len(texts))),
    )


def chosen_reading(encoder: Encoder, pooling: str, prompt: str | None, level: str) -> SentenceReading:
    """Return how texts are read; words and tokens stand in theirs as they are, and are means.

    Raises
    ------
    InputError
        If there is no such pooling, or one of whole texts is asked for words.
    """
    if level == "texts":
        return sentence_reading(encoder, pooling, prompt)
    if pooling not in ("auto", "mean") or prompt:
        raise InputError("Poolings other than the mean, and prompts, are available only for whole texts.")
    return sentence_reading(encoder, "mean", "")


def readable_layers(reading: SentenceReading, layers: str | Sequence[int]) -> tuple[int, ...]:
    """Return which levels are kept: see `chosen_layers`.

    Below the last layer a model's own pooling is followed by nothing. Where what follows it makes vectors of another
    width, the last layer stands alone.

    Raises
    ------
    InputError
        If others are asked for.
    """
    last, model = reading.encoder.layers, reading.model
    if model.width(reading.encoder.width) == reading.encoder.width * len(model.pooling):
        return chosen_layers(layers, last)
    kept = chosen_layers([-1] if layers == "all" else layers, last)
    if kept != (last,):
        raise InputError.counted(
            "The model's own sentence vectors have {width} dimension, which its dense layer computes from the last "
            "layer alone. Choose the last layer only, or the pooling “mean”.",
            "The model's own sentence vectors have {width} dimensions, which its dense layer computes from the last "
            "layer alone. Choose the last layer only, or the pooling “mean”.",
            model.width(reading.encoder.width),
            width=model.width(reading.encoder.width),
        )
    return kept


def _check(texts: Sequence[str], level: str, word: str | None) -> None:
    if not texts:
        raise InputError("There are no texts. Give at least one.")
    if level not in LEVELS:
        raise InputError("“{value}” is not one of: {known}.", value=level, known=", ".join(LEVELS))
    if word is not None and (level != "words" or not word.strip()):
        raise InputError("Searching for a word requires words as points (“words”), and the word may not be empty.")


def _cut(units: list[tuple[int, Window, int]], most: int, count: int) -> np.ndarray:
    """Tell which texts lose their end."""
    found = np.zeros(count, bool)
    for index, _window, tokens in units:
        found[index] |= tokens > most
    return found


def _units(
    reading: SentenceReading, texts: Sequence[str], overlap: int, progress: Progress | None
) -> Iterator[tuple[int, Window, int]]:
    """Yield each pass: its text's index, the window with its prompt, its length in tokens before any is cut off."""
    encoder, prompt = reading.encoder, reading.prompt
    for begin in range(0, len(texts), _CHUNK):
        if progress is not None:
            progress(begin, len(texts), "cut")
        some = texts[begin : begin + _CHUNK]
        for index, text in enumerate(some, begin):
            with naming(index, text):
                check_texts(text, None)
        bare = encoder.tokenizer.encode_batch_fast(list(some))
        read = encoder.tokenizer.encode_batch_fast([prompt + text for text in some]) if prompt else bare
        for index, alone, found in zip(range(begin, len(texts)), bare, read, strict=False):
            # Nothing but special tokens: the tokenizer has dropped what there was.
            if all(alone.special_tokens_mask):
                with naming(index, texts[index]):
                    encoder.tokens(texts[index])
            text = prompt + texts[index]
            if len(found.ids) <= encoder.max_tokens or reading.model.max_length is not None:
                yield index, Window(0, len(text), text), len(found.ids)
                continue
            cut = windows(encoder, text, None, encoder.max_tokens, overlap).first
            for window in cut:
                yield index, window, len(encoder.tokenizer.encode(window.text).ids)


def _items(
    encoder: Encoder, texts: Sequence[str], units: list[tuple[int, Window, int]], level: str, word: str | None
) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield each word or token: its pass, its first token and the one behind its last, its characters in its text."""
    if word is not None:
        yield from _occurrences(encoder, texts, units, word_pattern(word))
        return
    for unit, (_index, window, _tokens) in enumerate(units):
        tokens = encoder.tokens(window.text)
        for first, last in _ranges(tokens, level):
            start, end = int(tokens.span[first, 0]), int(tokens.span[last - 1, 1])
            yield unit, first, last, window.start + start, window.start + end


def _occurrences(
    encoder: Encoder, texts: Sequence[str], units: list[tuple[int, Window, int]], wanted: re.Pattern[str]
) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield each match as `_items` does, in the window that has the most text on either side of it."""
    windows_in: dict[int, list[int]] = {}
    for unit, (index, _window, _tokens) in enumerate(units):
        windows_in.setdefault(index, []).append(unit)
    for index, text in enumerate(texts):
        known: dict[int, Tokens] = {}
        folded, offsets = fold_with_offsets(text)
        for match in wanted.finditer(folded):
            start, end = offsets[match.start()], offsets[match.end()]
            room = {unit: min(start - units[unit][1].start, units[unit][1].end - end) for unit in windows_in[index]}
            unit = max(room, key=room.__getitem__)
            if room[unit] < 0:
                continue
            window = units[unit][1]
            if unit not in known:
                known[unit] = encoder.tokens(window.text)
            tokens = known[unit]
            begins, ends = tokens.span[:, 0] + window.start, tokens.span[:, 1] + window.start
            there = np.flatnonzero(~tokens.special & (begins < end) & (ends > start))
            if len(there):
                first, last = int(there[0]), int(there[-1]) + 1
                yield unit, first, last, int(begins[first]), int(ends[last - 1])


def _ranges(tokens: Tokens, level: str) -> Iterator[tuple[int, int]]:
    if level == "words":
        for group in join_words(tokens).groups:
            if not tokens.special[group[0]]:
                yield group[0], group[-1] + 1
    else:
        for index in np.flatnonzero(~tokens.special):
            yield int(index), int(index) + 1


def word_pattern(word: str) -> re.Pattern[str]:
    """Find a word wherever it stands alone in a text as `fold` writes it, whatever its case and form.

    What begins or ends with an ideograph may stand against anything.
    """
    parts = [fold(part) for part in word.split()]
    first, last = parts[0][0], next((one for one in reversed(parts[-1]) if not is_joined(one)), parts[-1][-1])
    inside = {True: rf"\w{marks()}", False: marks()}
    before = f"(?<![{inside[True]}])" if first.isalnum() and not is_ideograph(first) else ""
    after = f"(?![{inside[last.isalnum() and not is_ideograph(last)]}])"
    return re.compile(before + r"\s+".join(map(re.escape, parts)) + after)

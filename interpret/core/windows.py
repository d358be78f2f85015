"""Windows over a text that is longer than a model takes."""

from dataclasses import dataclass

import numpy as np

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tokens import Tokens, check_texts, tokenize


@dataclass(frozen=True)
class Window:
    """A stretch of a text that fits into the model: characters ``start <= i < end``, and the stretch itself."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Windows:
    """All windows of a text, or of both texts of a pair.

    Attributes
    ----------
    first, second
        The windows of segment A and of segment B; ``second`` is empty for a single text. One window means that the
        text fits whole. Any window of one may be read with any of the other.
    overlap
        How many tokens two neighbours share, as nearly as whole words allow.
    token_count
        How many tokens the text, or the pair, has in all without the special ones.
    """

    first: tuple[Window, ...]
    second: tuple[Window, ...]
    overlap: int
    token_count: int


def windows(
    encoder: Encoder, text: str, pair: str | None = None, size: int | None = None, overlap: int = 64
) -> Windows:
    """Cut a text into windows at word borders, each short enough to be read whole.

    A window is a stretch of the text itself, so reading it needs nothing but ``trace(encoder, window.text)``. In a
    pair the shorter text keeps up to half of the room and the longer one gets the rest.

    Parameters
    ----------
    size
        Tokens in a window with the special ones; by default, and at most, `Encoder.max_tokens`.
    overlap
        Tokens shared by neighbours, so that no word is seen only at an edge; at most half a window is used.

    Raises
    ------
    InputError
        If a text is empty, or ``size`` leaves no room for words.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> windows = it.windows(encoder, "One two three four five six seven eight.", size=6, overlap=2)
    >>> [window.text for window in windows.first]
    ['One two three four', 'three four five six', 'five six seven eight', 'seven eight.']
    >>> it.trace(encoder, windows.first[0].text).tokens.strings
    ('[CLS]', 'one', 'two', 'three', 'four', '[SEP]')
    """
    check_texts(text, pair)
    size = min(size or encoder.max_tokens, encoder.max_tokens)
    parts = [text] if pair is None else [text, pair]
    tokens = [tokenize(encoder.tokenizer, part) for part in parts]
    lengths = [int((~part.special).sum()) for part in tokens]
    prompt = encoder.before(pair)
    room = size - encoder.tokenizer.num_special_tokens_to_add(pair is not None) - _count(encoder, prompt)
    if room < 2 * len(parts):
        raise InputError.counted(
            "A window of {size} token has no room for words. Use at least {least}.",
            "A window of {size} tokens has no room for words. Use at least {least}.",
            size,
            size=size,
            least=16,
        )
    budgets = [room]
    if len(parts) == 2:
        shorter = int(lengths[1] < lengths[0])
        kept = min(lengths[shorter], room // 2)
        budgets = [room - kept, room - kept]
        budgets[shorter] = kept
    cut = [
        _cut(encoder, prompt, part, length, budget, min(overlap, budget // 2))
        for part, length, budget in zip(tokens, lengths, budgets, strict=True)
    ]
    return Windows(cut[0], cut[1] if pair is not None else (), overlap, sum(lengths))


def _count(encoder: Encoder, *texts: str) -> int:
    """Count the tokens of the longest of some texts, without special ones."""
    return max(len(one.ids) for one in encoder.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False))


def _cut(encoder: Encoder, prompt: str, tokens: Tokens, length: int, budget: int, overlap: int) -> tuple[Window, ...]:
    text, taken = tokens.text, _count(encoder, prompt)
    if length <= budget and (not prompt or _count(encoder, prompt + text) - taken <= budget):
        return (Window(0, len(text), text),)
    real = np.flatnonzero(~tokens.special)
    spans, words = tokens.span[real], tokens.word[real]
    # A stretch on its own can have a token more than it has in the whole text ("Hello" for " hello"): then every
    # window gets that much less room.
    room = budget
    while True:
        found = _stretches(text, spans, words, room, min(overlap, room // 2))
        longest = _count(encoder, *(prompt + window.text for window in found)) - taken
        if longest <= budget:
            return found
        room -= longest - budget
        if room < 2:
            raise InputError.counted(
                "A window of {size} token has no room for words. Use at least {least}.",
                "A window of {size} tokens has no room for words. Use at least {least}.",
                budget,
                size=budget,
                least=16,
            )


def _stretches(text: str, spans: np.ndarray, words: np.ndarray, room: int, overlap: int) -> tuple[Window, ...]:
    starts = np.flatnonzero(np.diff(words, prepend=-1))
    found: list[Window] = []
    first = reached = 0
    while True:
        last = first + room
        if last >= len(words):
            begin = int(spans[first, 0])
            # The last tokens can be the later bytes of a character that the window before has whole.
            if found and not text[begin:].strip():
                begin = found.pop().start
            found.append(Window(begin, len(text), text[begin:]))
            return tuple(found)
        # Back to the nearest border of a word, unless a single word takes so much that nothing new would be seen.
        border = int(starts[np.searchsorted(starts, last, side="right") - 1])
        last = border if border > max(first, reached) else last
        # Up to the next token, with what the tokenizer drops between the two, such as a combining accent.
        begin, end = int(spans[first, 0]), int(max(spans[last - 1, 1], spans[last, 0]))
        end = begin + len(text[begin:end].rstrip())
        # In a tiny window there can be nothing but the space before a character of many tokens.
        if text[begin:end].strip():
            found.append(Window(begin, end, text[begin:end]))
        reached = last
        # On from the first word that begins within the overlap, or from any token of a word that fills it.
        back = last - overlap
        index = np.searchsorted(starts, back)
        first = int(starts[index]) if index < len(starts) and starts[index] <= last else back

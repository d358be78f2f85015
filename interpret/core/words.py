"""Words as people read them: of Chinese, which writes none apart, and around apostrophes and within numbers."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from interpret.core.arrays import read_only
from interpret.core.scripts import is_ideograph, marks
from interpret.core.tokens import Tokens

# Kana and Hangul: a text with these is Japanese or Korean, and a Chinese dictionary would cut it wrongly.
_OTHERS = ((0x3040, 0x30FF), (0xAC00, 0xD7AF))


# "didn't" and "8.4%", which BERT's tokenizer takes apart at every sign; ideographs are no part of either.
_LETTER = rf"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af][{marks()}]*"
_JOINED = re.compile(rf"(?:{_LETTER})+(?:['’](?:{_LETTER})+)+|\d+(?:[.,:]\d+)+%?|\d+%")


def join_words(tokens: Tokens) -> Tokens:
    """Give tokens of what people read as one word the same number in ``word``; all else stays as it is.

    Chinese words are those of jieba: the likeliest cut by a dictionary's frequencies, with a hidden Markov model for
    what the dictionary lacks. Japanese stays in characters. A token that reaches over the border of two words, as those
    of SentencePiece do (“因为它”), is a word of its own.

    Examples
    --------
    >>> import interpret as it
    >>> tokens = it.load_encoder("minilm").tokens("中国 isn't 8.4%")
    >>> tokens.words[1:-1]
    ('中', '国', 'isn', "'", 't', '8', '.', '4', '%')
    >>> join_words(tokens).words[1:-1]
    ('中国', "isn't", '8.4%')
    """
    return _joined(tokens, lambda text: [*chinese_words(text), *(found.span() for found in _JOINED.finditer(text))])


def join_chinese_words(tokens: Tokens) -> Tokens:
    """Do what `join_words` does for Chinese words alone."""
    return _joined(tokens, chinese_words)


def _joined(tokens: Tokens, find: Callable[[str], list[tuple[int, int]]]) -> Tokens:
    spans = [find(one) for one in (tokens.text, tokens.pair or "")]
    if not any(spans):
        return tokens
    joined: list[int] = []
    count, before = -1, None
    for group in tokens.groups:
        first, last = group[0], group[-1]
        if tokens.special[first]:
            joined.append(-1)
            before = None
            continue
        side = int(tokens.segment[first]) if tokens.pair is not None else 0
        start, end = int(tokens.span[first, 0]), int(tokens.span[last, 1])
        word = next((one for one in spans[side] if one[0] <= start and end <= one[1]), None)
        here = None if word is None else (side, word)
        count += here is None or here != before
        joined += [count] * len(group)
        before = here
    return replace(tokens, word=read_only(joined, np.int64))


def chinese_words(text: str) -> list[tuple[int, int]]:
    """Return where the words of several characters stand."""
    if not any(map(is_ideograph, text)) or any(
        first <= ord(character) <= last for character in text for first, last in _OTHERS
    ):
        return []
    # Its dictionary takes a moment, and most texts need none.
    import rjieba

    return [
        (start, end)
        for word, start, end in rjieba.tokenize(text, "default")
        if len(word) > 1 and all(map(is_ideograph, word))
    ]

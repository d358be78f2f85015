"""What a vocabulary makes of texts: how many tokens they cost, what it does not know, and which words it breaks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.core.arrays import read_only
from interpret.core.checkpoints import Checkpoint, find_checkpoint
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import read_vocabulary
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.intervals import cluster_bootstrap
from interpret.core.scripts import is_ideograph, marks
from interpret.core.tokenizer_loading import Vocabulary
from interpret.core.tokens import check_texts, tokenize
from interpret.core.words import chinese_words

# Letters with their marks, apostrophes and hyphens inside; and numbers with all that stands in them.
_WORD = re.compile(rf"\d+(?:[.,:/]\d+)*%?|(?:[^\W\d_][{marks()}]*)+(?:['’-](?:[^\W\d_][{marks()}]*)+)*")

_LEAST_SAMPLE = 5


@dataclass(frozen=True)
class BrokenWord:
    """A word that a vocabulary breaks, or does not know.

    Attributes
    ----------
    word, count
        The word, and how often it is there.
    tokens
        What the vocabulary makes of it where it is there first.
    unknown
        How many of these stand for something that the vocabulary lacks.
    """

    word: str
    count: int
    tokens: tuple[str, ...]
    unknown: int


@dataclass(frozen=True, eq=False)
class TokenCounts:
    """What a vocabulary makes of some texts, special tokens not counted.

    Attributes
    ----------
    tokens, unknown
        Of each text its tokens, and how many of them stand for something that the vocabulary lacks.
    characters
        Of each text its characters (code points) without white space.
    words, whole
        Of each text its words (Chinese ones as jieba cuts them; numbers are words), and how many of these are one token
        that the vocabulary knows.
    broken
        The words that are more than one token or unknown: those first that cost the most tokens together.
    """

    tokens: Int[np.ndarray, " text"]
    unknown: Int[np.ndarray, " text"]
    characters: Int[np.ndarray, " text"]
    words: Int[np.ndarray, " text"]
    whole: Int[np.ndarray, " text"]
    broken: tuple[BrokenWord, ...]

    @property
    def per_character(self) -> float:
        """Tokens per character."""
        return float(self.tokens.sum() / self.characters.sum())

    @property
    def per_character_interval(self) -> tuple[float, float]:
        """Its 95% interval over texts, by bootstrap; NaN for fewer than five, which are no sample."""
        return _over_texts(self.tokens, self.characters)

    @property
    def unknown_share(self) -> float:
        """The share of tokens that stand for something that the vocabulary lacks."""
        return float(self.unknown.sum() / max(1, self.tokens.sum()))

    @property
    def unknown_interval(self) -> tuple[float, float]:
        """Its 95% interval over texts, by bootstrap; NaN for fewer than five."""
        return _over_texts(self.unknown, self.tokens)

    @property
    def whole_share(self) -> float:
        """The share of words that are one known token; what Rust et al. (2021) call continued words are the others.

        NaN where there are no words.
        """
        return float(self.whole.sum() / self.words.sum()) if self.words.any() else float("nan")

    @property
    def whole_interval(self) -> tuple[float, float]:
        """Its 95% interval over texts, by bootstrap; NaN for fewer than five."""
        return _over_texts(self.whole, self.words)


def load_tokenizer(name: str | Checkpoint) -> Vocabulary:
    """Load a model's tokenizer alone; its weights are not read.

    Parameters
    ----------
    name
        As in `interpret.load_encoder`.

    Raises
    ------
    CheckpointError
        If there is no such model, or its tokenizer cannot be read.

    Examples
    --------
    >>> import interpret as it
    >>> it.load_tokenizer("minilm").tokenizer.encode("myocarditis").tokens
    ['[CLS]', 'my', '##oca', '##rdi', '##tis', '[SEP]']
    """
    return read_vocabulary(find_checkpoint(name) if isinstance(name, str) else name)


def count_tokens(
    encoder: Encoder | Vocabulary, texts: Sequence[str], most_broken: int = 200, progress: Progress | None = None
) -> TokenCounts:
    """Count what a vocabulary makes of texts, and find the words that it breaks.

    Parameters
    ----------
    encoder
        The model, or its tokenizer alone: see `load_tokenizer`.
    most_broken
        How many broken words are returned.
    progress
        Called as ``progress(texts done, texts in all, "tokens")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there are no texts, or one cannot be read.

    References
    ----------
    Rust et al. (2021), “How Good is Your Tokenizer?”, section 3.2, https://arxiv.org/abs/2012.15613.

    Examples
    --------
    >>> import interpret as it
    >>> texts = ["He has myocarditis.", "The dividend was cut."]
    >>> counts = it.count_tokens(it.load_tokenizer("minilm"), texts)
    >>> counts.tokens.tolist(), counts.words.tolist(), counts.unknown_share
    ([7, 6], [3, 4], 0.0)
    >>> counts.broken[0].word, counts.broken[0].tokens
    ('myocarditis', ('my', '##oca', '##rdi', '##tis'))
    """
    if not texts:
        raise InputError("There are no texts to count. Provide at least one.")
    rows = []
    found: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
    for number, text in enumerate(texts):
        try:
            check_texts(text, None)
            tokens = tokenize(encoder.tokenizer, text)
        except InputError as error:
            raise InputError(
                "Text {number} (“{begin}”) cannot be read: {error}",
                number=number + 1,
                begin=text[:40],
                error=str(error),
            ) from error
        written = np.flatnonzero(~tokens.special)
        lacking = tokens.ids == (-1 if tokens.unknown_id is None else tokens.unknown_id)
        words = whole = 0
        for start, end in _words(text):
            own = written[(tokens.span[written, 0] < end) & (tokens.span[written, 1] > start)]
            words += 1
            unknown = int(lacking[own].sum())
            if len(own) == 1 and not unknown:
                whole += 1
            elif len(own):
                found[text[start:end]].append((tuple(tokens.labels[i] for i in own), unknown))
        rows.append((len(written), int(lacking[written].sum()), len("".join(text.split())), words, whole))
        if progress is not None:
            progress(number + 1, len(texts), "tokens")
    broken = [BrokenWord(word, len(cuts), *cuts[0]) for word, cuts in found.items()]
    broken.sort(key=lambda one: (-one.count * len(one.tokens), one.word))
    columns = [read_only(column, np.int64) for column in np.array(rows).T]
    return TokenCounts(
        tokens=columns[0],
        unknown=columns[1],
        characters=columns[2],
        words=columns[3],
        whole=columns[4],
        broken=tuple(broken[:most_broken]),
    )


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Yield where words stand: Chinese ones as jieba cuts them, a character each where it finds none."""
    chinese = chinese_words(text)
    within = {index for start, end in chinese for index in range(start, end)}
    yield from chinese
    for match in _WORD.finditer(text):
        start = match.start()
        for index in range(match.start(), match.end()):
            # A run of letters ends where an ideograph stands, which is a word by itself or of the ones above.
            if is_ideograph(text[index]):
                if start < index:
                    yield start, index
                if index not in within:
                    yield index, index + 1
                start = index + 1
        if start < match.end():
            yield start, match.end()


def _over_texts(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    if len(part) < _LEAST_SAMPLE:
        return float("nan"), float("nan")
    return cluster_bootstrap(np.stack([part, whole], axis=1), lambda sums: sums[:, 0] / sums[:, 1])

"""The words of one text through two vocabularies, so that what two models say of it can stand side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.tokens import Tokens
from interpret.core.words import join_words


@dataclass(frozen=True, eq=False)
class AlignedWords:
    """The shortest stretches of a text that both of two vocabularies begin and end at a word's edge.

    Where one cuts “street,” into two words and the other into one, they are one here. Special tokens are aligned by
    where they stand: those before, between and behind the texts are one group each, and left out where a model has
    none there, or where it was not asked for them. Tokens of a prompt are in no group.

    Attributes
    ----------
    labels
        What each is in the text; of special tokens what both models call them.
    special, second
        Which are special tokens, and which are of the second text of a pair.
    first_groups, second_groups
        The tokens of each, as indices into the tokens of the first and of the second model.
    """

    labels: tuple[str, ...]
    special: Bool[np.ndarray, " word"]
    second: Bool[np.ndarray, " word"]
    first_groups: tuple[tuple[int, ...], ...]
    second_groups: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.labels)

    def sums(
        self, first: Float[np.ndarray, " token"], second: Float[np.ndarray, " other_token"]
    ) -> tuple[Float64[np.ndarray, " word"], Float64[np.ndarray, " word"]]:
        """Add up values of each model's tokens over the words."""
        one, other = (
            read_only([values[list(group)].sum(dtype=np.float64) for group in groups], np.float64)
            for values, groups in ((first, self.first_groups), (second, self.second_groups))
        )
        return one, other


class _Word(NamedTuple):
    """A word of one model: which characters it stands for, and its tokens."""

    start: int
    end: int
    model: int
    group: tuple[int, ...]


def align_words(first: Tokens, second: Tokens, specials: bool = True) -> AlignedWords:
    """Align what two models' vocabularies made of one text, or of one pair.

    Parameters
    ----------
    specials
        Whether special tokens are among the words.

    Raises
    ------
    InputError
        If the texts are not the same.

    Examples
    --------
    >>> import interpret as it
    >>> from interpret.core.word_alignment import align_words
    >>> minilm, e5 = it.load_encoder("minilm"), it.load_encoder("e5")
    >>> text = "He paid, unbelievably."
    >>> aligned = align_words(minilm.tokens(text), e5.tokens(text))
    >>> aligned.labels
    ('[CLS]/<s>', 'He', 'paid,', 'unbelievably.', '[SEP]/</s>')
    >>> [len(group) for group in aligned.first_groups], [len(group) for group in aligned.second_groups]
    ([1, 1, 2, 6, 1], [1, 1, 2, 5, 1])
    """
    if (first.text, first.pair) != (second.text, second.pair):
        raise InputError("The two models read different texts, so their words cannot be aligned. Give both one text.")
    both = first, second
    rows: list[tuple[str, bool, bool, tuple[int, ...], tuple[int, ...]]] = []
    edges = [list(_special_groups(tokens)) for tokens in both]
    texts = [first.text] if first.pair is None else [first.text, first.pair]
    for side, text in enumerate(texts):
        if specials:
            rows += _edge(both, edges[0][side], edges[1][side], False)
        rows += [
            (text[start:end].strip(), False, side > 0, groups[0], groups[1])
            for start, end, groups in _common(both, side)
        ]
    if specials:
        rows += _edge(both, edges[0][-1], edges[1][-1], len(texts) > 1)
    labels, special, behind, one, other = zip(*rows, strict=True)
    return AlignedWords(labels, read_only(special, bool), read_only(behind, bool), one, other)


def _edge(
    both: tuple[Tokens, Tokens], one: tuple[int, ...], other: tuple[int, ...], second: bool
) -> list[tuple[str, bool, bool, tuple[int, ...], tuple[int, ...]]]:
    """Return the row of the special tokens at one edge of a text; none where a model has none there."""
    if not one or not other:
        return []
    names = ["".join(tokens.strings[i] for i in group) for tokens, group in zip(both, (one, other), strict=True)]
    return [("/".join(dict.fromkeys(names)), True, second, one, other)]


def _special_groups(tokens: Tokens) -> Iterator[tuple[int, ...]]:
    """Yield the special tokens before the text, between a pair's texts if it is one, and behind."""
    written = np.flatnonzero(~tokens.special)
    parts = [written] if tokens.pair is None else [written[tokens.segment[written] == side] for side in (0, 1)]
    begins, ends = [int(part[0]) for part in parts], [int(part[-1]) for part in parts]
    for before, behind in zip([-1, *ends], [*begins, len(tokens)], strict=True):
        yield tuple(i for i in range(before + 1, behind) if not tokens.prompt[i])


def _common(
    both: tuple[Tokens, Tokens], side: int
) -> Iterator[tuple[int, int, tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Yield the stretches of a text that both models begin and end a word at, with each model's tokens in them."""
    words = sorted(word for model, tokens in enumerate(both) for word in _words(tokens, side, model))
    stretches: list[list[_Word]] = []
    end = 0
    for word in words:
        # What only one of the models has a token for, such as a control character, belongs to the word behind it.
        if stretches and (word.start < end or len({one.model for one in stretches[-1]}) < 2):
            stretches[-1].append(word)
        else:
            stretches.append([word])
        end = max(end, word.end)
    if len(stretches) > 1 and len({one.model for one in stretches[-1]}) < 2:
        stretches[-2:] = [stretches[-2] + stretches[-1]]
    for stretch in stretches:
        groups = tuple(tuple(i for one in stretch if one.model == model for i in one.group) for model in (0, 1))
        yield min(one.start for one in stretch), max(one.end for one in stretch), (groups[0], groups[1])


def _words(tokens: Tokens, side: int, model: int) -> Iterator[_Word]:
    joined = join_words(tokens)
    for group in joined.groups:
        first, last = group[0], group[-1]
        of_pair = int(tokens.segment[first]) if tokens.pair is not None else 0
        if not tokens.special[first] and of_pair == side:
            yield _Word(int(tokens.span[first, 0]), int(tokens.span[last, 1]), model, group)

"""What two models guess for each word of a text, and how surprised each is by what stands there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.hub import Progress
from interpret.core.intervals import cluster_bootstrap
from interpret.core.masked_words import hide
from interpret.core.pseudo_likelihood import pseudo_log_likelihood
from interpret.core.tokens import Tokens
from interpret.core.word_alignment import AlignedWords, align_words

# Tokens of a batch, with its padding: the rows of one text are all as long.
_TOKENS = 4096


@dataclass(frozen=True, eq=False)
class GuessComparison:
    """Two models' guesses for each word, all others being seen.

    Attributes
    ----------
    words
        The words, without special tokens: see `interpret.core.word_alignment.align_words`.
    first_bits, second_bits
        How surprised each model is by the word: ``-log₂`` of its probability, summed over its tokens, of which each is
        told with those behind it in its word hidden too (Kauf & Ivanova 2023, “PLL-word-l2r”). So words of many tokens
        can be compared with words of one.
    first_guesses, second_guesses
        What each model finds likeliest with the whole word hidden: its likeliest token at each of the word's positions.
    """

    words: AlignedWords
    first_bits: Float64[np.ndarray, " word"]
    second_bits: Float64[np.ndarray, " word"]
    first_guesses: tuple[str, ...]
    second_guesses: tuple[str, ...]

    @property
    def difference(self) -> float:
        """By how many bits per word the second model is more surprised than the first."""
        return float((self.second_bits - self.first_bits).mean())

    @property
    def difference_interval(self) -> tuple[float, float]:
        """Its 95% interval over words, by bootstrap, as if they were drawn one by one; NaN for a single word."""
        gaps = self.second_bits - self.first_bits
        if len(gaps) < 2:
            return float("nan"), float("nan")
        return cluster_bootstrap(np.stack([gaps, np.ones(len(gaps))], axis=1), lambda sums: sums[:, 0] / sums[:, 1])


def compare_guesses(
    first: Encoder, second: Encoder, text: str, pair: str | None = None, progress: Progress | None = None
) -> GuessComparison:
    """Hide each word of a text in turn, and compare what two models make of the gap.

    Parameters
    ----------
    progress
        Called as ``progress(tokens done, tokens in all, "first")``, and then with ``"second"``; raising
        `interpret.Cancelled` inside it stops the work.

    Raises
    ------
    CheckpointError
        If a model cannot guess words.
    InputError
        If there is no text, a model cannot read it at once, or it has a mask in it.

    References
    ----------
    Salazar et al. (2020), https://arxiv.org/abs/1910.14659; Kauf & Ivanova (2023), https://arxiv.org/abs/2305.10588.

    Examples
    --------
    >>> import interpret as it
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> found = it.pretraining.compare_guesses(guesser, guesser, "She drank a cup of tea.")
    >>> found.words.labels
    ('She', 'drank', 'a', 'cup', 'of', 'tea', '.')
    >>> found.first_guesses[5], found.difference
    ('tea', 0.0)
    """
    one, other = (
        pseudo_log_likelihood(encoder, text, pair, within=True, progress=_of_stage(progress, stage))
        for stage, encoder in (("first", first), ("second", second))
    )
    words = align_words(one.tokens, other.tokens, specials=False)
    nats = words.sums(one.logs, other.logs)
    return GuessComparison(
        words,
        read_only(-nats[0] / np.log(2)),
        read_only(-nats[1] / np.log(2)),
        _guesses(first, one.tokens, words.first_groups),
        _guesses(second, other.tokens, words.second_groups),
    )


def _of_stage(progress: Progress | None, stage: str) -> Progress | None:
    return None if progress is None else lambda done, total, _stage: progress(done, total, stage)


def _guesses(encoder: Encoder, tokens: Tokens, groups: tuple[tuple[int, ...], ...]) -> tuple[str, ...]:
    """Return what is likeliest in the place of each word, as a person reads it."""
    found: list[str] = []
    rows = max(1, _TOKENS // len(tokens))
    for begin in range(0, len(groups), rows):
        some = groups[begin : begin + rows]
        with lock_device(encoder.spec.device, gives_way=True):
            states = encoder.forward([hide(encoder, tokens, group) for group in some]).last_hidden_state
            likeliest = [encoder.guess(states[row, list(group)]).argmax(-1).tolist() for row, group in enumerate(some)]
        found += [encoder.tokenizer.decode(ids, skip_special_tokens=False).strip() for ids in likeliest]
    return tuple(found)

"""How surprised a model is by each word of a text, all others being seen."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.masked_words import hide, mask_id
from interpret.core.tokens import Tokens

# Tokens of a batch, with its padding: the rows of one text are all as long.
_TOKENS = 4096


@dataclass(frozen=True, eq=False)
class PseudoLikelihood:
    """The pseudo-log-likelihood of a text (Salazar et al. 2020, eq. 1).

    Attributes
    ----------
    tokens
        The text.
    logs
        For each token the natural logarithm of its probability, where it alone is hidden; NaN for special ones.
    within
        Whether what follows in the same word was hidden too: see `pseudo_log_likelihood`.
    """

    tokens: Tokens
    logs: Float32[np.ndarray, " token"]
    within: bool

    @property
    def total(self) -> float:
        """The pseudo-log-likelihood: the sum over all tokens but special ones, in nats."""
        return float(np.nansum(self.logs.astype(np.float64)))

    @property
    def count(self) -> int:
        """How many tokens it is the sum of."""
        return int((~np.isnan(self.logs)).sum())

    @property
    def perplexity(self) -> float:
        """``exp(-total / count)`` (Salazar et al., eq. 3): so many tokens, all alike, would be as hard to tell."""
        return float(np.exp(-self.total / self.count))

    @property
    def words(self) -> tuple[tuple[str, float], ...]:
        """Each word with the sum over its tokens: its log-probability."""
        sums = [float(np.sum(self.logs[list(group)])) for group in self.tokens.groups]
        return tuple((word, found) for word, found in zip(self.tokens.words, sums, strict=True) if not np.isnan(found))


def pseudo_log_likelihood(
    encoder: Encoder, text: str, pair: str | None = None, within: bool = False, progress: Progress | None = None
) -> PseudoLikelihood:
    """Hide one token after another, and ask for its probability.

    Parameters
    ----------
    within
        Whether with each token those that follow in its word are hidden too. Without it a long word's last tokens are
        told by its first ones, which makes rare words of many tokens look likely (Kauf & Ivanova 2023, "PLL-word-l2r").
    progress
        Called as ``progress(tokens done, tokens in all, "")``; raising `interpret.Cancelled` inside it stops the work.

    Raises
    ------
    CheckpointError
        If the model cannot guess words.
    InputError
        If there is no text, it is longer than the model reads, or it has the mask in it.

    Examples
    --------
    >>> import interpret as it
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> right = it.pretraining.pseudo_log_likelihood(guesser, "The capital of France is Paris.")
    >>> wrong = it.pretraining.pseudo_log_likelihood(guesser, "The capital of France is Monday.")
    >>> right.count, right.total > wrong.total, right.perplexity < wrong.perplexity
    (7, True, True)
    """
    tokens = encoder.tokens(text, pair)
    mask = mask_id(encoder)
    if (tokens.ids == mask).any():
        raise InputError(
            "The text contains {mask}, so the word in that position is not known. Write the word.",
            mask=encoder.mask or "",
        )
    positions = np.flatnonzero(~tokens.special)
    logs = np.full(len(tokens), np.nan, np.float32)
    rows = max(1, _TOKENS // len(tokens))
    for begin in range(0, len(positions), rows):
        some = positions[begin : begin + rows]
        read = [
            hide(encoder, tokens, _hidden(tokens, int(position)) if within else (int(position),)) for position in some
        ]
        with lock_device(encoder.spec.device, gives_way=True):
            states = encoder.forward(read).last_hidden_state
            own = states[torch.arange(len(some)), torch.from_numpy(some)]
            found = encoder.guess(own).float().log_softmax(-1).cpu()
        true = torch.from_numpy(tokens.ids[some])
        logs[some] = found[torch.arange(len(some)), true].numpy()
        if progress is not None:
            progress(begin + len(some), len(positions), "")
    return PseudoLikelihood(tokens, read_only(logs), within)


def _hidden(tokens: Tokens, position: int) -> tuple[int, ...]:
    word = tokens.word[position]
    return tuple(i for i in range(position, len(tokens)) if i == position or (word >= 0 and tokens.word[i] == word))

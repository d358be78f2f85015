"""What a model guesses behind a mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.indices import head_gates
from interpret.core.masked_words import guessed_from, hide, mask_positions, whole_words
from interpret.core.tap import Tap
from interpret.core.tokens import Tokens


@dataclass(frozen=True, eq=False)
class Guess:
    """What a model guesses at one position.

    Attributes
    ----------
    position
        Which token it is.
    ids, candidates, probabilities
        The likeliest tokens of the vocabulary, the likeliest first, called as `TokenNames` does, and their
        probabilities.
    true, id, probability, rank
        The token that was hidden, its id, its probability, and how many are likelier; None where nobody knows what is
        right: where the text itself has the mask, or a word that the vocabulary does not have.
    entropy
        How undecided the model is, in bits: ``-Σ p log₂ p`` over the vocabulary. As many equally likely tokens as
        ``2**entropy`` would be as hard to choose from.
    """

    position: int
    ids: Int[np.ndarray, " guess"]
    candidates: tuple[str, ...]
    probabilities: Float32[np.ndarray, " guess"]
    true: str | None
    id: int | None
    probability: float | None
    rank: int | None
    entropy: float


@dataclass(frozen=True, eq=False)
class Guesses:
    """What a model guesses at all positions of a text that are hidden.

    Attributes
    ----------
    tokens
        The text as the model read it, with its masks.
    guesses
        One for each mask, in their order.
    """

    tokens: Tokens
    guesses: tuple[Guess, ...]


def fill_mask(
    encoder: Encoder,
    text: str,
    pair: str | None = None,
    hidden: Sequence[int] = (),
    top: int = 5,
    whole: bool = False,
    heads: Sequence[tuple[int, int]] = (),
) -> Guesses:
    """Guess what is behind masks.

    Parameters
    ----------
    text, pair
        They may have masks of their own, as the vocabulary writes them (``"[MASK]"``).
    hidden
        Tokens to hide.
    top
        How many guesses are returned for each.
    whole
        Whether all tokens of a word are hidden with any of them.
    heads
        Attention heads that are taken out, as (layer, head).

    Raises
    ------
    CheckpointError
        If the model cannot guess words.
    InputError
        If nothing is hidden, or everything; there is no such token or head; or the text is longer than the model reads.

    Examples
    --------
    >>> import interpret as it
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> guess = it.fill_mask(guesser, "She drank a cup of [MASK].").guesses[0]
    >>> guess.candidates[:2], round(float(guess.probabilities[0]), 1)
    (('tea', 'coffee'), 0.4)
    >>> hidden = it.fill_mask(guesser, "She drank a cup of coffee.", hidden=[6]).guesses[0]
    >>> hidden.true, hidden.rank  # how many are likelier
    ('coffee', 1)
    """
    tokens = encoder.tokens(text, pair)
    positions = whole_words(tokens, hidden) if whole else tuple(dict.fromkeys(hidden))
    read = hide(encoder, tokens, positions)
    masks = mask_positions(encoder, read)
    if not len(masks):
        raise InputError("No word is masked. Choose one, or write {mask} in place of a word.", mask=encoder.mask or "")
    guessed_from(encoder, read)
    tap = Tap(encoder.layers, record=False, gates=head_gates(encoder, heads)) if heads else None
    # To the host at once: each number that is looked at would wait for the device.
    with lock_device(encoder.spec.device):
        states = encoder.forward([read], tap).last_hidden_state[0]
        logits = encoder.guess(states[torch.from_numpy(masks.copy()).to(states.device)]).float().cpu()
    own = {position for position in positions if tokens.ids[position] != read.ids[position]}
    return Guesses(
        read,
        tuple(
            _guess(
                encoder,
                tokens,
                int(position),
                scores,
                top,
                int(position) in own and not tokens.unknown_at(int(position)),
            )
            for position, scores in zip(masks, logits, strict=True)
        ),
    )


def _guess(encoder: Encoder, tokens: Tokens, position: int, scores: torch.Tensor, top: int, known: bool) -> Guess:
    logs = scores.log_softmax(-1)
    best = logs.topk(min(top, len(logs)))
    true = int(tokens.ids[position])
    return Guess(
        position=position,
        ids=read_only(best.indices.cpu().numpy(), np.int64),
        candidates=tuple(encoder.names(int(one)) for one in best.indices),
        probabilities=read_only(best.values.exp().cpu().numpy(), np.float32),
        true=encoder.names(true) if known else None,
        id=true if known else None,
        probability=float(logs[true].exp()) if known else None,
        rank=int((logs > logs[true]).sum()) if known else None,
        entropy=entropy(logs),
    )


def entropy(logs: torch.Tensor) -> float:
    """Return the entropy, in bits, of natural log-probabilities."""
    return float(-(logs.exp() * logs).nan_to_num().sum() / np.log(2))

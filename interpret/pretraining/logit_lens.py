"""Where in the layers a guess forms: the model's own head, put on the states after each layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.indices import check_index
from interpret.core.masked_words import guessed_from, hide
from interpret.core.tokens import Tokens
from interpret.pretraining.layer_states import states_of
from interpret.pretraining.tuned_lens import TunedLens

_BITS = 1 / np.log(2)


@dataclass(frozen=True, eq=False)
class LayerGuesses:
    """What the model would guess at one position after each layer.

    Level 0 is the embedding output, level ``l + 1`` what layer ``l`` puts out; the last is the model's own answer.

    Attributes
    ----------
    tokens, position
        The text with its masks, and where is guessed.
    ids, candidates, probabilities
        The likeliest tokens at each level, the likeliest first, and their probabilities.
    watched, names
        Tokens that are followed through all levels, and their names.
    rank, probability
        Of each watched token how many others are likelier, and its probability.
    entropy
        How undecided each level is, in bits.
    divergence
        How far each level's answer is from the last one's, in bits: ``KL(last ‖ level)``.
    tuned
        Whether each level was translated by a tuned lens first.
    """

    tokens: Tokens
    position: int
    ids: Int[np.ndarray, "level guess"]
    candidates: tuple[tuple[str, ...], ...]
    probabilities: Float32[np.ndarray, "level guess"]
    watched: Int[np.ndarray, " watched"]
    names: tuple[str, ...]
    rank: Int[np.ndarray, "level watched"]
    probability: Float32[np.ndarray, "level watched"]
    entropy: Float32[np.ndarray, " level"]
    divergence: Float32[np.ndarray, " level"]
    tuned: bool

    def appears(self, watched: int = 0) -> int:
        """Return the level from which on a watched token is the first guess, up to the last; one more for never."""
        first = self.rank[:, watched] == 0
        return len(first) - int(np.argmin(first[::-1])) if not first.all() else 0


def logit_lens(
    encoder: Encoder,
    text: str,
    pair: str | None,
    hidden: Sequence[int],
    position: int,
    watched: Sequence[int] = (),
    top: int = 5,
    lens: TunedLens | None = None,
    heads: Sequence[tuple[int, int]] = (),
) -> LayerGuesses:
    """Read a guess out after every layer (the logit lens, nostalgebraist 2020).

    Parameters
    ----------
    hidden
        Tokens to hide.
    position
        The token that is guessed: a hidden one, or any other.
    watched
        Ids of tokens to follow; by default the token that is hidden there and the model's first guess.
    lens
        A tuned lens, which translates each level's states into the last one's language first (Belrose et al. 2023).
    heads
        Attention heads that are taken out, as (layer, head).

    Raises
    ------
    CheckpointError
        If the model cannot guess words.
    InputError
        If everything is hidden, there is no such token or head, the text is longer than the model reads, or the lens
        is another model's.

    Examples
    --------
    >>> import interpret as it
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> found = it.pretraining.logit_lens(guesser, "She drank a cup of coffee.", None, hidden=[6], position=6)
    >>> found.names  # the hidden word, and the first guess
    ('coffee', 'tea')
    >>> found.rank[-1].tolist()  # how many are likelier, after the last layer
    [1, 0]
    >>> bool((found.rank[0] > 100).all())  # and before the first
    True
    """
    tokens = encoder.tokens(text, pair)
    check_index("token", position, len(tokens))
    read = hide(encoder, tokens, hidden)
    guessed_from(encoder, read)
    if lens is not None:
        lens.check(encoder)
    with lock_device(encoder.spec.device):
        states = states_of(encoder, [read], heads)[:, 0]
        translated = states[:, position] if lens is None else lens.translate(states[:, position])
        scores = encoder.guess(translated).float()
        # The model itself answers for all tokens at once; a product of another shape rounds its last bits otherwise.
        scores[-1] = encoder.guess(states[-1])[position].float()
        logs = scores.log_softmax(-1).cpu()
    if not watched:
        known = tokens.ids[position] != read.ids[position] and not tokens.unknown_at(position)
        own = [int(tokens.ids[position])] if known else []
        watched = list(dict.fromkeys([*own, int(logs[-1].argmax())]))
    best = logs.topk(min(top, logs.shape[1]))
    followed = torch.tensor(list(watched))
    return LayerGuesses(
        tokens=read,
        position=position,
        ids=read_only(best.indices.numpy(), np.int64),
        candidates=tuple(tuple(encoder.names(int(one)) for one in row) for row in best.indices),
        probabilities=read_only(best.values.exp().numpy(), np.float32),
        watched=read_only(followed.numpy(), np.int64),
        names=tuple(encoder.names(int(one)) for one in watched),
        rank=read_only((logs[:, None, :] > logs[:, followed, None]).sum(-1).numpy(), np.int64),
        probability=read_only(logs[:, followed].exp().numpy(), np.float32),
        entropy=read_only(-(logs.exp() * logs).sum(-1).numpy() * _BITS, np.float32),
        divergence=read_only((logs[-1].exp() * (logs[-1] - logs)).sum(-1).clamp_min(0).numpy() * _BITS, np.float32),
        tuned=lens is not None,
    )

"""The masking of pre-training on a text: what was done to each token, and what the model makes of it."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.masked_words import mask_id
from interpret.core.masking import HIDDEN, KEPT, REPLACED, Masked, Masking, mask_tokens, maskable_tokens, ordinary_ids
from interpret.core.tokens import Tokens

KINDS = {"hidden": HIDDEN, "replaced": REPLACED, "kept": KEPT}


@dataclass(frozen=True, eq=False)
class MaskedText:
    """A text that was masked once.

    Attributes
    ----------
    tokens
        The text as it is.
    masked
        What was done to each token.
    read
        Each token as the model read it.
    positions
        The tokens that were chosen.
    guess
        What the model guesses there.
    rank
        How many tokens it finds likelier than the true one.
    loss
        Its surprise at the true one, ``-log p`` in nats, there: what a training would lower.
    seen
        The same where the text is read as it is, nothing hidden: as in use. It sees the very token it is asked for.
    """

    tokens: Tokens
    masked: Masked
    read: tuple[str, ...]
    positions: Int[np.ndarray, " chosen"]
    guess: tuple[str, ...]
    rank: Int[np.ndarray, " chosen"]
    loss: Float32[np.ndarray, " chosen"]
    seen: Float32[np.ndarray, " chosen"]

    def mean_loss(self, kind: str | None = None) -> float:
        """Return the mean loss of the positions that were ``"hidden"``, ``"replaced"`` or ``"kept"``, or of all.

        NaN where there are none.
        """
        done = self.masked.done[self.positions]
        some = self.loss if kind is None else self.loss[done == KINDS[kind]]
        return float(some.mean()) if len(some) else float("nan")


def mask_text(
    encoder: Encoder, text: str, pair: str | None = None, masking: Masking | None = None, seed: int = 0
) -> MaskedText:
    """Mask a text as a pre-training does, and ask the model.

    Parameters
    ----------
    masking
        How tokens are chosen and what is done to them; as Devlin et al. 2019 by default.
    seed
        What is drawn by.

    Raises
    ------
    CheckpointError
        If the model cannot guess words.
    InputError
        If there is no text, it is longer than the model reads, it has the mask in it, or no token came to be chosen.

    Examples
    --------
    >>> import interpret as it
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> masking = it.pretraining.Masking(rate=0.5)
    >>> masked = it.pretraining.mask_text(guesser, "The capital of France is Paris.", masking=masking, seed=1)
    >>> [masked.tokens.strings[position] for position in masked.positions]
    ['capital', 'france', 'is', '.']
    >>> masked.read
    ('[CLS]', 'the', '[MASK]', 'of', '[MASK]', '[MASK]', 'paris', '[MASK]', '[SEP]')
    """
    tokens = encoder.tokens(text, pair)
    mask = mask_id(encoder)
    if (tokens.ids == mask).any():
        raise InputError(
            "The text already contains {mask}, but masking needs words that are known. Write the word.",
            mask=encoder.mask or "",
        )
    random = np.random.default_rng(seed)
    others = ordinary_ids(encoder.tokenizer)
    maskable = maskable_tokens(tokens.ids, tokens.special, others)
    masked = mask_tokens(tokens.ids, maskable, mask, others, random, masking, tokens.word)
    positions = np.flatnonzero(masked.chosen)
    if not len(positions):
        raise InputError("No token was selected in this draw. Draw again, choose a higher rate, or type a longer text.")
    with lock_device(encoder.spec.device):
        inputs = encoder.batch([tokens, tokens])
        inputs["input_ids"][0] = torch.from_numpy(masked.ids.copy())
        states = encoder.run(inputs).last_hidden_state
        logits = [encoder.guess(one[torch.from_numpy(positions)]).float().cpu() for one in states]
    true = torch.from_numpy(tokens.ids[positions])[:, None]
    loss, seen = (-one.log_softmax(-1).gather(1, true)[:, 0].numpy() for one in logits)
    return MaskedText(
        tokens,
        masked,
        tuple(encoder.names(int(one)) for one in masked.ids),
        read_only(positions, np.int64),
        tuple(encoder.names(int(one)) for one in logits[0].argmax(-1)),
        read_only((logits[0] > logits[0].gather(1, true)).sum(-1).numpy(), np.int64),
        read_only(loss, np.float32),
        read_only(seen, np.float32),
    )

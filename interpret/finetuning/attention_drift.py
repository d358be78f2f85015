"""The same text read by a model before and after a fine-tune: by how much each head looks elsewhere."""

import numpy as np
from jaxtyping import Float32

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.trace import Trace


def attention_drift(before: Trace, after: Trace) -> Float32[np.ndarray, "layer head"]:
    """Return how far each head's attention has moved: the mean Jensen–Shannon divergence over the queries, in bits.

    ``JSD(p, q) = H((p + q) / 2) − (H(p) + H(q)) / 2`` (Lin 1991, eq. 3.1–3.2, with equal weights): 0 where a head looks
    where it looked before, 1 where it looks at nothing that it looked at before.

    Raises
    ------
    InputError
        If the traces are not of the same text and of models of the same shape.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> before, after = (it.trace(one, "The bank was steep.") for one in (encoder, guesser))
    >>> drift = it.finetuning.attention_drift(before, after)
    >>> drift.shape, bool(drift.max() > 0.01)  # layer head
    ((6, 12), True)
    >>> float(it.finetuning.attention_drift(before, before).max())
    0.0
    """
    one, other = before.attention, after.attention
    if one.shape != other.shape or before.tokens.strings != after.tokens.strings:
        raise InputError(
            "Only traces of the same text by two models of the same shape can be compared, and these are not."
        )
    p, q = one.astype(np.float64), other.astype(np.float64)
    divergence = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    return read_only(divergence.mean(axis=-1).clip(0, 1), np.float32)


def _entropy(shares: np.ndarray) -> np.ndarray:
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logs).sum(axis=-1)

"""How alike two layers arrange the same points: centred kernel alignment."""

from __future__ import annotations

import numpy as np

from interpret.core.errors import InputError


def cka(one: np.ndarray, other: np.ndarray, debiased: bool = True) -> float:
    """Compare two sets of vectors of the same items: linear centred kernel alignment.

    ``HSIC(K, L) / √(HSIC(K, K) · HSIC(L, L))`` with ``K = X·Xᵀ`` and ``L = Y·Yᵀ`` (Kornblith et al. 2019, section 3):
    1 for the same configuration of points, whatever its rotation, reflection or scale.

    Parameters
    ----------
    one, other
        ``(item, width)``; the widths may differ.
    debiased
        Whether HSIC is estimated without bias (Song et al. 2012, equation 5; Nguyen et al. 2021, equation 3). The
        plain estimate comes near 1 for any two sets where there are fewer items than dimensions.

    Raises
    ------
    InputError
        If the sets differ in length, or there are fewer than 4 items.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> one, other = np.random.default_rng(0).normal(size=(2, 50, 4))
    >>> round(it.embeddings.cka(one, 2 * one[:, ::-1]), 3)  # mirrored and larger, and the same
    1.0
    >>> abs(it.embeddings.cka(one, other)) < 0.2
    True
    """
    if len(one) != len(other) or len(one) < 4:
        raise InputError(
            "The comparison needs two sets of vectors of the same items, at least 4 items each; found: {one} and "
            "{other}.",
            one=len(one),
            other=len(other),
        )
    grams = [gram(one), gram(other)]
    return alignment(*(map(doubly_centred, grams) if debiased else grams))


def gram(vectors: np.ndarray) -> np.ndarray:
    """Return the inner products of centred vectors, in float64 and at a scale that squares do not overflow."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    centred /= max(float(np.abs(centred).max()), 1e-30)
    return centred @ centred.T


def doubly_centred(gram: np.ndarray) -> np.ndarray:
    """Centre a Gram matrix so that the sum of products of two such is ``n (n − 3)`` times the unbiased HSIC.

    That is equation 5 of Song et al. (2012) in the form of Székely & Rizzo (2014): without the diagonal, and with what
    its leaving out adds to the means.
    """
    n = len(gram)
    if n < 4:
        return np.full_like(gram, np.nan)
    centred = gram * ~np.eye(n, dtype=bool)
    sums = centred.sum(axis=1) / (n - 2)
    centred += sums.sum() / (n - 1) - sums[:, None] - sums
    np.fill_diagonal(centred, 0)
    return centred


def alignment(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine of two Gram matrices, taken as vectors."""
    # The plain Gram matrices are of centred vectors, and so centred themselves.
    scale = float(np.vdot(one, one) * np.vdot(other, other))
    return float(np.vdot(one, other) / np.sqrt(scale)) if scale > 0 else float("nan")

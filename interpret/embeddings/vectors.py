"""What is asked of vectors before anything is measured on them."""

from __future__ import annotations

import numpy as np

from interpret.core.errors import InputError


def check_finite(vectors: np.ndarray) -> None:
    """Refuse vectors with numbers that are none."""
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise InputError.counted(
            "{count} vector contains NaN or infinite values, at position {position}. The model's precision overflows "
            "on its text: choose float32.",
            "{count} vectors contain NaN or infinite values, the first at position {position}. The model's precision "
            "overflows on these texts: choose float32.",
            len(bad),
            count=len(bad),
            position=int(bad[0]) + 1,
        )


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Bring every vector to length 1, in float32; a vector of zeros stays one."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)

"""Maps turned and mirrored onto each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from interpret.core.arrays import read_only


@dataclass(frozen=True, eq=False)
class Alignment:
    """Maps of the same points laid over one another.

    Attributes
    ----------
    points
        Each map centred, of root-mean-square radius 1, and turned or mirrored onto the one before.
    moved
        For each map but the first, what share of its shape no turning explains: 0 for the same shape, near 1 for
        another; the Procrustes distance squared.
    """

    points: Float32[np.ndarray, "layer point dim"]
    moved: Float32[np.ndarray, " step"]


def align(maps: Sequence[np.ndarray]) -> Alignment:
    """Turn each map onto the one before, so that what moves between them is what changed.

    Every map is centred and brought to one size; then the rotation or reflection ``R`` that makes ``‖A·R − B‖`` least
    is ``U·Vᵀ`` of the singular value decomposition ``Aᵀ·B = U·S·Vᵀ`` (Schönemann 1966), and ``1 − (Σ S)²`` of the
    maps at unit norm is what is left (Gower 1975). Distances within a map keep their proportions.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> turned = 3 * square @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> line = square * [1, 0]
    >>> alignment = it.embeddings.align([square, turned, line])
    >>> [abs(round(float(moved), 3)) for moved in alignment.moved]  # a turned square is the same; a line is not
    [0.0, 0.5]
    """
    laid: list[np.ndarray] = []
    moved = []
    for points in maps:
        centred = np.asarray(points, np.float64) - np.mean(points, axis=0, dtype=np.float64)
        centred /= max(float(np.sqrt((centred**2).sum() / len(centred))), 1e-30)
        if laid:
            u, s, vt = np.linalg.svd(centred.T @ laid[-1])
            centred = centred @ (u @ vt)
            moved.append(1 - (s.sum() / len(centred)) ** 2)
        laid.append(centred)
    return Alignment(read_only(np.stack(laid), np.float32), read_only(np.clip(moved, 0, 1), np.float32))

"""What lies nearest, in the whole space and not on a map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from interpret.core.arrays import read_only
from interpret.embeddings.corpus import Embeddings
from interpret.embeddings.vectors import unit_rows

_PAIRS = 5000
_BLOCK = 16_384


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The items nearest to a vector, the nearest first.

    Attributes
    ----------
    items
        Their indices among all items.
    scores
        Their cosines, or Euclidean distances.
    usual, spread
        Mean and standard deviation of the same between random pairs of items: what a score is to be read against.
    """

    items: Int[np.ndarray, " neighbour"]
    scores: Float32[np.ndarray, " neighbour"]
    usual: float
    spread: float


def nearest_neighbours(
    embeddings: Embeddings,
    layer: int,
    vector: np.ndarray,
    count: int = 10,
    metric: str = "cosine",
    leave_out: int | None = None,
    seed: int = 0,
) -> Neighbours:
    """Find the items nearest to a vector at one layer, among all of them, exactly.

    Parameters
    ----------
    vector
        Of the embeddings' width: an item's own, or a query's from `embed` with the same choices.
    leave_out
        An item that is not to be found, such as the one that ``vector`` belongs to.
    seed
        Of the random pairs.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["The court heard the appeal.", "The judge dismissed the case.", "The lawyer read the law."]
    >>> texts += ["The team won the match.", "The striker scored a goal.", "The coach praised the players."]
    >>> embeddings = it.embed(encoder, texts)
    >>> query = it.embed(encoder, ["A match was played."]).at(6)[0]
    >>> found = it.embeddings.nearest_neighbours(embeddings, 6, query, count=2)
    >>> [texts[item] for item in found.items]
    ['The team won the match.', 'The striker scored a goal.']
    >>> bool(found.scores[1] > found.usual)  # nearer than random pairs are
    True
    """
    vectors = embeddings.at(layer)
    query = np.asarray(vector, np.float32)
    scores = np.empty(len(vectors), np.float32)
    for begin in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[begin : begin + _BLOCK], np.float32)
        scores[begin : begin + _BLOCK] = _score(block, query[None], metric)
    # What is nearest has the largest cosine, or the smallest distance.
    order = -scores if metric == "cosine" else scores.copy()
    if leave_out is not None:
        order[leave_out] = np.inf
    best = np.argsort(order, kind="stable")[: min(count, len(vectors) - (leave_out is not None))]
    left, right = np.random.default_rng(seed).integers(len(vectors), size=(2, _PAIRS))
    apart = left != right
    usual = _score(vectors[left[apart]], vectors[right[apart]], metric) if apart.any() else scores
    return Neighbours(
        read_only(best, np.int64), read_only(scores[best]), float(usual.mean(dtype=np.float64)), float(usual.std())
    )


def _score(left: np.ndarray, right: np.ndarray, metric: str) -> np.ndarray:
    if metric == "cosine":
        return (unit_rows(left) * unit_rows(right)).sum(axis=1)
    return np.linalg.norm(left - right, axis=1)

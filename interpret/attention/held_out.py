"""Of many heads the best, and of all fixed offsets the best: both chosen on some sentences and scored on others."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from interpret.core.clustered_intervals import drawn_interval
from interpret.core.intervals import drawn_sums

FOLDS = 5
_NONE = (float("nan"), float("nan"))


@dataclass(frozen=True)
class HeldOut:
    """How often a head finds a relation, beside a fixed offset, on sentences that neither was chosen on.

    The intervals are of 95%, by bootstrap over sentences, whose links are drawn together. They hold for the heads
    chosen in each fold: how the choice would differ with other sentences is not in them.

    Attributes
    ----------
    sentences, links
        How many sentences hold the relation, and how many links are scored: all, or none where a single sentence
        leaves nothing to choose on. Then all else is NaN.
    found, found_interval
        The share where the strongest link of the head chosen goes to the right word.
    baseline, baseline_interval
        The share where the right word stands at the fixed offset chosen: the baseline of Clark et al. (2019).
    gain, gain_interval
        Found, less the baseline. Below six sentences nothing is told from 0, however right a head is.
    chosen
        How many different heads, or ways of looking, the folds chose.
    """

    sentences: int
    links: int
    found: float
    found_interval: tuple[float, float]
    baseline: float
    baseline_interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]
    chosen: int

    @property
    def verdict(self) -> int:
        """1 where the head finds more than the fixed offset does, -1 where less; 0 where 95% do not tell which."""
        low, high = self.gain_interval
        return int(low > 0) - int(high < 0)


def held_out(
    right: Bool[np.ndarray, "link head"],
    at_offset: Bool[np.ndarray, "link offset"],
    owner: Int[np.ndarray, " link"],
    seed: int = 0,
) -> HeldOut:
    """Score the best head and the best fixed offset out of fold, over five folds of sentences.

    Each fold's head is the one that is right most often on the sentences of the other four (Stone 1974,
    https://doi.org/10.1111/j.2517-6161.1974.tb00994.x), so that the best of hundreds owes nothing to having been picked
    on what it is scored on.

    Parameters
    ----------
    right, at_offset
        Which heads find each link, and at which offset the right word stands. Of several that are right as often the
        first is chosen.
    owner
        Which sentence each link is of.
    seed
        Of the folds and of the sentences drawn.
    """
    _names, sentence = np.unique(owner, return_inverse=True)
    count = int(sentence.max()) + 1
    if count < 2:
        nan = float("nan")
        return HeldOut(count, 0, nan, _NONE, nan, _NONE, nan, _NONE, 0)
    fold = np.empty(count, np.int64)
    fold[np.random.default_rng(seed).permutation(count)] = np.arange(count) % FOLDS
    by_head, by_offset = (_out_of_fold(one, fold[sentence]) for one in (right, at_offset))
    parts = np.stack(
        [np.bincount(sentence, one, count) for one in (by_head[0], by_offset[0], np.ones(len(sentence)))], axis=1
    )
    whole, drawn = parts.sum(axis=0), drawn_sums(parts, seed)
    # A difference of two shares, on the scale from 0 to 1 and back.
    values = [of(whole[None])[0] for of in (_share, _other, _difference)]
    ends = [
        drawn_interval(float(value), of(drawn), count)
        for value, of in zip(values, (_share, _other, _difference), strict=True)
    ]
    return HeldOut(
        sentences=count,
        links=len(sentence),
        found=float(values[0]),
        found_interval=ends[0],
        baseline=float(values[1]),
        baseline_interval=ends[1],
        gain=float(2 * values[2] - 1),
        gain_interval=(2 * ends[2][0] - 1, 2 * ends[2][1] - 1),
        chosen=len(set(by_head[1])),
    )


def _out_of_fold(
    right: Bool[np.ndarray, "link rule"], fold: Int[np.ndarray, " link"]
) -> tuple[Bool[np.ndarray, " link"], list[int]]:
    """Return which links are right by the rule that is best on the other folds, and these rules."""
    correct, chosen = np.empty(len(right), bool), []
    for one in np.unique(fold):
        here = fold == one
        chosen.append(int(right[~here].sum(axis=0).argmax()))
        correct[here] = right[here, chosen[-1]]
    return correct, chosen


def _share(sums: Float[np.ndarray, "draw part"]) -> Float[np.ndarray, " draw"]:
    return sums[:, 0] / sums[:, 2]


def _other(sums: Float[np.ndarray, "draw part"]) -> Float[np.ndarray, " draw"]:
    return sums[:, 1] / sums[:, 2]


def _difference(sums: Float[np.ndarray, "draw part"]) -> Float[np.ndarray, " draw"]:
    return (1 + _share(sums) - _other(sums)) / 2

"""Which of two sentences a model finds likelier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from interpret.core.arrays import read_only
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.masked_words import mask_id
from interpret.core.pseudo_likelihood import pseudo_log_likelihood


@dataclass(frozen=True, eq=False)
class MinimalPairs:
    """Which of two sentences a model finds likelier, pair by pair.

    Attributes
    ----------
    better, worse
        The pseudo-log-likelihoods of what should be likelier, and of the other; NaN where a row could not be read.
    faults
        For each row that could not be read its index and why.
    """

    better: Float32[np.ndarray, " pair"]
    worse: Float32[np.ndarray, " pair"]
    faults: tuple[tuple[int, InputError], ...]

    @property
    def accuracy(self) -> float:
        """The share of pairs whose better sentence is likelier; NaN where there are none."""
        read = ~np.isnan(self.better)
        return float((self.better > self.worse)[read].mean()) if read.any() else float("nan")


def compare_minimal_pairs(
    encoder: Encoder, pairs: Sequence[tuple[str, str]], within: bool = False, progress: Progress | None = None
) -> MinimalPairs:
    """Score pairs of sentences, the better one first: grammatical and not (Warstadt et al. 2020), or otherwise minimal.

    Parameters
    ----------
    within
        See `pseudo_log_likelihood`.
    progress
        Called as ``progress(pairs done, pairs in all, "")``.

    Raises
    ------
    CheckpointError
        If the model cannot guess words.

    Examples
    --------
    >>> import interpret as it
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> pairs = [("The keys are here.", "The keys is here."), ("She sees herself.", "She sees himself.")]
    >>> found = it.pretraining.compare_minimal_pairs(guesser, pairs)
    >>> (found.better > found.worse).tolist(), found.accuracy
    ([True, True], 1.0)
    """
    mask_id(encoder)
    found = np.full((len(pairs), 2), np.nan, np.float32)
    faults = []
    for index, pair in enumerate(pairs):
        try:
            found[index] = [pseudo_log_likelihood(encoder, one, within=within).total for one in pair]
        except InputError as error:
            found[index] = np.nan
            faults.append((index, error))
        if progress is not None:
            progress(index + 1, len(pairs), "")
    return MinimalPairs(read_only(found[:, 0]), read_only(found[:, 1]), tuple(faults))

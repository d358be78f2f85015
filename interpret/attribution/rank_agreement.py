"""Words in the order of their scores."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32
from scipy.stats import rankdata, spearmanr

from interpret.attribution.attribution import Attribution
from interpret.attribution.methods import METHODS
from interpret.attribution.target_function import TargetFunction
from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.rank_correlation import spearman_interval


def ranking(scores: np.ndarray) -> np.ndarray:
    """Return indices from the highest score to the lowest; where scores are alike, the first comes first."""
    return np.argsort(-np.asarray(scores), kind="stable")


def check_match(target_function: TargetFunction, attribution: Attribution) -> None:
    """Refuse an attribution of another text or target.

    Raises
    ------
    InputError
        If its tokens or its target are others.
    """
    if attribution.tokens.strings != target_function.tokens.strings or attribution.target != target_function.target:
        raise InputError("This attribution was computed for another text or target. Compute it again for this one.")


def rank_agreement(attributions: Sequence[Attribution]) -> Float32[np.ndarray, "method other"]:
    """Return Spearman's rank correlation between each two methods' word scores.

    Where one method's scores have no sign, sizes are compared. NaN where there is no order to compare: of a single
    word, or where all scores are alike.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> text = "The start is slow, but the actors are wonderful and the end is very moving."
    >>> function = it.attribution.target_function(encoder, text, head=head)
    >>> methods = ("occlusion", "feature_ablation", "rollout")
    >>> agreement = it.attribution.rank_agreement([it.attribution.explain(function, name) for name in methods])
    >>> agreement.shape  # method other
    (3, 3)
    >>> agreement.diagonal().tolist()
    [1.0, 1.0, 1.0]
    >>> bool(agreement[0, 1] > agreement[0, 2])  # words deleted and words replaced agree more than either with rollout
    True
    """
    count = len(attributions)
    found = np.eye(count)
    for i, one in enumerate(attributions):
        for j, other in enumerate(attributions[:i]):
            values = [a.word_scores() for a in (one, other)]
            words = [index for index, group in enumerate(one.tokens.groups) if not one.tokens.special[group[0]]]
            pair = [value[words] for value in values]
            if not (METHODS[one.method].signed and METHODS[other.method].signed):
                pair = [abs(value) for value in pair]
            ordered = len(words) > 1 and all(np.ptp(value) > 0 for value in pair)
            found[i, j] = found[j, i] = correlation(*pair) if ordered else np.nan
    return read_only(found, np.float32)


def rank_agreement_interval(attributions: Sequence[Attribution]) -> Float32[np.ndarray, "method other 2"]:
    """Return the 95% intervals of `rank_agreement` over words, as many others would give: see `spearman_interval`.

    NaN where the agreement is, and of a method with itself.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> text = "The start is slow, but the actors are wonderful and the end is very moving."
    >>> function = it.attribution.target_function(encoder, text, head=head)
    >>> found = [it.attribution.explain(function, name) for name in ("occlusion", "integrated_gradients")]
    >>> interval = it.attribution.rank_agreement_interval(found)
    >>> interval.shape  # method other 2
    (2, 2, 2)
    >>> lower, upper = interval[0, 1]
    >>> bool(0 < lower < it.attribution.rank_agreement(found)[0, 1] < upper < 1)
    True
    """
    agreement = rank_agreement(attributions)
    words = [sum(not one.tokens.special[group[0]] for group in one.tokens.groups) for one in attributions]
    ends = np.full((*agreement.shape, 2), np.nan)
    for i, j in np.ndindex(agreement.shape):
        if i != j:
            ends[i, j] = spearman_interval(float(agreement[i, j]), words[i])
    return read_only(ends, np.float32)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation; 0 where there is no order."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(rankdata(one), rankdata(other)).statistic)

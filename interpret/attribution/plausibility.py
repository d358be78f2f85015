"""Whether people point at the same words as an attribution."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from sklearn.metrics import average_precision_score

from interpret.attribution.rank_agreement import ranking
from interpret.core.errors import InputError
from interpret.core.tokens import Tokens


@dataclass(frozen=True)
class Plausibility:
    """Whether people point at the same words (DeYoung et al. 2020, sec. 4.1); it says nothing about the model.

    Attributes
    ----------
    token_f1
        F1 of the words on top, as many as people marked, against those marked.
    auprc
        Area under the precision-recall curve of the scores; ``chance`` is what random ones have.
    iou
        Intersection over union of the same words.
    """

    token_f1: float
    auprc: float
    iou: float
    chance: float


def plausibility(
    tokens: Tokens, scores: Float32[np.ndarray, " token"], marked: Sequence[tuple[int, int]]
) -> Plausibility:
    """Compare an attribution with what people marked.

    Parameters
    ----------
    marked
        Spans of the first text, as characters ``start <= i < end``.

    Raises
    ------
    InputError
        If nothing of the text, or all of it, is marked.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> tokens = encoder.tokens("A wonderful story.")
    >>> tokens.strings
    ('[CLS]', 'a', 'wonderful', 'story', '.', '[SEP]')
    >>> found = it.attribution.plausibility(tokens, np.float32([0, 0.1, 0.9, 0.2, 0, 0]), [(2, 11)])
    >>> found.token_f1, found.auprc, round(found.chance, 2)
    (1.0, 1.0, 0.25)
    """
    groups = [group for group in tokens.groups if not tokens.special[group[0]]]
    values = np.array([scores[list(group)].sum() for group in groups])
    truth = np.array(
        [
            tokens.segment[group[0]] == 0
            and any(tokens.span[group[0], 0] < end and tokens.span[group[-1], 1] > start for start, end in marked)
            for group in groups
        ]
    )
    if not truth.any() or truth.all():
        raise InputError(
            "Highlights must cover some words of the text but not all. Mark at least one word, and not every word."
        )
    top = np.zeros(len(groups), bool)
    top[ranking(values)[: truth.sum()]] = True
    both = int((top & truth).sum())
    return Plausibility(
        token_f1=both / int(truth.sum()),
        auprc=float(average_precision_score(truth, values)),
        iou=both / int((top | truth).sum()),
        chance=float(truth.mean()),
    )

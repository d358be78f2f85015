"""How far an attribution can be believed: does what it points at decide the answer."""

import math
import time
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from interpret.arrays import read_only
from interpret.attribution.explaining import Attribution
from interpret.attribution.path import Progress
from interpret.attribution.question import Question
from interpret.attribution.ranking import check_match, ranking

# DeYoung et al. 2020, sec. 4.2.
BINS = (0.01, 0.05, 0.1, 0.2, 0.5)


_CURVE_POINTS = 20


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How far taking away what an attribution points at changes the answer, beside rankings drawn at random.

    Words are ranked by their score, from the most in favour to the most against.

    Attributes
    ----------
    comprehensiveness, sufficiency
        DeYoung et al. 2020, eqs. 1 and 2, over `BINS` and the empty rationale (their AOPC): how much the answer falls
        when the words on top are deleted, better higher; and how much when they alone are left, better lower.
    random_comprehensiveness, random_sufficiency
        The same for each ranking drawn at random.
    shares
        The shares of words that the curves are drawn at, from 0 to 1.
    deletion, insertion
        The answer when so many words on top are deleted, and when they alone are left.
    random_deletion, random_insertion
        The same for the random rankings.
    unit
        ``"probability"`` for classes and words, ``"answer"`` for other targets.
    seconds, forward_passes
        What it took.
    """

    comprehensiveness: float
    sufficiency: float
    random_comprehensiveness: Float32[np.ndarray, "draw"]
    random_sufficiency: Float32[np.ndarray, "draw"]
    shares: Float32[np.ndarray, "point"]
    deletion: Float32[np.ndarray, "point"]
    insertion: Float32[np.ndarray, "point"]
    random_deletion: Float32[np.ndarray, "draw point"]
    random_insertion: Float32[np.ndarray, "draw point"]
    unit: str
    seconds: float
    forward_passes: int


def faithfulness(
    question: Question, attribution: Attribution, draws: int = 20, seed: int = 0, progress: Progress | None = None
) -> Faithfulness:
    """Measure comprehensiveness and sufficiency, and draw the curves behind them.

    Parameters
    ----------
    question
        What the attribution answers.
    draws
        How many random rankings stand beside it.
    progress
        Called as ``progress(rankings done, rankings, "erasing")``.

    Raises
    ------
    InputError
        If the attribution is of another text or target.
    """
    check_match(question, attribution)
    begin, before = time.perf_counter(), question.forward_passes
    groups = [pieces for _, pieces in question.free_words]
    scores = np.array([attribution.scores[list(group)].sum() for group in groups])
    count = len(groups)
    shares = np.linspace(0, 1, min(count, _CURVE_POINTS) + 1)
    sizes = sorted({_top(share, count) for share in (*BINS, *shares)})
    random = np.random.default_rng(seed)
    rankings = [ranking(scores), *(random.permutation(count) for _ in range(draws))]
    deleted, kept = [], []
    for done, order in enumerate(rankings):
        texts = []
        for size in sizes:
            top = np.zeros(len(question.tokens), bool)
            for place in order[:size]:
                top[list(groups[place])] = True
            texts += [question.without(top), question.without(~top)]
        answers = question.chances(texts)
        deleted.append(answers[::2])
        kept.append(answers[1::2])
        if progress is not None:
            progress(done + 1, len(rankings), "erasing")
    at = {size: place for place, size in enumerate(sizes)}
    bins = [0, *(at[_top(share, count)] for share in BINS)]
    points = [at[_top(share, count)] for share in shares]
    deletion, insertion = np.array(deleted), np.array(kept)
    whole = deletion[:, :1]
    lost, short = whole - deletion[:, bins], whole - insertion[:, bins]
    # The empty rationale leaves the text as it is when it is deleted; alone it leaves nothing, and it is counted among
    # the bins as ERASER counts it: nothing deleted, and everything left.
    short[:, 0] = 0
    comprehensiveness, sufficiency = lost.mean(axis=1), short.mean(axis=1)
    return Faithfulness(
        comprehensiveness=float(comprehensiveness[0]),
        sufficiency=float(sufficiency[0]),
        random_comprehensiveness=read_only(comprehensiveness[1:], np.float32),
        random_sufficiency=read_only(sufficiency[1:], np.float32),
        shares=read_only(shares, np.float32),
        deletion=read_only(deletion[0, points], np.float32),
        insertion=read_only(insertion[0, points], np.float32),
        random_deletion=read_only(deletion[1:, points], np.float32),
        random_insertion=read_only(insertion[1:, points], np.float32),
        unit="probability" if question.target.kind in ("class", "word") else "answer",
        seconds=time.perf_counter() - begin,
        forward_passes=question.forward_passes - before,
    )


def _top(share: float, count: int) -> int:
    # The rounding keeps a share like 0.1 of 30 from becoming 4 by its last binary digit.
    return math.ceil(round(share * count, 9))

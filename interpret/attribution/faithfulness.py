"""How far an attribution can be believed: does what it points at decide the answer."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64

from interpret.attribution.attribution import Attribution
from interpret.attribution.path_integral import Progress
from interpret.attribution.rank_agreement import check_match, ranking
from interpret.attribution.significance import LEVEL, holm, permutation_p
from interpret.attribution.target_function import TargetFunction
from interpret.core.arrays import read_only

# DeYoung et al. 2020, sec. 4.2.
BINS = (0.01, 0.05, 0.1, 0.2, 0.5)
DRAWS = 1000
_CURVE_POINTS = 20
# So many random rankings are followed all the way, for the bands behind the curves.
_BANDS = 20
# Up to so many that differ in some bin, all rankings are looked at: of a text of ten words 5,040.
_MOST_RANKINGS = 10_000
# Sums in single precision differ by so much from batch to batch.
_SLACK = 2e-6
Verdict = Literal["both", "comprehensiveness", "sufficiency", "neither", "too few words"]


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How far taking away what an attribution points at changes the answer, beside rankings that know nothing.

    Words are ranked by their score, from the most in favour to the most against; those that go are deleted, and the
    others close up.

    Attributes
    ----------
    comprehensiveness, sufficiency
        ERASER's (DeYoung et al. 2020, eqs. 1 and 2, averaged over `BINS` as their metrics.py does): how much the answer
        falls when the words on top are deleted, better higher; and how much when they alone are left, better lower.
        Theirs are of the class that the model predicts, whose probability the answer then is: see ``predicted``. They
        are 6/5 of the paper's AOPC, which counts the empty rationale, where nothing falls, as a sixth bin.
    comprehensiveness_p, sufficiency_p
        How often a ranking that knows nothing does as well: see `interpret.attribution.significance.permutation_p`.
        Rankings tied with this one count half.
    least_p
        The smallest p-values that any ranking of this text could have.
    random_comprehensiveness, random_sufficiency
        The measures of all rankings that differ in some bin where ``exact``, or else of rankings drawn at random.
    exact
        Whether all were looked at.
    words
        How many were ranked.
    predicted
        Whether what is explained is the class, or the word, that the model finds likeliest.
    shares
        The shares of words that the curves are drawn at, from 0 to 1.
    deletion, insertion
        The answer when so many words on top are deleted, and when they alone are left.
    random_deletion, random_insertion
        The same for some random rankings.
    unit
        ``"probability"`` for classes and words, ``"answer"`` for other targets.
    seconds, forward_passes
        What it took.
    """

    comprehensiveness: float
    sufficiency: float
    comprehensiveness_p: float
    sufficiency_p: float
    least_p: tuple[float, float]
    random_comprehensiveness: Float32[np.ndarray, " ranking"]
    random_sufficiency: Float32[np.ndarray, " ranking"]
    exact: bool
    words: int
    predicted: bool
    shares: Float32[np.ndarray, " point"]
    deletion: Float32[np.ndarray, " point"]
    insertion: Float32[np.ndarray, " point"]
    random_deletion: Float32[np.ndarray, "draw point"]
    random_insertion: Float32[np.ndarray, "draw point"]
    unit: str
    seconds: float
    forward_passes: int

    @property
    def verdict(self) -> Verdict:
        """Which measures are told from chance at `LEVEL`, both corrected together (Holm 1979).

        ``"too few words"`` where no ranking of this text could be: the test could not have come out otherwise.
        """
        if min(self.least_p) > LEVEL / 2:
            return "too few words"
        comprehensive, sufficient = (p <= LEVEL for p in holm((self.comprehensiveness_p, self.sufficiency_p)))
        if comprehensive and sufficient:
            return "both"
        return "comprehensiveness" if comprehensive else "sufficiency" if sufficient else "neither"


def faithfulness(
    target_function: TargetFunction,
    attribution: Attribution,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Faithfulness:
    """Measure comprehensiveness and sufficiency, tell them from chance, and draw the curves behind them.

    Parameters
    ----------
    target_function
        What the attribution answers.
    draws
        How many random rankings stand beside it, where there are too many to look at all: see `erasing_passes`.
    progress
        Called as ``progress(texts read, texts, "erasing")``.

    Raises
    ------
    InputError
        If the attribution is of another text or target.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> attribution = it.attribution.explain(function, "occlusion")
    >>> found = it.attribution.faithfulness(function, attribution)
    >>> found.words, found.exact  # all rankings of so few words are looked at
    (7, True)
    >>> found.comprehensiveness > float(found.random_comprehensiveness.mean())
    True
    """
    check_match(target_function, attribution)
    begin, before = time.perf_counter(), target_function.forward_passes
    groups = [tokens for _, tokens in target_function.free_words]
    count = len(groups)
    order = ranking(np.array([attribution.scores[list(group)].sum() for group in groups])).tolist()
    shares = np.linspace(0, 1, min(count, _CURVE_POINTS) + 1)
    sizes = [_top(share, count) for share in shares]
    erased = Erased(target_function, progress)
    random = np.random.default_rng(seed)
    exact = _count_rankings(count) <= _MOST_RANKINGS
    followed = [random.permutation(count).tolist() for _ in range(_BANDS)]
    if exact:
        others = [one for one in _all_rankings(count) if not _same(one, order)]
    else:
        others = [*followed, *(random.permutation(count).tolist() for _ in range(draws - len(followed)))][:draws]
    steps = [frozenset(one[:size]) for one in (order, *followed) for size in sizes]
    erased.read([*steps, *(frozenset(one[: _top(share, count)]) for one in (order, *others) for share in BINS)])
    lost, short = erased.measures([order, *others])
    scale = _SLACK * max(1.0, abs(erased.whole))
    comprehensive, sufficient = (_p_values(values, scale, exact) for values in (lost, -short))
    curves = np.array([erased.answers[one] for one in steps]).reshape(1 + len(followed), len(sizes), 2)
    return Faithfulness(
        comprehensiveness=float(lost[0]),
        sufficiency=float(short[0]),
        comprehensiveness_p=comprehensive[0],
        sufficiency_p=sufficient[0],
        least_p=(comprehensive[1], sufficient[1]),
        random_comprehensiveness=read_only(lost[0 if exact else 1 :], np.float32),
        random_sufficiency=read_only(short[0 if exact else 1 :], np.float32),
        exact=exact,
        words=count,
        predicted=target_function.kind.likely and target_function.target.index == int(target_function.own.argmax()),
        shares=read_only(shares, np.float32),
        deletion=read_only(curves[0, :, 0], np.float32),
        insertion=read_only(curves[0, :, 1], np.float32),
        random_deletion=read_only(curves[1:, :, 0], np.float32),
        random_insertion=read_only(curves[1:, :, 1], np.float32),
        unit="probability" if target_function.kind.likely else "answer",
        seconds=time.perf_counter() - begin,
        forward_passes=target_function.forward_passes - before,
    )


def _p_values(values: Float64[np.ndarray, " ranking"], scale: float, exact: bool) -> tuple[float, float]:
    """Return the p-value of the first ranking among all, the higher the better, and the smallest that any could have.

    Where not all rankings were looked at, the smallest is that of one which none of those drawn comes up to.
    """
    best = int(values.argmax())
    least = permutation_p(values[best], np.delete(values, best), scale) if exact else 1 / len(values)
    return permutation_p(values[0], values[1:], scale), least


class Erased:
    """The answers of a text with words deleted, each set of words asked about once."""

    def __init__(self, target_function: TargetFunction, progress: Progress | None = None) -> None:
        self.target_function = target_function
        self.progress = progress
        self.groups = [tokens for _, tokens in target_function.free_words]
        # Without these words, and with them alone.
        self.answers: dict[frozenset[int], tuple[float, float]] = {}
        self.read([frozenset()])
        self.whole = self.answers[frozenset()][0]

    def read(self, sets: Sequence[frozenset[int]]) -> None:
        """Ask about sets of words, those that were not asked about yet."""
        new = [one for one in dict.fromkeys(sets) if one not in self.answers]
        for first in range(0, len(new), 128):
            some = new[first : first + 128]
            texts = []
            for words in some:
                gone = np.zeros(len(self.target_function.tokens), bool)
                gone[[token for word in words for token in self.groups[word]]] = True
                texts += [self.target_function.without(gone), self.target_function.without(~gone)]
            found = self.target_function.target_probabilities(texts).astype(float).reshape(-1, 2)
            self.answers |= {one: (float(a), float(b)) for one, (a, b) in zip(some, found, strict=True)}
            if self.progress is not None:
                self.progress(2 * (first + len(some)), 2 * len(new), "erasing")

    def measures(
        self, rankings: Sequence[Sequence[int]]
    ) -> tuple[Float64[np.ndarray, " ranking"], Float64[np.ndarray, " ranking"]]:
        """Return ERASER's comprehensiveness and sufficiency of rankings of the words, best first."""
        sizes = [_top(share, len(self.groups)) for share in BINS]
        self.read([frozenset(one[:size]) for one in rankings for size in sizes])
        found = np.array([[self.answers[frozenset(one[:size])] for size in sizes] for one in rankings])
        falls = (self.whole - found).mean(axis=1)
        return falls[:, 0], falls[:, 1]


def erasing_passes(words: int, draws: int = DRAWS) -> int:
    """Return about how many texts `faithfulness` reads, of so many words."""
    sizes = {_top(share, words) for share in BINS}
    if _count_rankings(words) <= _MOST_RANKINGS:
        sets = sum(math.comb(words, size) for size in sizes)
    else:
        sets = sum(min(math.comb(words, size), draws) for size in sizes)
    return 2 * (sets + (1 + _BANDS) * min(words, _CURVE_POINTS))


def _steps(count: int) -> list[int]:
    """How many more words are on top from bin to bin; bins of the same words are one."""
    sizes = sorted(Counter(_top(share, count) for share in BINS))
    return np.diff([0, *sizes]).tolist()


def _count_rankings(count: int) -> int:
    """How many rankings differ in some bin."""
    found, left = 1, count
    for step in _steps(count):
        found *= math.comb(left, step)
        left -= step
    return found


def _all_rankings(count: int) -> list[list[int]]:
    """Return one of all rankings that have the same words on top in every bin: they have the same measures."""
    found: list[list[int]] = [[]]
    for step in _steps(count):
        found = [[*one, *more] for one in found for more in combinations(sorted(set(range(count)) - set(one)), step)]
    return found


def _same(one: Sequence[int], other: Sequence[int]) -> bool:
    sizes = [_top(share, len(other)) for share in BINS]
    return all(set(one[:size]) == set(other[:size]) for size in sizes)


def _top(share: float, count: int) -> int:
    # The rounding keeps a share like 0.1 of 30 from becoming 4 by its last binary digit.
    return math.ceil(round(share * count, 9))

"""What a cluster's texts have more often than the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.core.arrays import read_only
from interpret.core.hub import Progress
from interpret.core.scripts import fold, marks
from interpret.embeddings.clustering import _SHUFFLES, _SURE, Clusters


@dataclass(frozen=True, eq=False)
class Keywords:
    """The words that mark each group, beside what texts shuffled among the groups give.

    Attributes
    ----------
    words
        For each group its words with their standard scores, the surest first.
    least
        The score that a word needed: 3, or more where shuffled texts reach 3. In 95 of 100 shuffles no word of any
        group had it (the largest score of each shuffle: Westfall & Young 1993).
    by_chance
        How many words scored 3 or more in each shuffle of the texts among the groups, over all groups.
    tested
        Of how many in each shuffle: words times groups.
    """

    words: tuple[tuple[tuple[str, float], ...], ...]
    least: float
    by_chance: Int[np.ndarray, " shuffle"]
    tested: int


def keywords(
    texts: Sequence[str], clusters: Clusters, most: int = 8, seed: int = 0, progress: Progress | None = None
) -> Keywords:
    """Return the words that mark each group, with how surely.

    Scores are log-odds ratios, group against the rest, with a Dirichlet prior from all texts, divided by their standard
    error (Monroe et al. 2008, equations 15, 16, 20 and 22). They are called standard, but what a word that marks
    nothing reaches is measured, not looked up. Chinese and Japanese texts, written without spaces, are counted by pairs
    of characters. A word counts once for each text that has points in the group.

    Parameters
    ----------
    most
        How many words of a group are returned.
    seed
        Of the shuffles.
    progress
        Called as ``progress(shuffles done, shuffles in all, "words")``; raising inside it stops the work.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = [f"The court heard case {number}." for number in range(20)]
    >>> texts += [f"The team won match {number}." for number in range(20)]
    >>> clusters = it.embeddings.cluster(it.embed(encoder, texts, layers=[6]).at(6), count=2)
    >>> [sorted(word for word, _ in group) for group in it.embeddings.keywords(texts, clusters).words]
    [['match', 'team', 'won'], ['case', 'court', 'heard']]
    """
    from scipy.sparse import csr_matrix

    known = list(dict.fromkeys(texts))
    found = [words_in(text) for text in known]
    everything = Counter(word for words in found for word in words)
    # A word that is alone in all texts tells no group from another.
    names = {word: i for i, word in enumerate(word for word, count in everything.items() if count > 1)}
    columns = [[names[word] for word in sorted(words) if word in names] for words in found]
    ends = np.cumsum([0, *map(len, columns)])
    present = csr_matrix(
        (np.ones(ends[-1]), np.concatenate([*columns, []]).astype(int), ends), (len(known), len(names))
    )
    number = {text: i for i, text in enumerate(known)}
    pairs = np.array(list(dict.fromkeys(zip(map(number.get, texts), clusters.cluster.tolist(), strict=True))), int)
    if len(names) < 2 or not clusters.count:
        return Keywords(((),) * clusters.count, float(_SURE), read_only([], np.int64), 0)

    def scores(owner: np.ndarray) -> np.ndarray:
        whole = np.asarray(present[owner].sum(axis=0)).ravel()
        inside = pairs[:, 1] >= 0
        member = csr_matrix((np.ones(inside.sum()), (pairs[inside, 1], owner[inside])), (clusters.count, len(known)))
        return _marks(np.asarray((member @ present).todense()), whole)

    real = scores(pairs[:, 0])
    random = np.random.default_rng(seed)
    highest, over = [], []
    for done in range(_SHUFFLES):
        if progress is not None:
            progress(done, _SHUFFLES, "words")
        one = scores(random.permutation(len(known))[pairs[:, 0]])
        highest.append(one.max())
        over.append((one >= _SURE).sum())
    least = max(float(_SURE), float(np.nextafter(np.quantile(highest, 0.95), np.inf)))
    order = list(names)
    best = [np.argsort(-row, kind="stable")[:most] for row in real]
    return Keywords(
        tuple(
            tuple((order[i], float(row[i])) for i in some if row[i] >= least)
            for row, some in zip(real, best, strict=True)
        ),
        least,
        read_only(over, np.int64),
        real.size,
    )


def _marks(here: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return each word's score in each group, ``(group, word)``; none where a group or its rest has no words."""
    rest = whole - here
    sides = here.sum(axis=1, keepdims=True), rest.sum(axis=1, keepdims=True)
    # A prior worth as much as the smaller side, so that rare words are drawn towards no difference.
    prior = whole / whole.sum() * np.minimum(*sides)
    odds = []
    for counts, side in zip((here, rest), sides, strict=True):
        total = side + prior.sum(axis=1, keepdims=True)
        odds.append(np.log((counts + prior).clip(1e-30)) - np.log((total - counts - prior).clip(1e-30)))
    spread = np.sqrt(1 / (here + prior).clip(1e-30) + 1 / (rest + prior).clip(1e-30))
    return np.where(np.minimum(*sides) > 0, (odds[0] - odds[1]) / spread, 0.0)


def words_in(text: str) -> set[str]:
    """Return a text's words, in lower case; pairs of neighbouring ideographs and kana count as words."""
    text = fold(text)
    # A letter and its marks: “मैं” is a word of one letter.
    words = {one for one in re.findall(rf"(?:[^\W\d_぀-ヿ㐀-鿿][{marks()}]*)+", text) if len(one) > 1}
    for run in re.findall(r"[぀-ヿ㐀-鿿]{2,}", text):
        words.update(run[i : i + 2] for i in range(len(run) - 1))
    return words

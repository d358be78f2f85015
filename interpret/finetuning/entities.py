"""Entities out of words' tags, and how many of them are found, as CoNLL-2000's `conlleval` and seqeval count them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from interpret.core.arrays import read_only
from interpret.core.intervals import share_interval

# A word's position in an entity, and the entity's kind: B-egin, I-nside, E-nd or L-ast, S-ingle or U-nit; O is outside.
_TAG = re.compile(r"[BIESLU](-.+)?|O")
Entity = tuple[str, int, int]


@dataclass(frozen=True, eq=False)
class EntityResults:
    """How many entities were found: right are those of which the kind and both ends are.

    Attributes
    ----------
    kinds
        What entities there are, true or found, in order.
    correct, predicted, true
        Of each kind, how many were found rightly, how many were found, and how many there are.
    precision, recall, f1
        Of all kinds together (micro average); 0 where there is nothing to divide by, as seqeval has it.
    precision_interval, recall_interval, interval
        Their 95% intervals, the last one of F1, by sentence: see `interpret.core.intervals.share_interval`.
    """

    kinds: tuple[str, ...]
    correct: Int[np.ndarray, " kind"]
    predicted: Int[np.ndarray, " kind"]
    true: Int[np.ndarray, " kind"]
    precision: float
    recall: float
    f1: float
    precision_interval: tuple[float, float]
    recall_interval: tuple[float, float]
    interval: tuple[float, float]

    @property
    def by_kind(self) -> Float32[np.ndarray, "kind measure"]:
        """Precision, recall and F1 of each kind."""
        return np.array(
            [
                _scores(*one)
                for one in zip(self.correct.tolist(), self.predicted.tolist(), self.true.tolist(), strict=True)
            ],
            np.float32,
        ).reshape(len(self.kinds), 3)


def name_entities(tags: Iterable[str]) -> bool:
    """Tell whether tags mark entities, as IOB1, IOB2, IOE, BIOES and BILOU do; parts of speech do not."""
    known = set(tags)
    return known > {"O"} and all(map(_TAG.fullmatch, known))


def entities_of(tags: Sequence[str]) -> list[Entity]:
    """Return the entities of a sentence: kind, first word, last word.

    Any scheme is read, and so is what breaks its rules: an entity begins at B or S, at I or E where none is open, and
    wherever the kind changes. This is seqeval's default mode and conlleval's. Its strict mode, in which an entity that
    breaks the rules of a scheme named beforehand counts for nothing, is another measure and mostly a lower one.

    Examples
    --------
    >>> entities_of(["B-PER", "I-PER", "O", "I-LOC"])
    [('PER', 0, 1), ('LOC', 3, 3)]
    """
    found, begin = [], 0
    before, kind_before = "O", ""
    for index, tag in enumerate([*tags, "O"]):
        here, kind = {"L": "E", "U": "S"}.get(tag[0], tag[0]), tag[1:].split("-", maxsplit=1)[-1] or "_"
        other = kind != kind_before
        if before in "ES" or (before in "BI" and here in "BSO") or (before != "O" and other):
            found.append((kind_before, begin, index - 1))
        if here in "BS" or (before in "ESO" and here in "IE") or (here != "O" and other):
            begin = index
        before, kind_before = here, kind
    return found


def by_sentence(tags: Sequence[str], rows: Int[np.ndarray, " word"]) -> list[list[str]]:
    """Put words' tags together again that are of one sentence: ``rows`` says of which each is."""
    found: dict[int, list[str]] = {}
    for row, tag in zip(rows.tolist(), tags, strict=True):
        found.setdefault(row, []).append(tag)
    return list(found.values())


def count_entities(
    truth: Sequence[Sequence[str]], given: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], Int[np.ndarray, "sentence kind 3"]]:
    """Return the kinds of entities, and of each sentence and kind how many are correct, found and true."""
    pairs = [(set(entities_of(true)), set(entities_of(other))) for true, other in zip(truth, given, strict=True)]
    kinds = tuple(sorted({kind for pair in pairs for some in pair for kind, _first, _last in some}))
    index_of = {kind: index for index, kind in enumerate(kinds)}
    counts = np.zeros((len(pairs), len(kinds), 3), np.int64)
    for row, (true, other) in enumerate(pairs):
        for column, some in enumerate((true & other, other, true)):
            for kind, _first, _last in some:
                counts[row, index_of[kind], column] += 1
    return kinds, counts


def measure_entities(truth: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> EntityResults:
    """Compare the tags that were given to sentences with the true ones.

    Parameters
    ----------
    truth, given
        Of each sentence the tag of every word.
    """
    kinds, counts = count_entities(truth, given)
    by_kind = counts.sum(axis=0)
    correct, found, true = counts.sum(axis=1).T
    precision, recall, f1 = _scores(*by_kind.sum(axis=0).tolist())
    return EntityResults(
        kinds=kinds,
        correct=read_only(by_kind[:, 0], np.int64),
        predicted=read_only(by_kind[:, 1], np.int64),
        true=read_only(by_kind[:, 2], np.int64),
        precision=precision,
        recall=recall,
        f1=f1,
        precision_interval=share_interval(correct, found),
        recall_interval=share_interval(correct, true),
        # F1 is a share too: twice the correct ones of those found and those true together (Dice 1945).
        interval=share_interval(2 * correct, found + true),
    )


def _scores(correct: int, found: int, true: int) -> tuple[float, float, float]:
    """Return precision, recall and F1."""
    return (
        float(correct / found) if found else 0.0,
        float(correct / true) if true else 0.0,
        float(2 * correct / (found + true)) if found + true else 0.0,
    )

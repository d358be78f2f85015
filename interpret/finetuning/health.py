"""What is wrong with labelled examples, told before anything is trained on them."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.arrays import read_only
from interpret.encoder import Encoder
from interpret.finetuning.examples import GAMES, Examples
from interpret.masking import Masking
from interpret.tokens import tokenize

# The largest class with so many times as many rows as the smallest is worth a word.
_UNBALANCED = 3.0
# BERT's own vocabulary cuts English news into 1.2 pieces a word. Twice as many say that it lacks the field's words.
_MANY_PIECES = 2.0
_MANY_UNKNOWN = 0.02
# What is cut into pieces to measure lengths: a second or two of work, and never fewer rows than tell something.
_MOST_CHARACTERS, _LEAST_READ = 2_000_000, 500
# By how much an accuracy may be off by chance before it is said that there is little to judge by.
_UNCERTAIN = 0.05


@dataclass(frozen=True, eq=False)
class Health:
    """What was found in examples, and in their split.

    Attributes
    ----------
    rows, skipped
        How many are used; how many had no text or no label.
    classes
        Each class and how many rows have it, the most first; empty for a regression and for games.
    duplicates
        Places of examples that say what an earlier one said, with the same label.
    contradictions
        Groups of places that say the same and are labelled differently.
    leaks
        Places of examples to judge by that say what one to learn from says.
    judged, answers
        How many there are to judge by, and how many answers these take.
    lengths
        Pieces of each, special ones among them, before anything is cut off.
    most
        How many pieces of each are read.
    unknown
        The share of pieces that the vocabulary lacks.
    pieces_per_word
        Into how many pieces a word that the vocabulary has is cut on average; words of Chinese are its characters. A
        word that is read as one unknown piece is not cut, and does not count. NaN where there is no other.
    """

    rows: int
    skipped: int
    classes: tuple[tuple[str, int], ...]
    duplicates: tuple[int, ...]
    contradictions: tuple[tuple[int, ...], ...]
    leaks: tuple[int, ...]
    judged: int
    answers: int
    lengths: Int[np.ndarray, "example"]
    most: int
    unknown: float
    pieces_per_word: float

    @property
    def too_long(self) -> int:
        """How many examples lose their end; where only some were measured, as many of all as of these."""
        return round(float((self.lengths > self.most).mean()) * self.rows) if len(self.lengths) else 0

    @property
    def uncertainty(self) -> float:
        """By how much an accuracy around 90 % may be off by chance: half of its 95 % interval (normal approximation).

        Two models whose accuracies are closer than this cannot be told apart.
        """
        return 1.96 * math.sqrt(0.9 * 0.1 / max(1, self.answers))

    @property
    def majority(self) -> float:
        """The share of the largest class: the accuracy of who always guesses it. NaN for a regression."""
        return self.classes[0][1] / self.rows if self.classes else float("nan")

    @property
    def findings(self) -> tuple[str, ...]:
        """What to tell a person about, the gravest first.

        Of ``"leaks"``, ``"contradictions"``, ``"unknown"``, ``"few judged"``, ``"unbalanced"``, ``"many pieces"``,
        ``"too long"``, ``"duplicates"``, ``"skipped"``.
        """
        counts = [count for _, count in self.classes]
        found = {
            "leaks": bool(self.leaks),
            "contradictions": bool(self.contradictions),
            "unknown": self.unknown > _MANY_UNKNOWN,
            "few judged": self.uncertainty > _UNCERTAIN,
            "unbalanced": len(counts) > 1 and counts[0] > _UNBALANCED * counts[-1],
            "many pieces": self.pieces_per_word > _MANY_PIECES,
            "too long": self.too_long > 0,
            "duplicates": bool(self.duplicates),
            "skipped": self.skipped > 0,
        }
        return tuple(name for name, present in found.items() if present)


def check_health(
    encoder: Encoder,
    examples: Examples,
    learned: Sequence[int] | Int[np.ndarray, "learned"],
    judged: Sequence[int] | Int[np.ndarray, "judged"],
    most: int | None = None,
    sample: int = 20_000,
) -> Health:
    """Look at examples before a model learns from them.

    Parameters
    ----------
    learned, judged
        Places of those to learn from and those to judge by.
    most
        How many pieces of each text are read; as many as the model takes unless given.
    sample
        Of more examples than these, so many, evenly spread, are cut into pieces to measure lengths; fewer of long ones.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place in range(len(examples)):
        groups.setdefault(examples.key(place), []).append(place)
    duplicates, contradictions = [], []
    for group in groups.values():
        names = Counter(examples.labels[place] for place in group)
        if len(names) > 1:
            contradictions.append(tuple(group))
        seen: set[str] = set()
        for place in group:
            if examples.labels[place] in seen:
                duplicates.append(place)
            seen.add(examples.labels[place])
    known = {examples.key(int(place)) for place in learned}
    leaks = [int(place) for place in judged if examples.key(int(place)) in known]
    characters = sum(map(len, examples.texts)) / max(1, len(examples))
    count = min(sample, len(examples), max(_LEAST_READ, int(_MOST_CHARACTERS / max(1, characters))))
    chosen = np.unique(np.linspace(0, len(examples) - 1, count).astype(int))
    lengths, unknown, cut = [], 0, []
    for place in chosen:
        tokens = tokenize(encoder.pieces, examples.texts[place], examples.pairs[place] if examples.pairs else None)
        lengths.append(len(tokens))
        unknown += tokens.unknown
        words = [group for group in tokens.groups if not tokens.special[group[0]]]
        cut += [len(group) for group in words if not any(map(tokens.unknown_at, group))]
    pieces = sum(lengths) - len(lengths) * encoder.pieces.num_special_tokens_to_add(examples.pairs is not None)
    plays = examples.task in GAMES
    counted = Counter(examples.labels if examples.tags is None else [tag for row in examples.tags for tag in row])
    return Health(
        rows=len(examples),
        skipped=examples.skipped,
        classes=() if plays or examples.task == "regression" else tuple(counted.most_common()),
        duplicates=tuple(sorted(duplicates)),
        contradictions=() if plays else tuple(contradictions),
        leaks=tuple(leaks),
        judged=len(judged),
        # Of a passage every so-manyth piece is guessed.
        answers=round(len(judged) * Masking().rate * float(np.minimum(lengths, most or encoder.max_tokens).mean()))
        if plays
        else len(judged),
        lengths=read_only(lengths, np.int64),
        most=most or encoder.max_tokens,
        unknown=unknown / max(1, pieces),
        pieces_per_word=float(np.mean(cut)) if cut else float("nan"),
    )

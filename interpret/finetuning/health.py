"""What is wrong with labelled examples, told before anything is trained on them."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.core.arrays import read_only
from interpret.core.characters import beginning
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tokens import tokenize
from interpret.finetuning.examples import Examples
from interpret.finetuning.objective import find_objective

# The largest class with so many times as many rows as the smallest is worth a word.
_UNBALANCED = 3.0
# BERT's own vocabulary cuts English news into 1.2 tokens a word. Twice as many say that it lacks the field's words.
_MANY_TOKENS = 2.0
_MANY_UNKNOWN = 0.02
# What is cut into tokens to measure lengths: a second or two of work, and never fewer rows than tell something.
_MOST_CHARACTERS, _LEAST_READ = 2_000_000, 500
# By how much an accuracy may be off by chance before it is said that there is little to judge by.
_UNCERTAIN = 0.05


@dataclass(frozen=True, eq=False)
class DataHealth:
    """What was found in examples, and in their split.

    Attributes
    ----------
    rows, skipped
        How many are used; how many had no text or no label.
    classes
        Each class and how many rows have it, the most first; empty where labels name none.
    duplicates
        Places of examples that say what an earlier one said, with the same label.
    contradictions
        Groups of indices of examples that say the same and are labelled differently.
    leaks
        Places of examples to judge by that say what one to learn from says.
    left_out
        Places of examples that are not evaluated on, because one to learn from says the same: see
        `interpret.finetuning.splits.split_rows`.
    train_rows, held_out_rows, predictions
        How many there are to learn from and to judge by, and how many answers these take.
    lengths
        Tokens of each, special ones among them, before anything is cut off.
    most
        How many tokens of each are read at once.
    in_windows
        Whether one with more is read in windows, and loses nothing.
    weighs_classes
        Whether the loss can be weighted by class.
    moved
        To how many questions an answer stands elsewhere in the passage than the file says.
    unknown
        The share of tokens that the vocabulary lacks.
    tokens_per_word
        Into how many tokens a word that the vocabulary has is cut on average; words of Chinese are its characters. A
        word that is read as one unknown token is not cut, and does not count. NaN where there is no other.
    """

    rows: int
    skipped: int
    classes: tuple[tuple[str, int], ...]
    duplicates: tuple[int, ...]
    contradictions: tuple[tuple[int, ...], ...]
    leaks: tuple[int, ...]
    left_out: tuple[int, ...]
    train_rows: int
    held_out_rows: int
    predictions: int
    lengths: Int[np.ndarray, " example"]
    most: int
    in_windows: bool
    weighs_classes: bool
    moved: int
    unknown: float
    tokens_per_word: float

    @property
    def too_long(self) -> int:
        """How many examples lose their end; where only some were measured, as many of all as of these."""
        return round(float((self.lengths > self.most).mean()) * self.rows) if len(self.lengths) else 0

    @property
    def cut(self) -> float:
        """The share of all tokens that is not read, because it is beyond what is read of a text."""
        return float((self.lengths - self.lengths.clip(max=self.most)).sum() / max(1, self.lengths.sum()))

    @property
    def uncertainty(self) -> float:
        """By how much an accuracy around 90% may be off by chance: half of its 95% interval (normal approximation).

        Two models whose accuracies are closer than this cannot be told apart.
        """
        return 1.96 * math.sqrt(0.9 * 0.1 / max(1, self.predictions))

    @property
    def majority(self) -> float:
        """The share of the largest class: the accuracy of who always guesses it. NaN for a regression."""
        return self.classes[0][1] / self.rows if self.classes else float("nan")

    @property
    def findings(self) -> tuple[str, ...]:
        """What to tell a person about, the gravest first.

        Of ``"leaks"``, ``"left out"``, ``"contradictions"``, ``"unknown"``, ``"few held out"``, ``"unbalanced"``,
        ``"many tokens"``, ``"too long"``, ``"duplicates"``, ``"skipped"``, ``"moved"``.
        """
        counts = [count for _, count in self.classes]
        found = {
            "leaks": bool(self.leaks),
            "left out": bool(self.left_out),
            "contradictions": bool(self.contradictions),
            "unknown": self.unknown > _MANY_UNKNOWN,
            "few held out": self.uncertainty > _UNCERTAIN,
            "unbalanced": self.weighs_classes and len(counts) > 1 and counts[0] > _UNBALANCED * counts[-1],
            "many tokens": self.tokens_per_word > _MANY_TOKENS,
            "too long": self.too_long > 0 and not self.in_windows,
            "duplicates": bool(self.duplicates),
            "skipped": self.skipped > 0,
            "moved": self.moved > 0,
        }
        return tuple(name for name, present in found.items() if present)


def check_health(
    encoder: Encoder,
    examples: Examples,
    train_rows: Sequence[int] | Int[np.ndarray, " train_rows"],
    held_out_rows: Sequence[int] | Int[np.ndarray, " held_out_rows"],
    most: int | None = None,
    sample: int = 20_000,
) -> DataHealth:
    r"""Look at examples before a model learns from them.

    Parameters
    ----------
    train_rows, held_out_rows
        Places of those to learn from and those to judge by.
    most
        How many tokens of each text are read; as many as the model takes unless given.
    sample
        Of more examples than these, so many, evenly spread, are cut into tokens to measure lengths; fewer of long ones.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> lines = ["text,topic", "The bank lent.,money", "The bank lent.,nature", *(["Rain fell.,nature"] * 2)]
    >>> lines += ["Taxes rose.,money", "Prices fell.,money", "It snowed.,nature", "Birds sang.,nature"]
    >>> examples = it.finetuning.read_examples("\n".join(lines).encode(), "topics.csv", "text", "topic")
    >>> health = it.finetuning.check_health(encoder, examples, [0, 1, 2, 4, 5, 6], [3, 7])
    >>> health.classes
    (('nature', 5), ('money', 3))
    >>> health.duplicates, health.contradictions, health.leaks
    ((3,), ((0, 1),), (3,))
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for index in range(len(examples)):
        groups.setdefault(examples.key(index), []).append(index)
    duplicates, contradictions = _same_texts(examples, list(groups.values()))
    objective = find_objective(examples.task)
    known = {objective.kept_together(examples, int(index)) for index in train_rows}
    used = {*map(int, train_rows), *map(int, held_out_rows)}
    left_out = [
        index
        for index in range(len(examples))
        if index not in used and objective.kept_together(examples, index) in known
    ]
    leaks = [int(index) for index in held_out_rows if objective.kept_together(examples, int(index)) in known]
    characters = sum(map(len, examples.texts)) / max(1, len(examples))
    count = min(sample, len(examples), max(_LEAST_READ, int(_MOST_CHARACTERS / max(1, characters))))
    chosen = np.unique(np.linspace(0, len(examples) - 1, count).astype(int))
    lengths, unknown, cut = [], 0, []
    for index in chosen:
        tokens = tokenize(encoder.tokenizer, examples.texts[index], examples.pairs[index] if examples.pairs else None)
        lengths.append(len(tokens))
        unknown += tokens.unknown
        words = [group for group in tokens.groups if not tokens.special[group[0]]]
        lacking = {index for index in range(len(tokens)) if tokens.unknown_at(index)} if tokens.unknown else set()
        cut += [len(group) for group in words if lacking.isdisjoint(group)]
    total = sum(lengths) - len(lengths) * encoder.tokenizer.num_special_tokens_to_add(examples.pairs is not None)
    return DataHealth(
        rows=len(examples),
        skipped=examples.skipped,
        classes=tuple(objective.labels_of(examples).most_common()),
        duplicates=tuple(sorted(duplicates)),
        contradictions=objective.contradictions(contradictions),
        leaks=tuple(leaks),
        left_out=tuple(left_out),
        train_rows=len(train_rows),
        held_out_rows=len(held_out_rows),
        predictions=objective.predictions(
            len(held_out_rows), float(np.minimum(lengths, most or encoder.max_tokens).mean())
        ),
        lengths=read_only(lengths, np.int64),
        most=most or encoder.max_tokens,
        in_windows=objective.in_windows,
        weighs_classes=objective.classifies,
        moved=examples.moved,
        unknown=unknown / max(1, total),
        tokens_per_word=float(np.mean(cut)) if cut else float("nan"),
    )


def _same_texts(examples: Examples, groups: Sequence[Sequence[int]]) -> tuple[list[int], list[tuple[int, ...]]]:
    """Return examples that say what one before them says, and groups that say the same and are labelled differently."""
    duplicates: list[int] = []
    contradictions: list[tuple[int, ...]] = []
    for group in groups:
        names = Counter(examples.labels[index] for index in group)
        if len(names) > 1:
            contradictions.append(tuple(group))
        seen: set[str] = set()
        for index in group:
            if examples.labels[index] in seen:
                duplicates.append(index)
            seen.add(examples.labels[index])
    return duplicates, contradictions


def describe_health(health: DataHealth, examples: Examples) -> dict[str, InputError]:
    """Return a sentence for each finding, the gravest first: for a page, a terminal and a library alike."""

    def begin(index: int) -> str:
        return beginning(examples.texts[index])

    objective = find_objective(examples.task)
    first = health.contradictions[0] if health.contradictions else ()
    said: dict[str, Callable[[], InputError]] = {
        "leaks": lambda: InputError.counted(
            "{count} held-out row also occurs in the training set, so the model will look better than it is. Remove "
            "it from one file: “{text}”",
            "{count} held-out rows also occur in the training set, so the model will look better than it is. Remove "
            "them from one file. The first: “{text}”",
            len(health.leaks),
            count=f"{len(health.leaks):,}",
            text=begin(health.leaks[0]),
        ),
        "left out": lambda: InputError.counted(
            "{count} of {rows} rows of the test file also occurs in the training file and is left out: the test set "
            "contains nothing that was used for training. It is: “{text}”",
            "{count} of {rows} rows of the test file also occur in the training file and are left out: the test set "
            "contains nothing that was used for training. The first: “{text}”",
            len(health.left_out),
            count=f"{len(health.left_out):,}",
            rows=f"{len(health.left_out) + health.held_out_rows:,}",
            text=begin(health.left_out[0]),
        ),
        "contradictions": lambda: InputError.counted(
            "{count} text appears with different labels: “{text}” ({labels}). No model can get all of its rows right: "
            "decide which label is correct.",
            "{count} texts appear with different labels, such as “{text}” ({labels}). No model can get all of these "
            "right: decide which label is correct.",
            len(health.contradictions),
            count=f"{len(health.contradictions):,}",
            text=begin(first[0]),
            labels=", ".join(sorted({examples.labels[index] for index in first})),
        ),
        "few held out": lambda: objective.few_held_out(
            health.held_out_rows, health.predictions, f"{health.uncertainty * 100:.1f}"
        ),
        "unbalanced": lambda: InputError(
            "The classes are imbalanced. Switch on “Class weights (inverse frequency)”, and report macro-F1 rather "
            "than accuracy."
        ),
        "unknown": lambda: InputError(
            "{share} of the tokens are not in this model's vocabulary, so it cannot read those words. Choose a model "
            "for this language or domain.",
            share=f"{health.unknown:.1%}",
        ),
        "many tokens": lambda: InputError(
            "Words are split into {count} tokens on average: this vocabulary was not made for texts like these. A "
            "model of your language or domain may do better.",
            count=f"{health.tokens_per_word:.2f}",
        ),
        "too long": lambda: _too_long(health),
        "moved": lambda: _moved(health),
        "duplicates": lambda: InputError.counted(
            "{count} row repeats an earlier row. The two never fall on both sides of the split; they only count twice.",
            "{count} rows repeat an earlier row. They never fall on both sides of the split; they only count twice.",
            len(health.duplicates),
            count=f"{len(health.duplicates):,}",
        ),
        "skipped": lambda: (
            InputError(
                "Rows left out because the text or the label is missing: {count}. Read as missing labels: {names}.",
                count=f"{health.skipped:,}",
                names=", ".join(f"“{label}” ({count:,})" for label, count in examples.missing),
            )
            if examples.missing
            else objective.left_out(health.skipped)
        ),
    }
    return {name: said[name]() for name in health.findings}


def _moved(health: DataHealth) -> InputError:
    return InputError.counted(
        "The answer to {count} question stands elsewhere in its passage than the file says; the nearest match was "
        "taken. Check that the file counts characters, and not bytes.",
        "The answers to {count} questions stand elsewhere in their passages than the file says; the nearest "
        "matches were taken. Check that the file counts characters, and not bytes.",
        health.moved,
        count=f"{health.moved:,}",
    )


def _too_long(health: DataHealth) -> InputError:
    return InputError.counted(
        "{count} text is longer than {most} tokens and is truncated: {share} of all tokens are lost (the text "
        "has {longest}). Raise “Max length (tokens)” if the end matters; it costs time.",
        "{count} texts are longer than {most} tokens and are truncated: {share} of all tokens are lost (the "
        "longest text has {longest}). Raise “Max length (tokens)” if the ends matter; it costs time.",
        health.too_long,
        count=f"{health.too_long:,}",
        most=health.most,
        share=f"{health.cut:.1%}",
        longest=f"{int(health.lengths.max()):,}",
    )

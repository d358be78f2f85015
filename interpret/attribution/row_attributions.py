"""What came of explaining many texts: rows, what they say together, and all of it as a table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interpret.attribution.attribution import Attribution
from interpret.attribution.driving_words import DrivingWord, mean_share, top_words
from interpret.attribution.plausibility import Plausibility
from interpret.core.accuracy import Accuracy, measure_accuracy
from interpret.core.csv_output import csv_text
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows

# What a row's answer is worth as a measure of the classifier.
BASES = ("out-of-fold", "not learned from", "learned from", "not known")
_PLAUSIBILITY: Mapping[str, Callable[[Plausibility], float]] = {
    "token_f1": lambda one: one.token_f1,
    "iou": lambda one: one.iou,
    "auprc": lambda one: one.auprc,
    "auprc_by_chance": lambda one: one.chance,
}


@dataclass(frozen=True, eq=False)
class Row:
    """One explained text.

    Attributes
    ----------
    index
        Its index in the texts given, from 0.
    text
        All of it, also where only its beginning was read.
    label
        What it should be, or "".
    answer
        The class that the model finds likeliest, whichever one is explained; "" for other targets.
    in_training
        Whether the model learned from it, or from a text that reads the same; None where that is not known.
    out_of_fold
        For a text that a linear head was fitted on, the class said by a head that was fitted without it; else "".
    attribution
        Why the model says what it says.
    probability
        The probability of that class; for other targets the answer.
    cut
        Whether the text was too long and only its first window was read.
    human
        How its words compare with those that people marked; None where there are no marks.
    """

    index: int
    text: str
    label: str
    answer: str
    in_training: bool | None
    out_of_fold: str
    attribution: Attribution
    probability: float
    cut: bool
    human: Plausibility | None

    @property
    def said(self) -> str:
        """The class that counts as its answer: out-of-fold where there is one, for a fit knows its own rows."""
        return self.out_of_fold or self.answer

    @property
    def wrong(self) -> bool:
        """Whether it has a label, and the class that counts as its answer is another."""
        return bool(self.label and self.answer) and self.label != self.said

    @property
    def basis(self) -> str:
        """What its answer is worth as a measure of the classifier: one of `BASES`."""
        if self.in_training is None:
            return "not known"
        if not self.in_training:
            return "not learned from"
        return "out-of-fold" if self.out_of_fold else "learned from"


@dataclass(frozen=True, eq=False)
class RowAttributions:
    """Many texts explained by one method.

    Attributes
    ----------
    rows
        Those that were read.
    skipped
        Places of those that could not be explained, with why.
    unmarked
        Places of those whose highlights could not be used, with why.
    known
        All classes that the model can answer; empty for other targets.
    classes
        The classes that rows were explained for.
    method
        A name in `METHODS`.
    origin
        Which rows of a file all texts given are, the skipped ones too, by the same indices.
    """

    rows: tuple[Row, ...]
    skipped: tuple[tuple[int, InputError], ...]
    unmarked: tuple[tuple[int, InputError], ...]
    known: tuple[str, ...]
    classes: tuple[str, ...]
    method: str
    origin: FileRows

    def number(self, index: int) -> int:
        """Return the file's row number of a text, by its index in the texts given."""
        return self.origin.numbers[index]

    def words(self, name: str, least: int = 3) -> "list[DrivingWord]":
        """Return which words drive a class: see `top_words`, over the rows that are explained for it."""
        return top_words([row.attribution for row in self.rows if row.attribution.target.name == name], least)

    def numbers_with(self, name: str) -> dict[str, list[int]]:
        """Return for each word of the rows explained for a class the numbers of the rows in which it stands."""
        found: dict[str, list[int]] = {}
        for row in self.rows:
            if row.attribution.target.name == name:
                for word in dict.fromkeys(one.casefold() for one in words_of(row.attribution)[0]):
                    found.setdefault(word, []).append(self.number(row.index))
        return found

    @property
    def evaluated(self) -> tuple[Row, ...]:
        """The rows whose label is a class that the model can answer."""
        return tuple(row for row in self.rows if row.label in self.known)

    @property
    def accuracies(self) -> dict[str, Accuracy]:
        """The accuracy over the rows of each of `BASES` that there are `evaluated` rows of: never over all in one."""
        found = {}
        for basis in BASES:
            rows = [row for row in self.evaluated if row.basis == basis]
            measured = measure_accuracy([r.said for r in rows], [r.label for r in rows], [r.text for r in rows])
            if measured is not None:
                found[basis] = measured
        return found

    @property
    def plausibility(self) -> dict[str, tuple[float, float]]:
        """Mean token F1, IoU, AUPRC, and AUPRC by chance over rows with highlights, each with half a 95% interval.

        The interval is Student's over rows, and where all rows are alike Wilson's of a share of as many; NaN for a
        single row. Empty where no row has highlights.
        """
        marked = [row.human for row in self.rows if row.human is not None]
        return (
            {name: mean_share([read(one) for one in marked]) for name, read in _PLAUSIBILITY.items()} if marked else {}
        )


def rows_table(found: RowAttributions) -> dict[str, list[Any]]:
    """Return a column for each thing known about a row, and behind these the file's own; words and scores as JSON.

    ``row`` is the row's number in the file and ``text`` all of its text; ``cut`` says where only its beginning was
    read.
    """
    rows = found.rows
    worded = [words_of(row.attribution) for row in rows]
    table: dict[str, list[Any]] = {
        "row": [found.number(row.index) for row in rows],
        "text": [row.text for row in rows],
        "cut": [row.cut for row in rows],
        "label": [row.label for row in rows],
        "answer": [row.answer for row in rows],
    }
    if any(row.in_training is not None for row in rows):
        table["learned_from"] = [row.in_training for row in rows]
    if any(row.out_of_fold for row in rows):
        table["answer_out_of_fold"] = [row.out_of_fold for row in rows]
    table |= {
        "explained": [row.attribution.target.name for row in rows],
        "probability": [round(row.probability, 6) for row in rows],
        "delta": [row.attribution.delta for row in rows],
        "words": [json.dumps(words, ensure_ascii=False) for words, _scores in worded],
        "scores": [json.dumps(scores) for _words, scores in worded],
    }
    if any(row.human is not None for row in rows):
        for name, read in _PLAUSIBILITY.items():
            table[name] = ["" if row.human is None else round(read(row.human), 6) for row in rows]
    return found.origin.some([row.index for row in rows]).beside(table)


def words_of(attribution: Attribution) -> tuple[list[str], list[float]]:
    """Return a text's words and their scores, special tokens left out."""
    tokens = attribution.tokens
    kept = [index for index, group in enumerate(tokens.groups) if not tokens.special[group[0]]]
    scores = attribution.word_scores()
    return [tokens.words[index] for index in kept], [round(float(scores[index]), 6) for index in kept]


def write_rows(found: RowAttributions, file: Path) -> None:
    """Write `rows_table` as CSV."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        stream.write(csv_text(rows_table(found)))

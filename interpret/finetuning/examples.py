"""What a model is to learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Int

from interpret.errors import InputError
from interpret.file_rows import FileRows

# The games that BERT learned from, which need no labels: masked words alone, or both (Devlin et al. 2019, sec. 3.1).
GAMES = ("masked words", "masked words and next sentences")
TASKS = ("classes", "regression", "token classes", *GAMES)
LEAST_ROWS = 8


@dataclass(frozen=True, eq=False)
class Examples:
    """What a model is to learn from.

    Attributes
    ----------
    task
        What the labels are, one of `TASKS`.
    texts, pairs
        The texts, and their second texts or None. For token classes the words of each, joined by spaces; for games
        passages in the order of the text.
    labels
        One for each text: a class's name or a number as written; for token classes the tags, joined by spaces; for
        games which document it is of: its row in the file, from 1.
    places
        Which row of the file each is, from 0, skipped ones counted; of games which passage.
    skipped
        How many rows had no text or no label.
    columns
        What the file's other columns say of each, by their names.
    """

    task: str
    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: tuple[str, ...]
    places: tuple[int, ...]
    skipped: int
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def origin(self) -> FileRows:
        """Which rows of the file these are, and what else it says of them."""
        return FileRows(tuple(place + 1 for place in self.places), self.columns)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names in order; empty for a regression and for games."""
        if self.task in ("regression", *GAMES):
            return ()
        if self.task == "token classes":
            return tuple(sorted({tag for row in self.labels for tag in row.split()}))
        return tuple(sorted(set(self.labels)))

    def some(self, chosen: Sequence[int] | Int[np.ndarray, "chosen"]) -> "Examples":
        """Return those at some places of this collection."""
        pairs = None if self.pairs is None else tuple(self.pairs[i] for i in chosen)
        return Examples(
            self.task,
            tuple(self.texts[i] for i in chosen),
            pairs,
            tuple(self.labels[i] for i in chosen),
            tuple(self.places[i] for i in chosen),
            0,
            self.origin.some(chosen).columns,
        )

    def joined(self, other: "Examples") -> "Examples":
        """Return these examples and after them another file's, which keep the places of their own file.

        Raises
        ------
        InputError
            If the other has classes that this one has not: nothing could be learned of them.
        """
        strange = sorted(set(other.classes) - set(self.classes))
        if strange:
            raise InputError(
                "The file to judge by has the class “{label}”, which the file to learn from has not. Take its rows "
                "out, or add some of it there.",
                label=strange[0],
            )
        return self.followed_by(other)

    def followed_by(self, other: "Examples") -> "Examples":
        """Return these examples and after them others of the same kind, whatever their classes."""
        pairs = self.pairs + other.pairs if self.pairs is not None and other.pairs is not None else None
        return Examples(
            self.task,
            self.texts + other.texts,
            pairs,
            self.labels + other.labels,
            self.places + other.places,
            self.skipped + other.skipped,
            self.origin.followed_by(other.origin).columns,
        )

    def key(self, place: int) -> tuple[str, str]:
        """Return what two examples have in common that say the same: case and spaces apart."""
        second = self.pairs[place] if self.pairs is not None else ""
        return " ".join(self.texts[place].casefold().split()), " ".join(second.casefold().split())

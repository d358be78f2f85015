"""What a model is to learn from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Int

from interpret.core.accuracy import text_key
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows
from interpret.finetuning.objective import find_objective

LEAST_ROWS = 8


@dataclass(frozen=True, eq=False)
class Examples:
    """What a model is to learn from.

    Attributes
    ----------
    task
        The name of the training objective, which says what the labels are.
    texts, pairs
        The texts, and their second texts or None. For token classes the words of each, joined by spaces to be shown;
        of running text passages in their order.
    labels
        One for each text: a class's name, or a number with a decimal point; for token classes the tags, joined by
        spaces to be shown; of running text which document it is of: its row in the file, from 1; of a question its
        first answer, empty where the passage has none.
    indices
        Which row of the file each is, from 0, skipped ones counted; of running text which passage.
    skipped
        How many rows had no text or no label.
    missing
        What stood in place of a label in some of these, such as “nan”, and in how many.
    words, tags
        For token classes the words of each text as the file has them, and their tags; a word may hold spaces. Where
        they are not given they are what stands between single spaces in ``texts`` and ``labels``. None for other tasks.
    columns
        What the file's other columns say of each, by their names.
    blank, comments
        How many rows of the file have nothing in them, which are neither here nor skipped; and how many lines of a
        file of words and tags are none of words.
    spans
        For question answering, where ``texts`` are questions and ``pairs`` their passages, what was marked as the
        answer to each: characters ``start <= i < end`` of the passage. None for other tasks.
    moved
        Of how many questions an answer stands elsewhere in the passage than the file says.
    """

    task: str
    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: tuple[str, ...]
    indices: tuple[int, ...]
    skipped: int
    missing: tuple[tuple[str, int], ...] = ()
    words: tuple[tuple[str, ...], ...] | None = None
    tags: tuple[tuple[str, ...], ...] | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    blank: int = 0
    comments: int = 0
    spans: tuple[tuple[tuple[int, int], ...], ...] | None = None
    moved: int = 0

    def __post_init__(self) -> None:
        if self.words is None and find_objective(self.task).source == "tags":
            object.__setattr__(self, "words", tuple(tuple(text.split(" ")) for text in self.texts))
            object.__setattr__(self, "tags", tuple(tuple(label.split(" ")) for label in self.labels))

    @property
    def origin(self) -> FileRows:
        """Which rows of the file these are, and what else it says of them."""
        return FileRows(tuple(index + 1 for index in self.indices), self.columns)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names in order; empty where labels name none."""
        return find_objective(self.task).classes(self)

    def some(self, chosen: Sequence[int] | Int[np.ndarray, " chosen"]) -> "Examples":
        """Return those at some indices of this collection."""
        pairs = None if self.pairs is None else tuple(self.pairs[i] for i in chosen)
        return Examples(
            self.task,
            tuple(self.texts[i] for i in chosen),
            pairs,
            tuple(self.labels[i] for i in chosen),
            tuple(self.indices[i] for i in chosen),
            0,
            (),
            None if self.words is None else tuple(self.words[i] for i in chosen),
            None if self.tags is None else tuple(self.tags[i] for i in chosen),
            self.origin.some(chosen).columns,
            spans=None if self.spans is None else tuple(self.spans[i] for i in chosen),
        )

    def joined(self, other: "Examples") -> "Examples":
        """Return these examples and after them another file's, which keep the indices of their own file.

        Raises
        ------
        InputError
            If the other has classes that this one has not: nothing could be learned of them.
        """
        other = find_objective(self.task).as_test_set(other, self.classes)
        strange = sorted(set(other.classes) - set(self.classes))
        if strange:
            raise InputError(
                "The test file has the class “{label}”, which the training file lacks. Remove its rows, or add rows "
                "of this class to the training file.",
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
            self.indices + other.indices,
            self.skipped + other.skipped,
            tuple((Counter(dict(self.missing)) + Counter(dict(other.missing))).items()),
            self.words + other.words if self.words is not None and other.words is not None else None,
            self.tags + other.tags if self.tags is not None and other.tags is not None else None,
            self.origin.followed_by(other.origin).columns,
            self.blank + other.blank,
            self.comments + other.comments,
            self.spans + other.spans if self.spans is not None and other.spans is not None else None,
            self.moved + other.moved,
        )

    def key(self, index: int) -> tuple[str, str]:
        """Return what two examples have in common that say the same: case and spaces apart."""
        if self.words is not None:
            # Words may hold spaces, and “New York” is not “New” and “York”.
            return "\0".join(self.words[index]).casefold(), ""
        second = self.pairs[index] if self.pairs is not None else ""
        return text_key(self.texts[index]), text_key(second)

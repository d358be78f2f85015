"""What is in a labelled file: rows, repeated and contradicting texts, missing labels, classes and lengths."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from interpret.core.accuracy import text_key
from interpret.core.column_roles import ColumnRoles
from interpret.core.files import Table
from interpret.core.labels import as_number, is_missing
from interpret.core.scripts import IDEOGRAPHS

# Words between spaces, and ideographs one by one.
_WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\s{IDEOGRAPHS}]+")


@dataclass(frozen=True)
class DataCard:
    """What there is to know of a file before a model reads it.

    Attributes
    ----------
    rows, skipped
        Rows that were read, and blank ones that were not.
    without_text, without_label
        Rows whose cell of the text, or of the label, is empty or says that it is missing. Without such a column all
        have none.
    repeated
        Rows whose text, case and spaces apart, stands in an earlier row already.
    contradicting
        Rows whose text stands in another row with another label.
    classes
        How many rows each label has, the most frequent first; empty without labels, and where they are numbers of
        which few are alike.
    words
        Of the texts' numbers of words the median, the 95th percentile and the most; zeros without texts.
    """

    rows: int
    skipped: int
    without_text: int
    without_label: int
    repeated: int
    contradicting: int
    classes: Mapping[str, int]
    words: tuple[int, int, int]

    @property
    def labelled(self) -> int:
        """Rows with a label."""
        return self.rows - self.without_label

    @property
    def majority(self) -> float:
        """The share of the most frequent class among rows with a label; NaN without classes."""
        return next(iter(self.classes.values())) / self.labelled if self.classes else float("nan")

    @property
    def alike(self) -> tuple[tuple[str, ...], ...]:
        """Classes that are told apart by case, spaces or the way a number is written alone."""
        same: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.classes:
            value = as_number(name)
            same[text_key(name) if value is None else repr(value)].append(name)
        return tuple(tuple(names) for names in same.values() if len(names) > 1)


def make_data_card(table: Table, roles: ColumnRoles) -> DataCard:
    """Count what is in a file.

    Examples
    --------
    >>> rows = (("Rain again.", "bad"), ("rain  again.", "good"), ("Sun!", "good"), ("", "bad"), ("Fog", "n/a"))
    >>> table = Table(("text", "label"), rows, "utf-8", (1, 2, 3, 4, 5))
    >>> card = make_data_card(table, ColumnRoles(text=0, label=1))
    >>> card.without_text, card.without_label, card.repeated, card.contradicting
    (1, 1, 1, 2)
    >>> dict(card.classes), card.majority, card.words
    ({'bad': 2, 'good': 2}, 0.5, (1, 2, 2))
    """
    texts = [row[roles.text] for row in table.rows] if roles.text is not None else [""] * len(table.rows)
    labels = [row[roles.label].strip() for row in table.rows] if roles.label is not None else [""] * len(table.rows)
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, label in zip(texts, labels, strict=True):
        if text.strip():
            seen[text_key(text)]["" if is_missing(label) else label] += 1
    given = [label for label in labels if not is_missing(label)]
    counts = Counter(given)
    numbers = bool(given) and all(as_number(label) is not None for label in counts) and len(counts) * 2 > len(given)
    lengths = [len(_WORD.findall(text)) for text in texts if text.strip()] or [0]
    return DataCard(
        len(table.rows),
        len(table.skipped),
        sum(not text.strip() for text in texts),
        len(labels) - len(given),
        sum(found.total() - 1 for found in seen.values()),
        sum(found.total() - found[""] for found in seen.values() if len(found.keys() - {""}) > 1),
        MappingProxyType({} if numbers else dict(counts.most_common())),
        (int(np.median(lengths)), int(np.percentile(lengths, 95)), max(lengths)),
    )

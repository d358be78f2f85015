"""The share of right answers, and what it is worth."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from interpret.core.intervals import wilson


def text_key(text: str) -> str:
    """Return what two texts have in common that read the same: case and spaces apart."""
    return " ".join(text.casefold().split())


@dataclass(frozen=True)
class Accuracy:
    """The share of right answers over some rows.

    Attributes
    ----------
    right, count
        How many rows were answered right, and how many there are.
    texts
        How many of them read differently: see `text_key`. The same text twice is no second proof.
    commonest, majority
        The most frequent true class of these rows, and its share: the accuracy of who always guesses it.
    """

    right: int
    count: int
    texts: int
    commonest: str
    majority: float

    @property
    def share(self) -> float:
        """The accuracy."""
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95% interval (Wilson 1927), in which each different text counts once."""
        return wilson(self.share * self.texts, self.texts)

    @property
    def beats_majority(self) -> bool:
        """Whether even the interval's lower end is above the majority-class baseline."""
        return self.interval[0] > self.majority

    @property
    def decidable(self) -> bool:
        """Whether it could beat the baseline at all: of few rows, or of one class, not even right answers alone do."""
        return wilson(self.texts, self.texts)[0] > self.majority


def measure_accuracy(answers: Sequence[str], truth: Sequence[str], texts: Sequence[str]) -> Accuracy | None:
    """Count the right answers; None where there are no rows.

    Parameters
    ----------
    answers, truth, texts
        Of each row the class that was said, the class that it has, and its text.
    """
    if not truth:
        return None
    commonest, most = Counter(truth).most_common(1)[0]
    return Accuracy(
        right=sum(said == true for said, true in zip(answers, truth, strict=True)),
        count=len(truth),
        texts=len({text_key(text) for text in texts}),
        commonest=commonest,
        majority=most / len(truth),
    )

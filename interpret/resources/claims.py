"""Three rows of a table that articles on BERT repeat: how much memory a fine-tune needs. Each is put to the test."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from interpret.core.sentences import sentence
from interpret.resources.calibration import Calibration, Point, Range
from interpret.resources.prediction import Prediction
from interpret.resources.workload import Workload

# Cards as they are sold, in GB.
CARDS = (4, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 80, 96, 141, 192)
# What a card's context takes beside the model, of PyTorch with CUDA: 0.3 to 0.6 GB were seen by others, by generation.
CONTEXT: Range = (0.3e9, 0.5e9, 0.7e9)
# Between two measurements of the same work: half a per cent was seen.
_BETWEEN_RUNS = 0.02


@dataclass(frozen=True)
class Claim:
    """A row: so much work is said to need a card of so many gigabytes.

    Attributes
    ----------
    title
        What it is, in English: the catalogue has it.
    shape
        The model's, of `interpret.resources.configs.SHAPES`.
    work
        What is done, eagerly, as when the table was made.
    gigabytes
        What is said to be needed.
    open_ended
        Whether more is said to be better still: “24 GB+”.
    """

    title: str
    shape: str
    work: Workload
    gigabytes: int
    open_ended: bool = False

    @property
    def words(self) -> str:
        """The gigabytes as they are said."""
        return f"{self.gigabytes}+" if self.open_ended else f"{self.gigabytes}"

    def by(self, kernel: str) -> Workload:
        """The same work by another kernel."""
        return replace(self.work, kernel=kernel)

    @property
    def smaller(self) -> int:
        """The largest card that is sold with less memory."""
        return max(one for one in CARDS if one < self.gigabytes)


_ROWS = {
    "classification": Claim(
        sentence("Classification"), "bert-base", Workload(32, 128, training=True, kernel="eager"), 8
    ),
    "question answering": Claim(
        sentence("Question answering"),
        "bert-base",
        Workload(16, 512, training=True, head="questions", kernel="eager"),
        16,
    ),
    # Of an encoder as large, with 1,024 positions and scores over all words for each token, as writing has them.
    "summarisation": Claim(
        sentence("Summarisation"),
        "bert-base-1024",
        Workload(8, 1024, training=True, head="masked words", kernel="eager"),
        24,
        open_ended=True,
    ),
}
# The rows, by what is done.
CLAIMS: Mapping[str, Claim] = MappingProxyType(_ROWS)


def verdict(claim: Claim, taken: Range) -> str:
    """Say what to make of a claim, where an interval of what is taken, a card's context among it, lies on one side.

    Returns
    -------
    str
        ``"true"`` where it fits, and does not fit on the next smaller card; ``"too low"`` where it does not fit; ``"too
        high"`` where the next smaller card has room for it; ``"undecided"`` where the interval has more than one of
        these. Where more is said to be better, nothing is too low.

    Examples
    --------
    >>> from interpret.resources import CLAIMS, verdict
    >>> [verdict(CLAIMS["classification"], (x - 5e8, x, x + 5e8)) for x in (5e9, 6e9, 7e9, 9e9)]
    ['too high', 'undecided', 'true', 'too low']
    """
    low, _usual, high = taken
    if high <= 1e9 * claim.smaller:
        return "too high"
    if low > 1e9 * claim.smaller and (high <= 1e9 * claim.gigabytes or claim.open_ended):
        return "true"
    return "too low" if low > 1e9 * claim.gigabytes else "undecided"


def on_a_card(predicted: Prediction, calibration: Calibration) -> Range:
    """Return the bytes that a prediction takes of a card, its context among them."""
    low, usual, high = (one + other for one, other in zip(calibration.memory(predicted), CONTEXT, strict=True))
    return low, usual, high


def as_measured(point: Point) -> Range:
    """Return the bytes that a measurement would take of a card, with a context for it.

    On a processor what its allocator keeps is among them: a card's own keeps other gaps.
    """
    low, usual, high = (one + point.taken for one in CONTEXT)
    spread = _BETWEEN_RUNS * point.taken
    return low - spread, usual, high + spread


def card_for(taken: Range) -> int | None:
    """Return the smallest card that has room for the whole range, in GB; None where none that is sold has.

    Examples
    --------
    >>> from interpret.resources import card_for
    >>> card_for((5e9, 6e9, 7e9)), card_for((1e12, 1e12, 1e12))
    (8, None)
    """
    return next((one for one in CARDS if 1e9 * one >= taken[2]), None)

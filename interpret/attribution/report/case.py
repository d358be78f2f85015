"""One row looked at closely: against the runner-up, with what would flip it, and how far its words can be believed."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from interpret.attribution.attribution import Attribution, explain
from interpret.attribution.counterfactuals import Counterfactuals, find_counterfactuals
from interpret.attribution.faithfulness import Faithfulness, faithfulness
from interpret.attribution.path_integral import Progress
from interpret.attribution.row_attributions import Row, RowAttributions
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets import Target
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.linear_head import LinearHead

# Rankings beside a method's: enough to tell from chance at 2.5%, of which a thousand would take five times as long.
DRAWS = 199
# Every set of one, two and three words is tried where a text is short.
MOST_CHANGES = 3
# Wrong predictions that are looked at closely unless told, and cases in all.
_MOST_WRONG, _MOST_CASES = 10, 40
Reason = Literal["requested", "wrong", "most certain", "least certain"]


@dataclass(frozen=True, eq=False)
class Case:
    """A row that is looked at closely.

    Attributes
    ----------
    index
        Its index in `RowAttributions.rows`.
    reasons
        Why it is: it was ``"requested"``; it is ``"wrong"``; of the rows that are counted as its class it is the
        ``"most certain"`` or the ``"least certain"``.
    contrast
        What tells the predicted class from the ``runner_up``, by the method of the rows: see
        `interpret.attribution.targets.contrast`. None where there is one class, or the method refuses.
    runner_up
        The second likeliest class; empty where there is one class.
    counterfactuals
        The fewest words whose loss flips the prediction; None where it was not searched for.
    faithfulness
        Whether the words on top decide the answer, beside rankings that know nothing; None where it was not measured.
    """

    index: int
    reasons: tuple[Reason, ...]
    contrast: Attribution | None
    runner_up: str
    counterfactuals: Counterfactuals | None
    faithfulness: Faithfulness | None


def choose_cases(
    found: RowAttributions, probabilities: Float[np.ndarray, "row label"], most: int = _MOST_CASES
) -> dict[int, tuple[Reason, ...]]:
    """Return which rows to look at closely, by their indices in ``found.rows``, and why; in the order of the file.

    The wrong predictions, the surest ten first; and of each class the most and the least certain row that is counted
    as it and is not known to be wrong. No more than ``most`` in all.

    Parameters
    ----------
    probabilities
        Of each row those of ``found.known`` that its counted answer comes of.
    """
    sure = [float(some[found.known.index(row.said)]) for row, some in zip(found.rows, probabilities, strict=True)]
    surest = sorted(range(len(sure)), key=lambda index: -sure[index])
    wrong = [index for index in surest if found.rows[index].wrong and found.rows[index].label in found.known]
    chosen: dict[int, tuple[Reason, ...]] = {index: ("wrong",) for index in wrong[:_MOST_WRONG]}
    right = [index for index in surest if index not in set(wrong)]
    for name in found.known:
        of_class = [index for index in right if found.rows[index].said == name]
        if of_class:
            chosen[of_class[0]] = ("most certain",)
            # Of a single row of its class it is both.
            chosen[of_class[-1]] = (*chosen.get(of_class[-1], ()), "least certain")
    return dict(sorted(list(chosen.items())[:most]))


def rows_numbered(found: RowAttributions, numbers: Sequence[int]) -> list[int]:
    """Return the indices in ``found.rows`` of rows by their numbers in the file.

    Raises
    ------
    InputError
        If a number is none of a row that was explained.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "", "A dull film."]
    >>> found = it.attribution.attribute_rows(encoder, texts, target="norm", method="saliency")
    >>> it.attribution.rows_numbered(found, [3, 1])
    [1, 0]
    """
    known = {found.number(row.index): index for index, row in enumerate(found.rows)}
    left_out = {found.number(index): error for index, error in found.skipped}
    indices = []
    for number in dict.fromkeys(numbers):
        if number in left_out:
            raise InputError("Row {row} was left out: {why}", row=number, why=left_out[number])
        if number not in known:
            raise InputError(
                "Row {row} is not among the rows that were explained: these are {first} to {last}. Choose others.",
                row=number,
                first=min(known),
                last=max(known),
            )
        indices.append(known[number])
    return indices


def look_closely(
    encoder: Encoder,
    row: Row,
    index: int,
    reasons: tuple[Reason, ...],
    probabilities: Float[np.ndarray, " label"],
    names: Sequence[str],
    head: LinearHead | None,
    wanted: tuple[bool, bool, bool],
    progress: Progress | None,
) -> Case:
    """Compute what is known of a row beyond its attribution: the contrast, counterfactuals and faithfulness, if wanted.

    Parameters
    ----------
    probabilities
        What the explained classifier says of it.
    names
        Its classes.
    """
    one = row.attribution
    function = TargetFunction(encoder, one.tokens, one.target, head)
    order = [int(i) for i in np.argsort(-probabilities, kind="stable")]
    contrast, runner_up = None, names[order[1]] if len(order) > 1 else ""
    if wanted[0] and runner_up:
        best, second = order[:2]
        target = Target("contrast", f"{names[best]} − {names[second]}", best, second, names[second])
        # A method may have no use for this target; the rest of the report stands.
        with suppress(InputError):
            contrast = explain(
                TargetFunction(encoder, one.tokens, target, head),
                one.method,
                one.baseline or "pad",
                one.tolerance,
                rule=one.rule or "adaptive",
                smooth=one.smooth,
                seed=one.seed,
                progress=progress,
            )
    counterfactuals = (
        find_counterfactuals(function, most=MOST_CHANGES, progress=progress) if wanted[1] and runner_up else None
    )
    faithful = faithfulness(function, one, DRAWS, one.seed, progress) if wanted[2] else None
    return Case(index, reasons, contrast, runner_up, counterfactuals, faithful)

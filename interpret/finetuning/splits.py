"""Which rows are learned from, which choose the epoch, and which the result is reported on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.finetuning.data import split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.objective import find_objective

# Of fewer rows neither a choice nor a result is worth having: an accuracy of 80% is 58 to 92% on 20.
LEAST_OF_EACH = 20


@dataclass(frozen=True, eq=False)
class Split:
    """Places of the rows that serve for each.

    Attributes
    ----------
    train
        Those to learn from.
    validation
        Those that the model is evaluated on after every epoch, and that choose the best one where there is patience.
    test
        Those that the result is reported on: the same as ``validation`` where nothing is chosen, or where there are
        too few rows for three sets.
    """

    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]

    @property
    def apart(self) -> bool:
        """Whether the rows that choose are others than those that the result is reported on."""
        return self.validation is not self.test


def split_rows(examples: Examples, share: float, seed: int, apart: bool, test_rows: int = 0) -> Split:
    """Split rows for a run.

    Parameters
    ----------
    share, seed
        As `interpret.finetuning.data.split_examples` takes them.
    apart
        Whether an epoch is to be chosen, by rows of its own. Then the rows held out are cut in two halves as they were
        cut from the others: each class gives a half, texts that say the same stay together, a document gives its
        middle and its end. With a second file that is the test set, and the share of the first one chooses. Where
        a class has too few rows for it, or either set fewer than `LEAST_OF_EACH`, the same rows serve for both.
    test_rows
        How many of the last rows are a second file's, to report on; 0 for none. Those that also stand in the first
        file (case and spaces apart) are in no set: the result is of what was never learned from.

    Raises
    ------
    InputError
        As `interpret.finetuning.data.split_examples` has it, or if all rows of the second file stand in the first one.
    """
    count = len(examples) - test_rows
    if test_rows:
        kept_together = find_objective(examples.task).kept_together
        known = {kept_together(examples, index) for index in range(count)}
        new = [index for index in range(count, len(examples)) if kept_together(examples, index) not in known]
        if not new:
            raise InputError.counted(
                "The only row of the test file also appears in the training file. Use other rows, or hold out a "
                "share of the training file.",
                "All {count} rows of the test file also appear in the training file. Use other rows, or hold out a "
                "share of the training file.",
                test_rows,
                count=test_rows,
            )
        train, test = np.arange(count), read_only(new, np.int64)
        parts = _cut(examples, train, share, seed) if apart else None
        if parts is None or len(parts[1]) < LEAST_OF_EACH:
            return Split(read_only(train, np.int64), test, test)
        return Split(*parts, test)
    train, held_out = split_examples(examples, share, seed)
    halves = _cut(examples, held_out, 0.5, seed) if apart else None
    if halves is None or min(map(len, halves)) < LEAST_OF_EACH:
        return Split(train, held_out, held_out)
    return Split(train, *halves)


def _cut(
    examples: Examples, rows: Int[np.ndarray, " row"], share: float, seed: int
) -> tuple[Int[np.ndarray, " stays"], Int[np.ndarray, " out"]] | None:
    """Take a share of some rows out; None where a class would be missing on one side."""
    try:
        stay, out = split_examples(examples.some(rows), share, seed)
    except InputError:
        return None
    return read_only(rows[stay], np.int64), read_only(rows[out], np.int64)

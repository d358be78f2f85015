"""Examples out of a file, and their split into those to learn from and those that are held out."""

import numpy as np
from jaxtyping import Int

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.finetuning.data_source import PASSAGE_WORDS, Columns
from interpret.finetuning.examples import Examples
from interpret.finetuning.objective import find_objective


def read_examples(
    content: bytes,
    name: str,
    text: str,
    label: str,
    pair: str | None = None,
    task: str = "classes",
    words: int = PASSAGE_WORDS,
    tags: str = "",
) -> Examples:
    r"""Read a file's examples.

    Parameters
    ----------
    content, name
        The file; its name tells its kind.
    text, label, pair
        Names of columns. For token classes the file is in one of the forms of `interpret.core.tag_files.read_tags`
        instead, and they are not used. Running text has no labels: see `interpret.finetuning.passages.read_passages`.
        A label that is written as missing (`interpret.core.labels.MISSING`) is none: its row is left out and counted.
    task
        The name of a training objective: see `interpret.finetuning.objective.list_objectives`.
    words
        For running text the length of a passage.
    tags
        For token classes which of the file's columns, or features, is the tag; the form's own unless given.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or the labels are not what the task takes.

    Examples
    --------
    >>> import interpret as it
    >>> lines = ["text,topic", ",money", *(f"Tax number {number},money" for number in range(4))]
    >>> lines += [f"Rain of day {number},nature" for number in range(4)]
    >>> examples = it.finetuning.read_examples("\n".join(lines).encode(), "topics.csv", "text", "topic")
    >>> len(examples), examples.skipped, examples.classes
    (8, 1, ('money', 'nature'))
    >>> examples.texts[0], examples.labels[0], examples.indices[0]
    ('Tax number 0', 'money', 1)
    """
    return find_objective(task).read(content, name, Columns(text, label, pair, words, tags))


def split_examples(
    examples: Examples, share: float = 0.2, seed: int = 0
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " held_out"]]:
    r"""Hold a share of the examples out, so that what is evaluated on was never learned from.

    Every class (for a regression: every fifth of its values) gives its share, and has examples on either side.
    Examples that say the same stay together, whatever their labels. The same seed gives the same split.

    Parameters
    ----------
    share
        Of the examples that are held out, from 0.05 to 0.5.

    Raises
    ------
    InputError
        If the share is out of range, a class's rows all say the same, so that it cannot be on both sides, or one side
        is left empty.

    Examples
    --------
    >>> import interpret as it
    >>> lines = ["text,topic", *(f"The bank lent {amount}.,money" for amount in range(10))]
    >>> lines += [f"Rain fell {days} days.,nature" for days in range(10)]
    >>> examples = it.finetuning.read_examples("\n".join(lines).encode(), "topics.csv", "text", "topic")
    >>> train, held_out = it.finetuning.split_examples(examples, share=0.2)
    >>> len(train), len(held_out), set(train) & set(held_out)
    (16, 4, set())
    >>> sorted(examples.labels[index] for index in held_out)
    ['money', 'money', 'nature', 'nature']
    """
    if not 0.05 <= share <= 0.5:
        raise InputError(
            "A held-out share of {share} is not possible. Choose one between 0.05 and 0.5, such as 0.2.", share=share
        )
    objective = find_objective(examples.task)
    train, held_out = objective.split(examples, share, seed)
    least = objective.least(examples)
    if len(train) < least or len(held_out) < least:
        raise InputError(
            "The split leaves {train} for training and {held_out} for evaluation. Identical texts stay together: add "
            "different ones, hold out another share, or use a second file as the test set.",
            train=len(train),
            held_out=len(held_out),
        )
    return read_only(train, np.int64), read_only(held_out, np.int64)

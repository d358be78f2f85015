"""What a training learns from and is evaluated on, as its model reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from interpret.finetuning.collator import Collator, Item


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What is learned from, read.

    Attributes
    ----------
    labels
        The classes in the order of the answers; empty where there are none.
    train, validation, test
        Examples to learn from, to evaluate every epoch on, and to report on: one and the same object as ``validation``
        where no other rows are set apart.
    lengths
        The tokens of each example of the training set.
    probes
        Texts that are answered after every epoch; their labels count for nothing.
    collate
        Puts some of them side by side.
    class_weights
        For each class what its examples count; None for all alike.
    scale
        Mean and standard deviation of a regression's labels.
    """

    labels: tuple[str, ...]
    train: Sequence[Item]
    validation: Sequence[Item]
    test: Sequence[Item]
    lengths: Sequence[int]
    probes: Sequence[Item]
    collate: Collator
    class_weights: torch.Tensor | None
    scale: tuple[float, float]

"""What a training learns from and is judged by, as its model reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from interpret.core.encoder import Encoder
from interpret.finetuning.collator import NO_LABEL, Collator, Item, Reader
from interpret.finetuning.examples import PRETRAINING_TASKS, Examples
from interpret.finetuning.pretraining_collator import PretrainingCollator
from interpret.finetuning.recipe import Recipe


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What is learned from, read.

    Attributes
    ----------
    task
        One of `interpret.finetuning.examples.TASKS`.
    labels
        The classes in the order of the answers; empty where there are none.
    learned, judged, tested
        Examples to learn from, to judge every epoch by, and to report on: the same as ``judged`` where nothing else is
        told.
    lengths
        The tokens of each that is learned from.
    watched
        Sentences that are answered after every epoch; their labels count for nothing.
    collate
        Puts some of them side by side.
    weights
        For each class what its examples count; None for all alike.
    scale
        Mean and spread of a regression's labels.
    """

    task: str
    labels: tuple[str, ...]
    learned: Sequence[Item]
    judged: Sequence[Item]
    tested: Sequence[Item]
    lengths: Sequence[int]
    watched: Sequence[Item]
    collate: Collator
    weights: torch.Tensor | None
    scale: tuple[float, float]


def read_training_data(
    encoder: Encoder,
    recipe: Recipe,
    examples: Examples,
    learned: Sequence[int] | Int[np.ndarray, " learned"],
    judged: Sequence[int] | Int[np.ndarray, " judged"],
    tested: Sequence[int] | Int[np.ndarray, " tested"] | None,
    probes: Sequence[str],
    scale: tuple[float, float],
    device: str,
) -> TrainingData:
    """Read what a training learns from, and what it is judged by.

    Parameters
    ----------
    learned, judged, tested
        Places of the examples to learn from, to judge every epoch by, and to report on; None for the same ones.
    probes
        Texts whose answers are told with every evaluation.
    scale
        As `label_scale` has it.
    device
        Where it is learned.
    """
    if examples.task in PRETRAINING_TASKS:
        game = PretrainingCollator(encoder, recipe, examples, [int(place) for place in learned])
        always = PretrainingCollator(encoder, recipe, examples, [int(place) for place in judged])
        last = (
            always
            if tested is None
            else PretrainingCollator(encoder, recipe, examples, [int(place) for place in tested])
        )
        return TrainingData(
            examples.task, (), game, always, last, game.lengths(), [], Collator(encoder, device), None, scale
        )
    read = Reader(encoder, recipe, examples, examples.classes, scale)
    found = [read(int(place)) for place in learned]
    validation = [read(int(place)) for place in judged]
    return TrainingData(
        examples.task,
        examples.classes,
        found,
        validation,
        validation if tested is None else [read(int(place)) for place in tested],
        [len(one["input_ids"]) for one in found],
        [read.watched(one) for one in probes] if examples.task != "token classes" else [],
        Collator(encoder, device),
        _weights(recipe, found, len(examples.classes), device),
        scale,
    )


def label_scale(examples: Examples, learned: Sequence[int] | np.ndarray) -> tuple[float, float]:
    """Return mean and spread of what is learned, so that any unit of measure is learned at the same rate."""
    if examples.task != "regression":
        return 0.0, 1.0
    values = np.array([float(examples.labels[int(place)]) for place in learned])
    return float(values.mean()), float(values.std()) or 1.0


def _weights(recipe: Recipe, learned: Sequence[Item], classes: int, device: str) -> torch.Tensor | None:
    if not recipe.balanced or not classes:
        return None
    labels = [one["labels"] if isinstance(one["labels"], list) else [one["labels"]] for one in learned]
    counts = np.bincount([place for row in labels for place in row if place != NO_LABEL], minlength=classes).clip(1)
    return torch.tensor(counts.sum() / (classes * counts), dtype=torch.float32, device=device)

"""A fine-tune from beginning to end: the model, what is frozen and kept of it, the training, what came of it."""

import gc
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from tokenizers import Tokenizer

from interpret.core.adapters import Model
from interpret.core.arrays import read_only
from interpret.core.batches import batches_of
from interpret.core.checkpoints import Checkpoint
from interpret.core.device_lock import lock_device, release
from interpret.core.devices import find_device
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import CapacityError, InputError
from interpret.core.families import Family
from interpret.core.layer_groups import LayerGroup, frozen_prefix, layer_group_names
from interpret.core.rounding import fast_precision, measure_rounding
from interpret.finetuning.checkpoints import SNAPSHOTS, latest_checkpoint
from interpret.finetuning.examples import Examples
from interpret.finetuning.metrics_log import Callback, Evaluation, Reading, Step, Stopped, examples_a_second
from interpret.finetuning.model_selection import Choice
from interpret.finetuning.objective import Answers, Objective, find_objective
from interpret.finetuning.prefix_cache import kept_layers, prefix_bytes, run_prefix, without_prefix
from interpret.finetuning.recipe import AUTO, OWN_HEAD, Recipe, resolve
from interpret.finetuning.regularization import ParentRun, make_regularizer
from interpret.finetuning.trainable_model import TrainableModel, at_rest, make_trainable_model, save_model
from interpret.finetuning.trainer import FineTuner
from interpret.finetuning.training_arguments import training_arguments
from interpret.finetuning.training_data import TrainingData


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of a training.

    Attributes
    ----------
    model, family, tokenizer, head, task
        The model, whole and on its device, its tokenizer, its head's name, and what it answers.
    labels
        The classes in the order of its outputs; empty for a regression.
    layer_groups
        The stack, and what of it was frozen.
    steps, evaluations
        What was told on the way, since it was begun or resumed; one evaluation for each epoch and where it stopped.
    answers, loss
        What it says of the test set, and what would have been right, as the objective's ``evaluate`` has it; its mean
        loss there. For a regression both are values as they were given.
    choice
        How far the result is flattered where the epoch was chosen among several by the examples that it is reported on;
        None where it was not.
    best
        The epoch that the model is of: the one with the lowest evaluation loss where there is patience, or the last.
    kept
        How many layers' output was computed once; -1 for none.
    stopped
        Whether it was stopped before its end.
    seconds, per_second
        What it took since it was begun or resumed, and how many examples it learned from a second: see
        `interpret.finetuning.metrics_log.examples_a_second`.
    adapter
        What the adapters and the head learned, as PEFT names it; empty where there were no adapters. The model has it
        in its weights already.
    """

    model: Model
    family: Family
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    head: str
    task: str
    layer_groups: tuple[LayerGroup, ...]
    steps: tuple[Step, ...]
    evaluations: tuple[Evaluation, ...]
    answers: Answers
    loss: float
    choice: Choice | None
    best: float
    kept: int
    stopped: bool
    seconds: float
    per_second: float
    adapter: Mapping[str, torch.Tensor]


def train(
    recipe: Recipe,
    examples: Examples,
    train_rows: Sequence[int] | Int[np.ndarray, " train_rows"],
    validation_rows: Sequence[int] | Int[np.ndarray, " validation_rows"],
    callback: Callback | None = None,
    stop: Callable[[], bool] | None = None,
    folder: Path | None = None,
    probes: Sequence[str] = (),
    parent_run: ParentRun | None = None,
    test_rows: Sequence[int] | Int[np.ndarray, " test_rows"] | None = None,
) -> Trained:
    """Fine-tune a model on labelled texts, pairs of texts, or words; or go on with its pre-training.

    Frozen layer groups run as in use, without dropout, whether their output is kept or not.

    Parameters
    ----------
    train_rows, validation_rows
        Places of the examples to learn from, and to evaluate every epoch on: where there is patience, these choose one.
    callback
        Called as ``callback(what, steps in all)`` with each step and evaluation, and before the first step with how far
        it is with what is computed once; raising inside it ends the training there, with nothing.
    stop
        Asked after every step whether to stop: then a checkpoint is written, and what was learned so far is evaluated.
    folder
        Where checkpoints are written. Where it has one, the training goes on from there, as if it had never stopped.
        Beside it, in ``snapshots``, the weights that changed are written some times on the way.
    probes
        Texts whose answers are reported with every evaluation; none for token classes and running text.
    parent_run
        What the model had learned from, for EWC.
    test_rows
        Places of the examples that the result is reported on; None for those that every epoch is evaluated on.

    Raises
    ------
    InputError
        If a layer group or a head is unknown or does not serve the task, or the loss is no number any more.
    CapacityError
        If the device runs out of memory, or the disk is full.
    Stopped
        If it was asked to stop before its first step.
    """
    objective = find_objective(examples.task)
    if objective.head_refusal and recipe.head not in (AUTO, OWN_HEAD):
        raise InputError(objective.head_refusal, name=recipe.head, own=OWN_HEAD)
    device = find_device(recipe.device).name
    recipe, encoder, trainable = _prepare(recipe, examples, device)
    scale = objective.label_scale(examples, train_rows)
    if trainable.continued:
        objective.start_from(trainable, scale)
    with lock_device(device, _too_much(device)), ExitStack() as stack:
        # Once the device is its own: waiting is no training.
        begin = time.perf_counter()
        parts = (train_rows, validation_rows, validation_rows if test_rows is None else test_rows)
        training_data = objective.read_training_data(encoder, recipe, examples, parts, probes, scale, device)
        regularizer = make_regularizer(trainable, recipe, parent_run)
        stack.enter_context(at_rest(trainable.model))
        kept = _take_prefix(stack, objective, trainable, recipe, training_data, encoder.width, callback, stop)
        checkpoints = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trainer = FineTuner(
            objective,
            trainable,
            training_data,
            recipe,
            regularizer,
            callback,
            stop,
            folder is not None,
            folder.parent / SNAPSHOTS if folder is not None else None,
            training_arguments(recipe, device, checkpoints),
        )
        _begin_or_resume(trainer, checkpoints)
        loss, found = trainer.finish()
        trainer.release()
        seconds = time.perf_counter() - begin
    per_second = examples_a_second(len(trainer.steps) / trainer.steps_an_epoch, len(train_rows), seconds)
    return _settle(trainer, examples, encoder.tokenizer, loss, found, kept, seconds, per_second)


def _prepare(recipe: Recipe, examples: Examples, device: str) -> tuple[Recipe, Encoder, TrainableModel]:
    """Settle what a recipe leaves open; return it with the model that it begins with and the one that is to learn."""
    recipe = replace(recipe, precision=settle_precision(recipe, examples.texts))
    # On the host: what learns is made of it there, and is the only model that ever comes to the device.
    encoder = load_encoder(recipe.model, "cpu")
    recipe = resolve(recipe, layer_group_names(encoder.model, encoder.family), encoder.width, examples.task)
    trainable = make_trainable_model(encoder, recipe, examples.task, examples.classes, device)
    if not recipe.dropout:
        _drop_nothing(trainable.model)
    return recipe, encoder, trainable


def _begin_or_resume(trainer: FineTuner, folder: Path) -> None:
    """Train, from the last checkpoint of a folder where it has one, unless the training was at its end there."""
    before = latest_checkpoint(folder)
    if before is None or not trainer.out_of_patience(before[0]):
        trainer.train(resume_from_checkpoint=str(before[0]) if before is not None else None)


def _settle(
    trainer: FineTuner,
    examples: Examples,
    tokenizer: Tokenizer,
    loss: float,
    found: Answers,
    kept: int,
    seconds: float,
    per_second: float,
) -> Trained:
    """Merge adapters into a model that has learned, and return it with its answers as they are to be read."""
    trainable, progress = trainer.trainable, trainer.reached.progress
    choice = trainer.choice(found)
    answers = trainer.training_objective.finish(trainable, found, trainer.data.scale)
    adapter = trainable.settle()
    return Trained(
        trainable.model,
        trainable.family,
        tokenizer,
        examples.classes,
        trainer.recipe.head,
        examples.task,
        trainable.layer_groups,
        tuple(trainer.steps),
        tuple(progress.evaluations),
        {name: read_only(one) for name, one in answers.items()},
        loss,
        choice,
        progress.best,
        kept,
        progress.stopped,
        seconds,
        per_second,
        adapter,
    )


def _drop_nothing(model: torch.nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def settle_precision(recipe: Recipe, texts: Sequence[str]) -> str:
    """Return the precision that a recipe trains in; where it leaves that open, by what bfloat16 moves of these texts.

    Raises
    ------
    CapacityError
        If the device's memory does not hold the model.
    """
    device = find_device(recipe.device)
    if recipe.precision != AUTO or fast_precision(device) == "float32":
        return "float32" if recipe.precision == AUTO else recipe.precision
    small = measure_rounding(load_encoder(recipe.model, device.name), texts).small
    # The model that it was measured on would be missing to the training; modules hold themselves.
    gc.collect()
    release()
    return "bfloat16" if small else "float32"


def _take_prefix(
    stack: ExitStack,
    objective: Objective,
    trainable: TrainableModel,
    recipe: Recipe,
    training_data: TrainingData,
    width: int,
    callback: Callback | None,
    stop: Callable[[], bool] | None,
) -> int:
    """Compute what the layers below make of each example, where it never changes, and take these out of the model.

    Returns how many layers they are; -1 where nothing is kept.
    """
    if not (objective.fixed_inputs and recipe.keep_prefix):
        return -1
    test = training_data.test if training_data.test is not training_data.validation else ()
    items = [*training_data.train, *training_data.validation, *test, *training_data.probes]
    count = kept_layers(trainable.model, trainable.family, frozen_prefix(trainable.layer_groups))
    room = prefix_bytes([len(one["input_ids"]) for one in items], width)
    if count < 0 or room > find_device("cpu").free // 3:
        return -1
    done, alone = 0, os.environ.get("WORLD_SIZE", "1") == "1"
    device = torch.device(training_data.collate.device).type
    for batch in batches_of([len(one["input_ids"]) for one in items], training_data.collate.tokens_per_batch):
        # Several processes would have to agree on it, which they do after every step.
        if stop is not None and alone and stop():
            raise Stopped
        some = [items[i] for i in batch]
        inputs = training_data.collate.on_device(some)
        del inputs["labels"]
        # As the trainer runs the layer groups above.
        with torch.autocast(device, torch.bfloat16, recipe.precision == "bfloat16"):
            hidden = run_prefix(trainable.model, trainable.family, count, inputs).float().cpu()
        for item, states in zip(some, hidden, strict=True):
            item["hidden"] = states[: len(item["input_ids"])].clone()
        done += len(some)
        if callback is not None:
            callback(Reading(done, len(items)), 0)
    stack.enter_context(without_prefix(trainable.model, trainable.family, count))
    return count


def _too_much(device: str) -> CapacityError:
    return CapacityError(
        "{name} ran out of memory during training. Reduce the batch size or the max length, use bfloat16 or a smaller "
        "model, or freeze more layers. What was saved so far is kept.",
        name=device,
    )


def save_trained(done: Trained, base: Checkpoint, folder: Path) -> None:
    """Write a model as `interpret.finetuning.trainable_model.save_model` does."""
    save_model(done.model, done.head, done.labels, base, folder)

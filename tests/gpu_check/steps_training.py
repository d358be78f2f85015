"""Trainings: what is learned is what the CPU learns, twice the same, and what is stopped goes on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import interpret as it
from interpret.finetuning.examples import Examples
from interpret.finetuning.metrics_log import Step as MetricsLog
from interpret.finetuning.regularization import ParentRun
from interpret.finetuning.training import Trained, save_trained, train
from tests.gpu_check.check import Figure, World, at_most, holds, step
from tests.gpu_check.data import classes, numbers, passages, tags

_WORDS, _BOTH = "masked words", "masked words and next sentences"
# Of the first step's loss and all others', each of which multiplies what rounding did to the one before; and of how far
# a layer group's weights came, which for some, such as the biases of keys, rounding alone decides.
_FIRST, _ALL, _MOVED = 2e-5, 2e-3, 0.05


def learn(recipe: it.Recipe, examples: Examples, **more: Any) -> Trained:
    """Train on what is not held out."""
    return train(recipe, examples, *it.finetuning.split_examples(examples), **more)


def losses(*done: Trained) -> np.ndarray:
    """Return the loss of each step of a training, or of the parts of one."""
    return np.array([step.loss for one in done for step in one.steps])


def largest(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference; NaN where there are not as many."""
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("nan")


def _recipe(world: World, **changes: Any) -> it.Recipe:
    folder = world.tiny("bert", initializer_range=0.05)
    return replace(it.Recipe(folder, head="own", epochs=1, learning_rate=5e-3, batch_size=8, dropout=False), **changes)


def _beside(name: str, world: World, recipe: it.Recipe, examples: Examples, **more: Any) -> list[Figure]:
    """Train on the CPU and on the device, in each precision, and tell how far the losses are apart."""

    def trained(device: str, precision: str = "float32") -> Trained:
        return learn(replace(recipe, device=device, precision=precision), examples, **more)

    there, figures = trained("cpu"), []
    for precision in world.precisions:
        here, allowed = trained(world.device, precision), _ALL
        if precision == "float32":
            first = largest(losses(here)[:1], losses(there)[:1])
            figures.append(at_most(f"{name}: loss of the first step", first, _FIRST, quiet=True))
            way, other = here.evaluations[-1].moved, there.evaluations[-1].moved
            moved = max(abs(way[layer_group] / other[layer_group] - 1) for layer_group in other)
            figures.append(at_most(f"{name}: how far each layer group came", moved, _MOVED, quiet=True))
        else:
            rough = trained("cpu", precision) if world.on_card else here
            allowed += 3 * largest(losses(rough), losses(there))
        apart = largest(losses(here), losses(there))
        figures.append(at_most(f"{name}: losses of {len(here.steps)} steps, {precision}", apart, allowed))
    return figures


@step("training: the CPU's losses", 60)
def alike(world: World) -> list[Figure]:
    """Train a few steps with every kind of label and of head, frozen, with adapters, and on running text."""
    rows = classes(40)
    figures = []
    for name, changes in {
        "all layer groups": {},
        "lower layer groups frozen": {"frozen": ("embeddings", "0")},
        "LoRA": {"lora_rank": 4},
        "l2": {"regularization": "l2", "regularization_strength": 1.0},
        "linear head": {"head": "linear"},
        "MLP": {"head": "mlp"},
        "TextCNN": {"head": "textcnn"},
        "BiLSTM": {"head": "bilstm"},
        "classes that count for more": {"balanced": True, "label_smoothing": 0.1, "layerwise_lr_decay": 0.8},
    }.items():
        figures += _beside(name, world, _recipe(world, **changes), rows)
    figures += _beside("regression", world, _recipe(world), numbers(40))
    figures += _beside("token classes", world, _recipe(world), tags(40))
    for game in (_WORDS, _BOTH):
        figures += _beside(game, world, _recipe(world), passages(game))
    return figures


@step("EWC: the CPU's losses", 25)
def held(world: World) -> list[Figure]:
    """Go on from a model that has learned something, held by the Fisher information of it."""
    rows, place = classes(40), world.folder / "past"
    recipe = _recipe(world)
    save_trained(learn(replace(recipe, device="cpu"), rows), it.find_checkpoint(recipe.model), place)
    past = ParentRun(str(place), rows, it.finetuning.split_examples(rows)[0])
    other = replace(rows, labels=rows.labels[::-1])
    recipe = replace(recipe, model=str(place), regularization="ewc", regularization_strength=10.0)
    return _beside("EWC", world, recipe, other, parent_run=past)


@step("training: learns, and twice the same", 40)
def learns(world: World) -> list[Figure]:
    """Train until something is learned, attention's dropout on, and once more."""
    folder = world.tiny("bert", initializer_range=0.05, hidden_dropout_prob=0.0)
    rows = classes(world.shapes.examples)
    figures = []
    for name, changes in {
        "all layer groups": {},
        "LoRA": {"lora_rank": 8, "learning_rate": 1e-2},
        "lower layer groups frozen": {"frozen": ("embeddings", "0")},
    }.items():
        recipe = it.Recipe(folder, head="own", epochs=6, learning_rate=5e-3, batch_size=8, device=world.device)
        recipe = replace(recipe, **changes)
        for precision in world.precisions:
            found = learn(replace(recipe, precision=precision), rows)
            score = max(one.score for one in found.evaluations)
            figures.append(Figure(f"{name}, {precision}: accuracy of the best epoch", score, "", "> 0.8", score > 0.8))
            if precision == "float32":
                again = learn(recipe, rows)
                apart = largest(losses(again), losses(found))
                figures.append(at_most(f"{name}: two runs' losses", apart, 1e-4))
    return figures


def stopped(recipe: it.Recipe, examples: Examples, folder: Path, after: int) -> Sequence[Trained]:
    """Train, stop after so many steps, and go on; returns both parts."""
    folder.mkdir(parents=True)
    seen: list[int] = []

    def callback(what: object, _steps: int) -> None:
        if isinstance(what, MetricsLog):
            seen.append(what.number)

    first = learn(recipe, examples, folder=folder, callback=callback, stop=lambda: len(seen) >= after)
    return first, learn(recipe, examples, folder=folder)


@step("stop and resume", 30)
def resumed(world: World) -> list[Figure]:
    """Stop in the middle of an epoch and go on, dropout on: beside a run that went through, and another one."""
    rows, figures = classes(40), []
    for name, changes in {"all layer groups": {}, "LoRA": {"lora_rank": 4}}.items():
        recipe = _recipe(world, epochs=2, dropout=True, device=world.device, **changes)
        through, again = (losses(learn(recipe, rows)) for _ in range(2))
        parts = stopped(recipe, rows, world.folder / f"resumed-{name.replace(' ', '-')}" / "checkpoints", 3)
        usual = largest(again, through)
        apart = largest(losses(*parts), through)
        # On a card a resumed run may be as far from the other as two that went through are from each other, thrice.
        allowed = 3 * usual + 1e-4 if world.on_card else 0.0
        figures += [
            holds(f"{name}: it stopped", parts[0].stopped and len(parts[0].steps) < len(through)),
            at_most(f"{name}: two runs that went through", usual, 1e-4 if world.on_card else 0.0),
            at_most(f"{name}: resumed, and one that went through", apart, allowed),
        ]
    return figures

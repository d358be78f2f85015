"""What a fine-tune will take: parameters, memory and time, and what to think twice about, before it is begun."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interpret.core.devices import find_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.layer_groups import LayerGroup, frozen_prefix, layer_group_names
from interpret.core.tokens import tokenize
from interpret.core.units import learning_rate
from interpret.finetuning.cost import StepCost
from interpret.finetuning.examples import Examples
from interpret.finetuning.objective import find_objective
from interpret.finetuning.planned_memory import Counter, planned_memory
from interpret.finetuning.prefix_cache import kept_layers, prefix_bytes
from interpret.finetuning.recipe import SMALL_WIDTH, Recipe, head_alone, resolve
from interpret.finetuning.regularization import FISHER_EXAMPLES
from interpret.finetuning.trainable_model import planned_layer_groups, skeleton
from interpret.resources.calibration import Point, Range
from interpret.resources.prediction import predict

# What a step takes that does no arithmetic: the optimizer's bookkeeping, the loader, what is written down.
_STEP_SECONDS = 0.004
# Devlin et al. 2019, appendix A.3 recommends 2e-5 to 5e-5; within a factor of two that is no matter of concern. Turc
# et al. 2019, table 10, went up to 3e-4 for compact models.
_USUAL = (1e-5, 1e-4)
_USUAL_SMALL = (1e-5, 4e-4)
# Hu et al. 2021, tables 9 to 12: 1e-4 to 2e-3.
_USUAL_ADAPTED = (5e-5, 5e-3)
# Of a layer's time forward and back, what it takes with adapters: the small products, and no gradient of the weights.
_ADAPTED_FORWARD, _ADAPTED_BACK = 1.3, 0.7
_LEAST_FOR_A_HEAD = 5e-4


@dataclass(frozen=True)
class Plan:
    """What a fine-tune will take.

    Attributes
    ----------
    layer_groups
        The stack, from the bottom to the top.
    trainable, frozen
        Parameters that learn, and that stay.
    memory
        Bytes at the most, of a process of its own, with the context that a card needs for it: the lower end of an
        interval, the usual, the upper end; None where they cannot be counted: see
        `interpret.finetuning.planned_memory`.
    free
        Bytes that the device has free.
    seconds
        Of training and judging, without the start of the process.
    steps
        Steps in all.
    kept
        How many layers are computed once only; -1 for none.
    cautions
        What to think twice about, the gravest first. Of ``"memory"``, ``"high rate"``, ``"low rate"``, ``"slow head"``,
        ``"hole"``, ``"few held out"``.
    """

    layer_groups: tuple[LayerGroup, ...]
    trainable: int
    frozen: int
    memory: Range | None
    free: int
    seconds: float
    steps: int
    kept: int
    cautions: tuple[str, ...]


def measure_lengths(encoder: Encoder, examples: Examples, most: int, sample: int = 2000) -> Int[np.ndarray, " example"]:
    r"""Return how many tokens of each example are read; of more than ``sample`` examples those of an even choice.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> lines = ["text,topic", *(f"{'Rain fell. ' * times},nature" for times in range(1, 5))]
    >>> lines += [f"Tax {number},money" for number in range(4)]
    >>> examples = it.finetuning.read_examples("\n".join(lines).encode(), "topics.csv", "text", "topic")
    >>> it.finetuning.measure_lengths(encoder, examples, 8).tolist()  # special tokens counted, and cut at 8
    [5, 8, 8, 8, 4, 4, 4, 4]
    """
    chosen = np.unique(np.linspace(0, len(examples) - 1, min(sample, len(examples))).astype(int))
    pairs = examples.pairs
    found = [len(tokenize(encoder.tokenizer, examples.texts[i], pairs[i] if pairs else None)) for i in chosen]
    return np.minimum(found, min(most, encoder.max_tokens)).astype(np.int64)


def plan(
    encoder: Encoder,
    recipe: Recipe,
    task: str,
    classes: int,
    lengths: Sequence[int] | Int[np.ndarray, " example"],
    train_rows: int,
    held_out_rows: int,
    cost: StepCost,
    points: Sequence[Point] = (),
    count: Counter = predict,
) -> Plan:
    """Predict what a fine-tune takes.

    Time is that of the layers a step goes through, forward from the lowest one that is not kept and back to the lowest
    one that learns; layers in between that are frozen cost half on the way back.

    Parameters
    ----------
    lengths
        Tokens of some examples: what is typical.
    train_rows, held_out_rows
        How many examples are learned from, and held out.
    points
        What work was measured to take on the device: see `interpret.resources.kept_points`.
    count
        Counts what the model takes, as `interpret.resources.predict` does: for who has the counts of before.

    Raises
    ------
    InputError
        If a layer group is unknown.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> cost = it.finetuning.StepCost(forward=1e-5, backward=2e-5, update=1e-9)
    >>> recipe = it.Recipe("minilm", frozen=("embeddings", "0", "1", "2"), epochs=3)
    >>> plan = it.finetuning.plan(encoder, recipe, "classes", 2, [20, 30], train_rows=160, held_out_rows=40, cost=cost)
    >>> plan.steps, plan.kept
    (30, 3)
    >>> [group.name for group in plan.layer_groups if not group.frozen]
    ['3', '4', '5', 'pooler', 'head']
    """
    family = encoder.family
    recipe = resolve(recipe, layer_group_names(encoder.model, family), encoder.width, task)
    model = skeleton(encoder, recipe, task, classes)
    layer_groups, _maps = planned_layer_groups(model, encoder, recipe)
    trainable = sum(one.learns for one in layer_groups)
    layers = [one for one in layer_groups if one.name.isdigit()]
    objective = find_objective(task)
    keeps = recipe.keep_prefix and objective.fixed_inputs
    kept = kept_layers(model, family, frozen_prefix(layer_groups)) if keeps else -1
    read = objective.read_lengths(np.asarray(lengths), min(recipe.max_length, encoder.max_tokens))
    # A long example may be read in several windows.
    train_rows, held_out_windows = (round(one * len(read) / len(lengths)) for one in (train_rows, held_out_rows))
    mean, longest = float(read.mean()), int(read.max())
    steps_an_epoch = math.ceil(train_rows / recipe.batch_size)
    steps = steps_an_epoch * recipe.epochs
    head = objective.head_parameters(encoder, recipe) / sum(one.parameters for one in layers)
    seconds = _seconds(recipe, layer_groups, cost, kept, head, mean, (train_rows, held_out_windows))
    device = find_device(recipe.device)
    prefix = prefix_bytes([round(mean)] * (train_rows + held_out_windows), encoder.width) if kept >= 0 else 0
    memory = planned_memory(encoder, recipe, objective, layer_groups, cost, device, longest, prefix, points, count)
    too_large = memory is not None and memory[1] > device.free
    return Plan(
        layer_groups=layer_groups,
        trainable=trainable,
        frozen=sum(one.parameters for one in layer_groups if one.learns != one.parameters),
        memory=memory,
        free=device.free,
        seconds=float(seconds),
        steps=steps,
        kept=kept,
        cautions=_cautions(recipe, layer_groups, layers, held_out_rows, too_large, task, encoder.width),
    )


def describe_plan(found: Plan, recipe: Recipe) -> dict[str, InputError]:
    """Return a sentence for each of a plan's cautions, the gravest first; `Health` has one for few rows to judge by.

    Parameters
    ----------
    recipe
        What was planned, nothing of it left to what suits.
    """
    rate = learning_rate(recipe.learning_rate)
    said = {
        "memory": InputError(
            "This needs more memory than the device has free. Freeze more layers, or reduce the batch size or the max "
            "length."
        ),
        "high rate": InputError(
            "A learning rate of {rate} is far above 2e-5 to 5e-5, the usual range for training layers; BERT then "
            "tends to forget what it knew.",
            rate=rate,
        ),
        "low rate": InputError(
            "A learning rate of {rate} is far below 2e-5 to 5e-5: the model will learn little in so few steps.",
            rate=rate,
        ),
        "slow head": InputError(
            "A head alone trains slowly at a learning rate of {rate}; 1e-3 to 2e-2 suits it.", rate=rate
        ),
        "hole": InputError(
            "Freezing a layer above a trainable one saves little: the gradient still has to pass through it."
        ),
    }
    return {name: said[name] for name in found.cautions if name in said}


def _seconds(
    recipe: Recipe,
    layer_groups: Sequence[LayerGroup],
    cost: StepCost,
    kept: int,
    head: float,
    mean: float,
    rows: tuple[int, int],
) -> float:
    """Return the seconds of `Plan.seconds`.

    Parameters
    ----------
    kept
        How many layers are computed once only; -1 for none.
    head
        What the head takes of each token, for what all layers take.
    mean
        Tokens of a text.
    rows
        How many are learned from, and held out.
    """
    layers = [one for one in layer_groups if one.name.isdigit()]
    forward, back = _shares(layers, layer_groups[0].frozen, max(kept, 0), bool(recipe.lora_rank))
    forward, back = forward + head, back + head
    trained, held_out = rows
    steps = math.ceil(trained / recipe.batch_size) * recipe.epochs
    trainable = sum(one.learns for one in layer_groups)
    return (
        mean * trained * recipe.epochs * (cost.forward * forward + cost.backward * back)
        + mean * held_out * recipe.epochs * cost.forward * forward
        + mean * (trained + held_out) * cost.forward * max(kept, 0) / len(layers)
        + steps * (trainable * cost.update + _STEP_SECONDS)
        + (mean * FISHER_EXAMPLES * (cost.forward + cost.backward) if recipe.regularization == "ewc" else 0)
    )


def _shares(layers: Sequence[LayerGroup], embeddings_frozen: bool, kept: int, adapted: bool) -> tuple[float, float]:
    """Return which share of the layers a step goes through, forward and back; adapters make the way longer forward."""
    lowest = _lowest(layers, embeddings_frozen)
    back = sum(0.5 if one.frozen else _ADAPTED_BACK if adapted else 1.0 for one in layers[lowest:])
    forward = sum(_ADAPTED_FORWARD if adapted and not one.frozen else 1.0 for one in layers[kept:])
    return forward / len(layers), back / len(layers)


def _lowest(layers: Sequence[LayerGroup], embeddings_frozen: bool) -> int:
    """Return the lowest layer that a gradient has to reach; as many as there are where only the head learns."""
    free = [index for index, one in enumerate(layers) if not one.frozen]
    return 0 if not embeddings_frozen else free[0] if free else len(layers)


def _cautions(
    recipe: Recipe,
    layer_groups: Sequence[LayerGroup],
    layers: Sequence[LayerGroup],
    held_out_rows: int,
    too_large: bool,
    task: str,
    width: int,
) -> tuple[str, ...]:
    learns = not head_alone([one.name for one in layer_groups if one.frozen], [one.name for one in layer_groups])
    adapted = bool(recipe.lora_rank)
    lowest = _lowest(layers, layer_groups[0].frozen)
    least, most = _USUAL_ADAPTED if adapted else _USUAL_SMALL if width < SMALL_WIDTH else _USUAL
    found = {
        "memory": too_large,
        "high rate": learns and recipe.learning_rate > most,
        "low rate": learns and recipe.learning_rate < least,
        "slow head": not learns and recipe.learning_rate < _LEAST_FOR_A_HEAD,
        "hole": any(one.frozen for one in layers[lowest:]),
        # Two accuracies a point apart: half of a 95% interval around 90%.
        "few held out": find_objective(task).classifies and 1.96 * math.sqrt(0.9 * 0.1 / max(1, held_out_rows)) > 0.01,
    }
    return tuple(name for name, present in found.items() if present)

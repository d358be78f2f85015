"""What a fine-tune takes of a device's memory: a step of its model counted, and what the trainer has beside it."""

from collections.abc import Callable, Sequence

from transformers import PretrainedConfig

from interpret.core.devices import Device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.layer_groups import HEAD, POOLER, LayerGroup, layer_group_names
from interpret.core.rounding import fast_precision
from interpret.finetuning.cost import StepCost
from interpret.finetuning.objective import Objective
from interpret.finetuning.recipe import AUTO, Recipe
from interpret.resources.calibration import Point, Range, calibrate
from interpret.resources.claims import CONTEXT
from interpret.resources.configs import longest
from interpret.resources.measurement import PROCESS_BYTES
from interpret.resources.prediction import Prediction
from interpret.resources.workload import Workload

# Counts what work takes, as `interpret.resources.predict` does.
Counter = Callable[[PretrainedConfig, Workload], Prediction]
# What a training loads beside PyTorch and transformers: its data, PEFT, scikit-learn.
_TRAINER_BYTES = 200_000_000
# Numbers for each that learns, beside its gradient and its two moments: where it began, and what holds it there.
_BEGINNINGS = {"none": 1, "l2": 2, "ewc": 3}


def planned_memory(
    encoder: Encoder,
    recipe: Recipe,
    objective: Objective,
    layer_groups: Sequence[LayerGroup],
    cost: StepCost,
    device: Device,
    length: int,
    prefix: int,
    points: Sequence[Point],
    count: Counter,
) -> Range | None:
    """Return the bytes that a process of its own takes at the most: the lower end, the usual, the upper end.

    Parameters
    ----------
    length
        Tokens of the longest text.
    prefix
        Bytes of what frozen layers made of the texts.
    points, count
        See `interpret.finetuning.plan`.

    Returns
    -------
    tuple of float, or None
        None where it cannot be counted ahead: see `interpret.resources.predict`.
    """
    host = device.name == "cpu"
    work = work_of_a_step(encoder, recipe, layer_groups, host, fast_precision(device), length)
    try:
        counted = count(encoder.model.config, work)
    except InputError:
        return None
    # Its head is this run's own, and the pooler learns or not as the run says.
    beside = [one for one in layer_groups if one.name in (POOLER, HEAD)]
    numbers = sum(one.parameters for one in beside if one.name == HEAD) + 3 * sum(one.learns for one in beside)
    # Where patience may go back to the best epoch, that lies on the host too.
    copies = _BEGINNINGS[recipe.regularization] + (recipe.patience > 0 and host)
    numbers += copies * sum(one.learns for one in layer_groups)
    # How much each weight matters.
    numbers += sum(one.parameters for one in layer_groups) if recipe.regularization == "ewc" else 0
    # What frozen layer groups made of the texts lies on the host.
    fixed = 4 * numbers + (prefix if host else 0)
    logits = objective.logit_bytes(encoder, recipe, work.tokens)
    taken = calibrate(points, device.name, work).expected(counted.peak + int(logits), counted.parts["weights"])
    process = PROCESS_BYTES + _TRAINER_BYTES
    around = (process,) * 3 if host else (cost.context,) * 3 if cost.context else CONTEXT
    low, usual, high = (one + fixed + other for one, other in zip(taken, around, strict=True))
    return low, usual, high


def work_of_a_step(
    encoder: Encoder, recipe: Recipe, layer_groups: Sequence[LayerGroup], host: bool, fast: str, length: int
) -> Workload:
    """Return what the encoder does in a step.

    Parameters
    ----------
    host
        Whether it is on a processor: cards compute attention in tiles while it has dropout, too.
    fast
        The precision that is chosen where the recipe leaves it to the device.
    length
        Tokens of the longest text.
    """
    body = [one for one in layer_groups if one.name not in (POOLER, HEAD)]
    frozen = tuple(one.name for one in body if one.frozen)
    positions = longest(encoder.model.config)
    shape = recipe.batch_size, min(length, positions or length)
    kernel = "sdpa" if host else "flash"
    if len(frozen) == len(body):
        return Workload(*shape, head="none", kernel=kernel)
    # What learns of the pooler is counted by itself: see `planned_memory`.
    if POOLER in layer_group_names(encoder.model, encoder.family):
        frozen = (*frozen, POOLER)
    return Workload(
        *shape,
        training=True,
        head="none",
        kernel=kernel,
        precision=fast if recipe.precision == AUTO else recipe.precision,
        frozen=frozen,
        dropout=recipe.dropout,
        lora_rank=recipe.lora_rank,
    )

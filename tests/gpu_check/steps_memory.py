"""Memory: what is taken of it unasked, what was planned and what is taken, and the way back from running out of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
import torch
import transformers as tf

import interpret as it
from interpret.core.work_sizes import tokens_per_batch, trace_bytes
from interpret.finetuning.metrics_log import Step as MetricsLog
from tests.gpu_check.check import OPTIONAL, Figure, World, ask_driver, at_most, find, holds, missing_package, step, tidy
from tests.gpu_check.data import classes, text_of
from tests.gpu_check.steps_training import learn

# Planned for taken: too little fails where it was said to fit, far too much refuses what would have.
_LEAST, _MOST = 0.9, 1.5
# Texts that are embedded and read together where memory has run out.
_MANY = 16


@step("environment", 30)
def environment(world: World) -> list[Figure]:
    """Read on the CPU without starting CUDA, and compare the card's name and memory with what the driver says."""
    figures = [holds("a trace on the CPU starts no CUDA", not world.aside["started"])]
    if not world.on_card:
        return [*figures, Figure("what CUDA's start takes", None, "", "left out: needs CUDA")]
    taken = world.aside["megabytes"]
    figures.append(Figure("what CUDA's start takes", taken, "MB", "" if taken else "nvidia-smi does not say"))
    device = find(world.device)
    uuid = f"GPU-{torch.cuda.get_device_properties(world.device).uuid}"
    told = {one[0]: one[1:] for one in ask_driver("uuid", "name", "memory.total", "memory.free")}
    if uuid not in told:
        return [*figures, Figure("name and memory", None, "", "left out: nvidia-smi does not know this card")]
    name, total, free = told[uuid]
    return [
        *figures,
        holds(f"its name: {device.description}", device.description == name, name),
        at_most("total memory, beside the driver's", abs(device.total / 2**20 / float(total) - 1), 0.03),
        at_most("free memory, beside the driver's", abs(device.free / 2**20 / float(free) - 1), 0.05),
    ]


def _planned(world: World, name: str, recipe: it.Recipe, rows: int) -> list[Figure]:
    """Plan a training and do it."""
    examples = classes(rows, recipe.max_length)
    learned, judged = it.finetuning.split_examples(examples)
    encoder = it.load_encoder(recipe.model, "cpu")
    cost = it.finetuning.measure_cost(encoder, recipe.max_length, recipe.precision, recipe.batch_size, world.device)
    lengths = it.finetuning.measure_lengths(encoder, examples, recipe.max_length)
    found = it.finetuning.plan(encoder, recipe, "classes", 2, lengths, len(learned), len(judged), cost)
    del encoder
    _low, planned_bytes, _high = found.memory or (0, 0, 0)
    world.reset_peak()
    done = learn(recipe, examples)
    figures = [
        Figure(f"{name}: memory planned", planned_bytes / 1e9, "GB"),
        Figure(f"{name}: time planned for time taken", found.seconds / done.seconds, "×"),
    ]
    if world.on_card:
        taken = world.peak("reserved") + (world.aside["megabytes"] or 0) * 2**20
        share, said = planned_bytes / taken, f"{_LEAST} to {_MOST}"
        figures.append(Figure(f"{name}: memory taken, with CUDA's own", taken / 1e9, "GB"))
        figures.append(Figure(f"{name}: planned for taken", share, "×", said, _LEAST <= share <= _MOST))
    return figures


@step("memory and time of trainings: planned, taken", 60)
def planned(world: World) -> list[Figure]:
    """Train what is large in each of its ways: all layer groups, half of them, adapters; long texts."""
    shapes = world.shapes
    (short, long), (many, few) = shapes.lengths, shapes.batches
    half = ("embeddings", *(str(layer) for layer in range(shapes.layers // 2)))
    recipe = it.Recipe(world.base(), head="own", epochs=1, learning_rate=5e-5, device=world.device, snapshots=0)
    recipe = replace(recipe, batch_size=many, max_length=short, precision=world.precisions[-1])
    cases = {
        f"all layer groups, {many} × {short}": recipe,
        f"all layer groups, {few} × {long}": replace(recipe, batch_size=few, max_length=long),
        f"all layer groups, {few} × {long}, float32": replace(
            recipe, batch_size=few, max_length=long, precision="float32"
        ),
        f"lower half frozen, {many} × {short}": replace(recipe, frozen=half),
        f"LoRA, {many} × {short}": replace(recipe, lora_rank=8),
    }
    return [figure for name, one in cases.items() for figure in _planned(world, name, one, 10 * one.batch_size)]


@step("memory of reading: allowed, taken", 30)
def allowed(world: World) -> list[Figure]:
    """Trace a long text, embed many and explain one: the most that is taken, of what was free."""
    long, folder = text_of(world.shapes.lengths[1]), world.base(tf.AutoModelForSequenceClassification)
    encoder = it.load_encoder(folder, world.device)

    def taken(work: Callable[[], object]) -> tuple[float, int]:
        world.reset_peak()
        before, free = world.peak(), find(world.device).free
        work()
        world.wait()
        return float(world.peak() - before), free

    def verdict(name: str, most: float, bound: float, said: str) -> Figure:
        return Figure(name, most / 2**20, "MB", said, most <= bound if world.on_card else None)

    most, _ = taken(lambda: it.trace(encoder, long))
    record = trace_bytes(encoder.layers, encoder.heads, encoder.width, world.shapes.lengths[1])
    figures = [verdict("trace", most, record, f"≤ {record / 2**20:,.0f}, what it records on the host")]
    # What is said where `interpret.core.work_sizes` chooses how much is read together.
    many = 2 * tokens_per_batch(world.device, encoder.width) // world.shapes.lengths[1]
    most, free = taken(lambda: it.embed(encoder, [long] * many, pooling="mean"))
    figures.append(verdict("embed", most, free / 10, f"≤ {free / 10 / 2**20:,.0f}, a tenth of what was free"))
    try:
        most, free = taken(lambda: it.attribute(encoder, long, target=0))
    except (ModuleNotFoundError, it.InputError) as error:
        return [*figures, _absent("integrated gradients", error)]
    return [*figures, verdict("integrated gradients", most, free / 4, f"≤ {free / 4 / 2**20:,.0f}, a quarter of it")]


def _absent(name: str, error: Exception) -> Figure:
    missing = missing_package(error)
    if missing not in OPTIONAL:
        raise error
    return Figure(name, None, "", f"left out: needs {missing}")


@contextmanager
def full(world: World) -> Iterator[None]:
    """Leave no memory on the card. On the CPU, where that would end the process, each linear map says there is none."""
    if not world.on_card:
        with mock.patch.object(torch.nn.Linear, "forward", side_effect=torch.OutOfMemoryError("out of memory")):
            yield
        return
    kept, block = [], 1 << 30
    try:
        while block > 1 << 16:
            try:
                kept.append(torch.empty(block, dtype=torch.uint8, device=world.device))
            except torch.OutOfMemoryError:
                block //= 2
        yield
    finally:
        kept.clear()
        tidy()


def _says_so(name: str, world: World, work: Callable[[], object]) -> Figure:
    """Do something that there is no memory for, and tell whether that is said as it should be."""
    try:
        work()
    except it.CapacityError as error:
        return holds(f"{name}: says so", world.device in str(error))
    except Exception as error:  # whatever the card's libraries say in their own words
        return holds(f"{name}: says so, and not {type(error).__name__}", False)
    return holds(f"{name}: runs out at all", False)


@step("out of memory, and the call after", 40)
def out_of_memory(world: World) -> list[Figure]:
    """Trace, embed, explain and train where there is no memory: each says so, and does its work when there is."""
    figures = _reading_runs_out(world)
    tidy()
    return [*figures, *_training_runs_out(world)]


def _reading_runs_out(world: World) -> list[Figure]:
    encoder = it.load_encoder(world.base(tf.AutoModelForSequenceClassification), world.device)
    long, figures = text_of(world.shapes.lengths[1]), []
    works: dict[str, Callable[[], np.ndarray]] = {
        "trace": lambda: it.trace_batch(encoder, [(long, None)] * _MANY)[0].attention,
        "embed": lambda: it.embed(encoder, [long] * _MANY, [-1], pooling="mean").vectors,
        "explain": lambda: it.attribute(encoder, long, target=0, method="input_x_gradient").scores,
    }
    for name, work in works.items():
        try:
            before = work()
            tidy()
            with full(world):
                said = _says_so(name, world, work)
            after = work()
        except (ModuleNotFoundError, it.InputError) as error:
            figures.append(_absent(name, error))
            continue
        figures += [
            said,
            at_most(f"{name}: the call after", float(np.abs(after - before).max()), 1e-5),
        ]
    return figures


def _training_runs_out(world: World) -> list[Figure]:
    rows = classes(40, world.shapes.lengths[0])
    recipe = it.Recipe(world.base(), head="own", epochs=1, learning_rate=5e-5, batch_size=8, device=world.device)
    with ExitStack() as stack:

        def callback(what: object, _steps: int) -> None:
            if isinstance(what, MetricsLog) and what.number == 2:
                stack.enter_context(full(world))

        said = _says_so("train", world, lambda: learn(recipe, rows, callback=callback))
    done = learn(recipe, rows)
    return [
        said,
        holds("train: the call after", len(done.steps) == 4, "4 steps"),
    ]

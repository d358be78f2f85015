"""Speed: how much of the card a training uses, and what it takes beside what others take for the same."""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers as tf

import interpret as it
from interpret.core.work_sizes import trace_bytes
from interpret.embeddings.exact_tsne import ExactTSNE
from interpret.embeddings.vectors import unit_rows
from interpret.finetuning.metrics_log import Step as MetricsLog
from tests.benchmarks import in_turn
from tests.gpu_check.check import Figure, World, at_most, step
from tests.gpu_check.data import classes, mixed_texts, text_of
from tests.gpu_check.steps_training import learn

_GOAL = 0.4
_WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
_BATCH = 32


def at_least(name: str, value: float, bound: float, unit: str, world: World) -> Figure:
    """Return a figure that is to reach a goal, which is a card's alone."""
    return Figure(name, value, unit, f"≥ {bound:g}", value >= bound if world.on_card else None)


@dataclass
class Steady:
    """What was seen of a training once memory was found and code loaded.

    Attributes
    ----------
    steps, seconds
        How many steps were watched, and how long they took.
    layers
        Parameters of all layers.
    busy, waits
        Where the device was watched: the share of the time in which it worked, and how often a step waited for it.
    """

    steps: int = 0
    seconds: float = 0.0
    layers: int = 0
    busy: float = float("nan")
    waits: float = float("nan")


def train_steadily(world: World, tokens: int, batch: int, watch: bool = False) -> Steady:
    """Train a model of the base shape for a while."""
    shapes, found = world.shapes, Steady()
    kind = torch.profiler.ProfilerActivity.CUDA if world.on_card else torch.profiler.ProfilerActivity.CPU
    profiler = torch.profiler.profile(activities=[kind])
    begin = 0.0

    def callback(what: object, _steps: int) -> None:
        nonlocal begin
        if not isinstance(what, MetricsLog) or what.number not in (shapes.warm, shapes.steps):
            return
        world.wait()
        if what.number == shapes.warm:
            if watch:
                profiler.start()
            begin = time.perf_counter()
        else:
            found.steps, found.seconds = shapes.steps - shapes.warm, time.perf_counter() - begin
            if watch:
                profiler.stop()

    recipe = it.Recipe(
        world.base(),
        head="own",
        epochs=1,
        learning_rate=5e-5,
        batch_size=batch,
        max_length=tokens,
        precision=world.precisions[-1],
        device=world.device,
        snapshots=0,
    )
    # A fifth is held out.
    done = learn(recipe, classes(round(shapes.steps * batch / 0.8), tokens), callback=callback)
    found.layers = sum(one.parameters for one in done.layer_groups if one.name.isdigit())
    if watch:
        events = profiler.events() or ()
        found.busy = _worked(events, world) / found.seconds
        found.waits = sum(one.name in _WAITS for one in events) / found.steps
    return found


def _worked(events: Sequence[Any], world: World) -> float:
    """Return the seconds in which the device did something, what overlaps counted once."""
    kind = torch.autograd.DeviceType.CUDA if world.on_card else torch.autograd.DeviceType.CPU
    spans = sorted((one.time_range.start, one.time_range.end) for one in events if one.device_type == kind)
    total, reached = 0.0, float("-inf")
    for start, end in spans:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total / 1e6


@step("a training's share of the card's matrix products", 40)
def share(world: World) -> list[Figure]:
    """Count the operations of a training and divide by what products of large matrices reach."""
    shapes, figures = world.shapes, []
    best = matmul_rate(world)
    figures.append(Figure("products of matrices", best / 1e12, "TFLOP/s"))
    for tokens, batch in zip(shapes.lengths, shapes.batches, strict=True):
        found = train_steadily(world, tokens, batch)
        # 6 operations a weight and token, forward and back, and attention's own two products.
        attention = 12 * shapes.layers * shapes.width * tokens
        rate = found.steps * batch * tokens * (6 * found.layers + attention) / found.seconds
        speed = found.steps * batch / found.seconds
        figures.append(Figure(f"{batch} × {tokens} tokens", speed, "texts/s"))
        figures.append(at_least(f"{batch} × {tokens} tokens: share", rate / best, _GOAL, "", world))
    return figures


def matmul_rate(world: World, times: int = 20) -> float:
    """Measure a square product of bfloat16 matrices; returns floating-point operations a second."""
    size = world.shapes.square
    one, other = (torch.randn(size, size, device=world.device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(times):
        world.wait()
        begin = time.perf_counter()
        one @ other
        world.wait()
        seconds.append(time.perf_counter() - begin)
    return 2 * size**3 / statistics.median(seconds)


@step("idle share of a training", 25)
def idle(world: World) -> list[Figure]:
    """Watch the device through some steps of a training."""
    found = train_steadily(world, world.shapes.lengths[0], world.shapes.batches[0], watch=True)
    return [
        Figure("idle", 1 - found.busy, "", "some kernels seen", found.busy > 0),
        Figure("waits for the device a step", found.waits),
    ]


def _peer(world: World) -> tuple[str, Callable[[list[str]], np.ndarray]]:
    """Return what embeds as most people do: sentence-transformers, or what it does."""
    folder, kind = world.base(), torch.bfloat16
    with suppress(ModuleNotFoundError):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(folder, device=world.device, model_kwargs={"torch_dtype": kind})
        model.max_seq_length = world.shapes.positions
        return "SentenceTransformer.encode", lambda texts: model.encode(texts, batch_size=_BATCH)
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    bare = tf.AutoModel.from_pretrained(folder, dtype=kind).eval().to(world.device)

    def encode(texts: list[str]) -> np.ndarray:
        order, rows = sorted(range(len(texts)), key=lambda i: -len(texts[i])), []
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                some = [texts[i] for i in order[start : start + _BATCH]]
                inputs = tokenizer(some, padding=True, return_tensors="pt").to(world.device)
                mask = inputs["attention_mask"][..., None]
                rows.append((bare(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1))
        return torch.cat(rows).float().cpu().numpy()[np.argsort(order)]

    return "transformers, sorted by length", encode


@step("embedding beside SentenceTransformer.encode", 40)
def embedding(world: World) -> list[Figure]:
    """Embed the same texts in turn, in bfloat16."""
    count, precision = world.shapes.texts, world.precisions[-1]
    texts = mixed_texts(count, world.shapes.positions // 2)
    name, peer = _peer(world)
    short, exact = (it.load_encoder(world.base(), world.device, one) for one in (precision, "float32"))
    works = {
        "ours": lambda: it.embed(short, texts, [-1], pooling="mean").at(short.layers),
        "peer": lambda: peer(texts),
    }
    seconds = in_turn(works, max(2, world.shapes.rounds // 5))
    ratio = statistics.median(peer / ours for ours, peer in zip(seconds["ours"], seconds["peer"], strict=True))
    ours, theirs = works["ours"](), works["peer"]()
    true = it.embed(exact, texts, [-1], pooling="mean").at(exact.layers)
    return [
        Figure(f"embed, {precision}", count / statistics.median(seconds["ours"]), "texts/s"),
        Figure(name, count / statistics.median(seconds["peer"]), "texts/s"),
        at_least("embed, times as fast", ratio, 1, "×", world),
        at_most(f"{precision} beside float32: 1 - cosine", _turned(ours, true), 0.01),
        at_most("ours beside the peer's: 1 - cosine", _turned(ours, theirs), 0.01),
    ]


def _turned(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 less the lowest cosine of a row with its like."""
    return float(1 - (unit_rows(one) * unit_rows(other)).sum(axis=1).min())


@step("trace beside SDPA with as many copies", 40)
def tracing(world: World) -> list[Figure]:
    """Trace, and run the model plainly and copy as many bytes to the host; and transformers' own way, all returned."""
    folder, figures = world.base(), []
    encoder = it.load_encoder(folder, world.device)
    sdpa, eager = (
        tf.AutoModel.from_pretrained(folder, attn_implementation=kind).eval().to(world.device)
        for kind in ("sdpa", "eager")
    )
    for length in world.shapes.lengths:
        text = text_of(length)
        inputs = encoder.batch([encoder.tokens(text)])
        record = torch.zeros(
            trace_bytes(encoder.layers, encoder.heads, encoder.width, length) // 4, device=world.device
        )

        def plain(inputs: dict[str, torch.Tensor] = inputs) -> torch.Tensor:
            with torch.inference_mode():
                return sdpa(**inputs).last_hidden_state.cpu()

        def copied(plain: Callable[[], torch.Tensor] = plain, record: torch.Tensor = record) -> object:
            return plain(), record.to("cpu", copy=True)

        def everything(inputs: dict[str, torch.Tensor] = inputs) -> object:
            with torch.inference_mode():
                found = eager(**inputs, output_attentions=True, output_hidden_states=True)
            return [one.to("cpu", copy=True) for one in (*found.attentions, *found.hidden_states)]

        works = {
            "plain": plain,
            "copied": copied,
            "everything": everything,
            "trace": lambda text=text: it.trace(encoder, text),
        }
        seconds = in_turn(works, world.shapes.rounds)

        def times(name: str, found: dict[str, list[float]] = seconds) -> float:
            pairs = zip(found["trace"], found[name], strict=True)
            return statistics.median(ours / other for ours, other in pairs)

        ratio = times("copied")
        figures += [
            Figure(f"trace, {length} tokens", 1000 * statistics.median(seconds["trace"]), "ms"),
            Figure(
                f"{length} tokens: for SDPA and as many bytes copied",
                ratio,
                "×",
                "≤ 1.15",
                ratio <= 1.15 if world.on_card else None,
            ),
            Figure(f"{length} tokens: for SDPA alone", times("plain"), "×"),
            Figure(f"{length} tokens: for eager attention, all copied", times("everything"), "×"),
        ]
    return figures


@step("t-SNE: the CPU's first steps, and their time", 30)
def maps(world: World) -> list[Figure]:
    """Move a few points as the CPU does, and as many as are ever drawn for as long as it takes to tell their pace."""

    def made(points: int, device: str) -> ExactTSNE:
        random = np.random.default_rng(0)
        near = min(90, points - 1)
        rows = np.repeat(np.arange(points), near)
        columns = (rows + random.integers(1, points, len(rows))) % points
        return ExactTSNE(rows, columns, np.full(len(rows), 1 / len(rows)), random.normal(size=(points, 2)), device)

    few = []
    for device in ("cpu", world.device):
        one = made(200, device)
        list(one.run(10, 0))
        few.append(one.result()[0])
    figures = [at_most("largest difference after 10 steps", float(abs(few[0] - few[1]).max()), 1e-3)]
    points = 20_000 if world.on_card else 200
    many = made(points, world.device)
    list(many.run(10, 0))
    world.wait()
    begin = time.perf_counter()
    list(many.run(50, 0))
    world.wait()
    figures.append(Figure(f"750 steps of {points:,} points", 15 * (time.perf_counter() - begin), "s"))
    return figures

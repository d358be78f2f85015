"""Several at once: two processes on one card, a training beside a page, and several cards."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import interpret as it
from tests.gpu_check.beside import TEXTS
from tests.gpu_check.check import ROOT, Figure, LeftOut, World, at_most, command, find, holds, step, tidy
from tests.gpu_check.data import SENTENCE, classes

_SECONDS = 120
# What a card may lose in bytes to the work on another one: nothing, were it not for other people's.
_UNTOUCHED = 100e6


@step("two processes on one device", 40)
def two(world: World) -> list[Figure]:
    """Let two processes trace and embed at the same time, and compare with what is found alone."""
    folder = world.tiny("bert")
    encoder = world.encoder(folder)
    alone = it.trace(encoder, TEXTS[1])
    vectors = it.embed(encoder, TEXTS, pooling="mean").vectors
    files = [world.folder / f"beside-{number}.npz" for number in range(2)]
    started = [
        subprocess.Popen(
            command("read", folder, world.device, str(file)),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for file in files
    ]
    try:
        ready = [_first_line(one) for one in started]
        said = []
        for one in started:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in started:
            said.append(one.communicate(timeout=_SECONDS)[1].strip().splitlines())
    finally:
        for one in started:
            one.kill()
            one.wait()
    for one, error in zip(started, said, strict=True):
        if one.returncode:
            raise RuntimeError(error[-1] if error else f"a process ended with {one.returncode}")
    figures = [holds("both were ready before either began", ready == ["ready", "ready"])]
    for number, file in enumerate(files, 1):
        with np.load(file) as found:
            figures += [
                at_most(f"process {number}: attention", float(abs(found["attention"] - alone.attention).max()), 1e-5),
                at_most(f"process {number}: vectors", float(abs(found["vectors"] - vectors).max()), 1e-4),
            ]
    return figures


def _first_line(process: subprocess.Popen[str]) -> str:
    """Wait for a line, which a process that hangs never writes."""
    assert process.stdout is not None
    bell = threading.Timer(_SECONDS, process.kill)
    bell.start()
    try:
        return process.stdout.readline().strip()
    finally:
        bell.cancel()


def _worker(world: World, device: str, meanwhile: Callable[[], None]) -> it.runs.Run:
    """Fine-tune in a process of its own, as from a terminal, and do something again and again until it has ended."""
    place = world.folder / f"worker-{device.replace(':', '-')}"
    place.mkdir()
    rows = classes(40)
    lines = [f"{text},{label}" for text, label in zip(rows.texts, rows.labels, strict=True)]
    data = place / "rows.csv"
    data.write_text("\n".join(["text,label", *lines]), "utf-8")
    run = place / "run"
    words = ["--data", str(data), "--model", world.tiny("bert", initializer_range=0.05), "--device", device]
    words += ["--epochs", "2", "--batch", "8", "--learning-rate", "5e-3", "--out", str(run)]
    with (place / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "interpret.finetuning", *words], cwd=ROOT, stdout=log, stderr=log
        )
        deadline = time.monotonic() + _SECONDS
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the training takes more than {_SECONDS} s")
                meanwhile()
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise RuntimeError(_last_line(place / "log.txt"))
    return it.runs.read_run(run)


def _last_line(file: Path) -> str:
    return (file.read_text("utf-8").strip().splitlines() or ["it said nothing"])[-1]


@step("a training beside a page", 40)
def page(world: World) -> list[Figure]:
    """Hold an encoder and read with it, as a page does, while a training runs in a process of its own."""
    encoder = world.encoder(world.tiny("bert"))
    before, worst = it.trace(encoder, SENTENCE).attention, 0.0

    def look() -> None:
        nonlocal worst
        worst = max(worst, float(abs(it.trace(encoder, SENTENCE).attention - before).max()))
        time.sleep(0.2)

    run = _worker(world, world.device, look)
    return [
        holds(f"the training ended: {run.state}", run.state == "done", "done"),
        holds(f"it ran on {run.device}", run.device == world.device, world.device),
        at_most("what the page read meanwhile", worst, 1e-5),
    ]


@step("several cards", 45)
def cards(world: World) -> list[Figure]:
    """Fine-tune on the second card without touching the first, and embed on both at once."""
    if len(world.cards) < 2:
        raise LeftOut("needs two cards")
    names = world.cards[:2]
    encoders = [it.load_encoder(world.tiny("bert"), name) for name in names]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda one: it.embed(one, TEXTS, pooling="mean").vectors, encoders)
    tidy()
    before = [find(name).free for name in names]
    least = list(before)

    def look() -> None:
        for number, name in enumerate(names):
            least[number] = min(least[number], find(name).free)
        time.sleep(0.2)

    run = _worker(world, names[1], look)
    taken = [one - other for one, other in zip(before, least, strict=True)]
    return [
        at_most("vectors of both", float(abs(first - second).max()), 1e-5),
        holds(f"the training ended: {run.state}", run.state == "done", "done"),
        holds(f"it ran on {run.device}", run.device == names[1], names[1]),
        at_most("taken of the first card", taken[0], _UNTOUCHED, "bytes"),
        # A make-believe card does not see what other processes take of it.
        Figure(
            "taken of the second card",
            taken[1],
            "bytes",
            f"> {_UNTOUCHED:.2g}",
            taken[1] > _UNTOUCHED if world.on_card else None,
        ),
    ]

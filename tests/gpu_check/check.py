"""The frame of the check: steps that go on after each other's failures, figures, a clock, a table and a JSON file."""

import gc
import importlib.metadata
import json
import math
import platform
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers as tf

import interpret as it
from interpret.core.device_lock import release
from tests.tiny import FAMILIES, make_checkpoint

ROOT = Path(__file__).parents[2]
# What a machine may be without: steps that need one of these are left out there, and no failure.
OPTIONAL = ("captum", "sentence_transformers")
_LIBRARIES = ("torch", "transformers", "accelerate", "peft", "numpy", "scipy", "scikit-learn", "onnxruntime")
# A step that takes so many times what it may is stuck, and would cost those after it their time.
_STUCK = 2


@dataclass(frozen=True)
class Figure:
    """Something that a step found.

    Attributes
    ----------
    value, unit
        None where there is no number.
    want
        What the value is to be, in words.
    passed
        Whether it is; None where nothing is asked of it.
    quiet
        Whether it is written down only, unless it failed.
    """

    name: str
    value: float | None
    unit: str = ""
    want: str = ""
    passed: bool | None = None
    quiet: bool = False


def at_most(name: str, value: float, bound: float, unit: str = "", quiet: bool = False) -> Figure:
    """Return a figure that must not be above a bound; NaN is."""
    return Figure(name, value, unit, f"≤ {bound:.2g}", value <= bound, quiet)


def holds(name: str, passed: bool, want: str = "yes") -> Figure:
    """Return a figure that is a fact."""
    return Figure(name, None, "", want, passed)


class LeftOut(Exception):
    """Raised by a step that this machine has not got what it needs for; says what that is."""


class OutOfTime(BaseException):
    """Raised in a step that takes too long. No `Exception`, so that nothing on the way takes it for its own."""


@dataclass(frozen=True)
class Shapes:
    """How large everything is that is not a tiny model of some family.

    Attributes
    ----------
    layers, heads, width, inner, positions
        Of the model.
    lengths, batches
        Two lengths of texts in tokens, and how many of each go into a step of training.
    steps, warm
        Steps of a training that is timed, and how many of them come before the clock runs.
    examples
        How many a training has that is to learn something.
    texts, rounds
        How many texts are embedded, and how often what is compared is timed in turn.
    square
        Rows of the matrices whose product is the card's own rate.
    """

    layers: int
    heads: int
    width: int
    inner: int
    positions: int
    lengths: tuple[int, int]
    batches: tuple[int, int]
    steps: int
    warm: int
    examples: int
    texts: int
    rounds: int
    square: int

    @classmethod
    def real(cls) -> "Shapes":
        """Return those of a BERT-base on a card."""
        return cls(12, 12, 768, 3072, 512, (128, 512), (128, 32), 60, 20, 64, 8000, 15, 8192)

    @classmethod
    def tiny(cls) -> "Shapes":
        """Return some that two processor cores are through with at once."""
        return cls(2, 4, 32, 64, 66, (16, 48), (4, 2), 4, 1, 40, 30, 2, 64)


class World:
    """Where the steps work: the device, the shapes, a folder, and the models that they have in common."""

    def __init__(self, device: str, shapes: Shapes, folder: Path) -> None:
        self.device = f"{device}:0" if device == "cuda" else device
        self.shapes = shapes
        self.folder = folder
        self._encoders: dict[tuple[str, str, str], it.Encoder] = {}

    @property
    def on_card(self) -> bool:
        """Whether the device is a card of CUDA's: one whose memory and time can be asked for."""
        return self.device.startswith("cuda")

    @property
    def cards(self) -> tuple[str, ...]:
        """All devices of the kind that is checked; none where that is the CPU."""
        kind = self.device.partition(":")[0]
        return tuple(one.name for one in it.available_devices() if kind != "cpu" and one.name.startswith(f"{kind}:"))

    @property
    def families(self) -> tuple[str, ...]:
        """Whose numbers are compared: all, or on the CPU, which is compared with itself, one of each kind."""
        return tuple(FAMILIES) if self.on_card else ("bert", "modernbert", "deberta-v2")

    def needs_card(self) -> None:
        """Leave a step out where there is none."""
        if not self.on_card:
            raise LeftOut("needs CUDA")

    def tiny(self, family: str, loader: type = tf.AutoModel, **changes: object) -> str:
        """Return the folder of a tiny model of a family."""
        return self._made(f"{family}-{loader.__name__}-{'-'.join(map(str, changes.values()))}", family, loader, changes)

    def base(self, loader: type = tf.AutoModel) -> str:
        """Return the folder of the model whose size is that of the shapes."""
        shapes = self.shapes
        sizes = {
            "num_hidden_layers": shapes.layers,
            "num_attention_heads": shapes.heads,
            "hidden_size": shapes.width,
            "intermediate_size": shapes.inner,
            "max_position_embeddings": shapes.positions,
            "initializer_range": 0.02,
        }
        return self._made(f"base-{loader.__name__}", "bert", loader, sizes)

    def _made(self, name: str, family: str, loader: type, changes: dict[str, object]) -> str:
        folder = self.folder / name
        if not folder.exists():
            make_checkpoint(family, folder, loader=loader, **changes)
        return str(folder)

    def encoder(self, folder: str, device: str | None = None, precision: str = "float32") -> it.Encoder:
        """Return a tiny model, loaded once for all steps."""
        key = folder, device or self.device, precision
        if key not in self._encoders:
            self._encoders[key] = it.load_encoder(*key)
        return self._encoders[key]

    @cached_property
    def precisions(self) -> tuple[str, ...]:
        """What is checked on the device."""
        return tuple(one for one in ("float32", "bfloat16") if one in find(self.device).precisions)

    @cached_property
    def aside(self) -> dict[str, Any]:
        """What a process of its own tells: whether the CPU's path starts CUDA, and what CUDA's start takes."""
        return json.loads(aside("context", self.tiny("bert"), self.device).splitlines()[-1])

    def wait(self) -> None:
        """Wait until the device has done all that it was asked to."""
        if self.on_card:
            torch.cuda.synchronize(self.device)

    def reset_peak(self) -> None:
        """Begin to count the device's memory anew."""
        tidy()
        if self.on_card:
            torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self, kind: str = "allocated") -> int:
        """Return the most bytes in use since `reset_peak`; 0 on the CPU, where nobody counts."""
        return torch.cuda.memory_stats(self.device)[f"{kind}_bytes.all.peak"] if self.on_card else 0


def find(device: str) -> it.Device:
    """Return a device as it is now."""
    return next(one for one in it.available_devices() if one.name == device)


def tidy() -> None:
    """Let go of what nobody holds."""
    gc.collect()
    release()


def command(role: str, *words: str) -> list[str]:
    """Return the command line of a process beside this one."""
    return [sys.executable, "-m", "tests.gpu_check.beside", role, *words]


def aside(role: str, *words: str, seconds: float = 120) -> str:
    """Let a process beside this one do something, and return what it printed."""
    done = subprocess.run(command(role, *words), cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"{role}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def ask_driver(*fields: str) -> list[list[str]]:
    """Return what nvidia-smi says of each card; nothing where it is not there."""
    query = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.split(", ") for line in found.strip().splitlines()]


@dataclass(frozen=True)
class Step:
    """One of the things to be checked.

    Attributes
    ----------
    seconds
        What it may take on a card: with less left, it is not begun.
    """

    name: str
    seconds: float
    work: Callable[[World], list[Figure]]


def step(name: str, seconds: float) -> Callable[[Callable[[World], list[Figure]]], Step]:
    """Make a step of a function."""
    return lambda work: Step(name, seconds, work)


@dataclass
class Row:
    """What became of a step: ``"passed"``, ``"failed"``, ``"left out"`` or ``"not run"``, and why."""

    name: str
    state: str
    why: str = ""
    seconds: float = 0.0
    figures: list[Figure] = field(default_factory=list)
    traceback: str = ""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the block after so many seconds, where this thread can be told to."""
    if math.isinf(seconds) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise OutOfTime(f"cut off after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def take(one: Step, world: World, left: float = math.inf) -> Row:
    """Do a step, whatever becomes of it."""
    row, begin = Row(one.name, "passed"), time.perf_counter()
    try:
        with _within(min(left, _STUCK * one.seconds) if math.isfinite(left) else left):
            row.figures = one.work(world)
        failed = [figure.name for figure in row.figures if figure.passed is False]
        if failed:
            row.state, row.why = "failed", f"{len(failed)} of {len(row.figures)}: {failed[0]}"
    except LeftOut as error:
        row.state, row.why = "left out", str(error)
    except (ModuleNotFoundError, it.InputError) as error:
        missing = missing_package(error)
        row.state = "left out" if missing in OPTIONAL else "failed"
        row.why = f"needs {missing}" if missing else f"InputError: {error}"
        row.traceback = "" if missing else traceback.format_exc()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        row.state = "failed"
        row.why = f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[-1][:200]}"
        row.traceback = traceback.format_exc()
    row.seconds = time.perf_counter() - begin
    try:
        tidy()
    except Exception as error:  # a card that is broken for good says so at every call
        row.state, row.why = "failed", row.why or f"{type(error).__name__}: {error}"
    return row


def missing_package(error: BaseException | None) -> str:
    """Return the package whose absence an error tells of; empty where it tells of something else."""
    while error is not None and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__
    return "" if error is None else (error.name or "").partition(".")[0]


def _say(line: str) -> None:
    # At once: a run that is cut off has told what it knew.
    print(line, flush=True)


def run(steps: Sequence[Step], world: World, seconds: float, out: Path, say: Callable[[str], None] = _say) -> list[Row]:
    """Do the steps one after another while there is time, saying and writing down each; returns what became of them."""
    about, begin, rows = describe(world.device), time.perf_counter(), []
    say("| check | figure | value | wanted | |\n|---|---|---|---|---|")
    for one in steps:
        left = seconds - (time.perf_counter() - begin)
        row = take(one, world, left) if left >= one.seconds else Row(one.name, "not run", "time")
        rows.append(row)
        for line in lines(row):
            say(line)
        write(out, about, rows)
    return rows


def lines(row: Row) -> Iterator[str]:
    """Write a step's rows of the table."""
    mark = {"failed": "**failed**"}.get(row.state, row.state)
    why = f"{mark}: {row.why}" if row.why else mark
    yield f"| {row.name} | | {row.seconds:.1f} s | | {why.replace('|', '/')} |"
    for one in row.figures:
        if not one.quiet or one.passed is False:
            value = "" if one.value is None else f"{one.value:.3g} {one.unit}".strip()
            verdict = {True: "yes", False: "**no**", None: ""}[one.passed]
            yield f"| | {one.name} | {value} | {one.want} | {verdict} |"


def write(out: Path, about: dict[str, Any], rows: Sequence[Row]) -> None:
    """Write everything down, whole or not at all."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        if isinstance(value, list):
            return [plain(one) for one in value]
        # JSON has no words for these.
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    beside = out.with_name(f"{out.name}.part")
    found = plain({**about, "steps": [asdict(one) for one in rows]})
    beside.write_text(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False, default=float), "utf-8")
    beside.replace(out)


def describe(device: str) -> dict[str, Any]:
    """Tell what the figures are of, without a call that starts CUDA."""
    versions = {}
    for name in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    cudnn = None
    with suppress(RuntimeError):
        cudnn = torch.backends.cudnn.version()
    cards = ask_driver("name", "driver_version", "memory.total")
    return {
        "device": device,
        "cards": [{"name": name, "driver": driver, "megabytes": size} for name, driver, size in cards],
        "cuda": torch.version.cuda,
        "cudnn": cudnn,
        "python": platform.python_version(),
        "versions": versions,
        "commit": _commit(),
    }


def _commit() -> str | None:
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()

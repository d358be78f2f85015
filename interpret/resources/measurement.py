"""What work really takes: done in a process of its own, which leaves nothing behind."""

import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import torch
from transformers import CONFIG_MAPPING, PretrainedConfig

from interpret.core.device_lock import lock_device, synchronize
from interpret.core.devices import find_device
from interpret.core.errors import CapacityError, InputError, InterpretError
from interpret.core.files import cache_folder
from interpret.core.own_process import Progress, device_inside, measured_alone
from interpret.resources.prediction import predict
from interpret.resources.workload import Runner, Workload, build

# Once to find memory and to load code, and what is timed.
_STEPS = 3
# Seconds after which it is given up.
PATIENCE = 600.0
# What PyTorch and transformers take in a process of their own before there is any model, about; and what is to stay
# free beside it, of what is free.
PROCESS_BYTES, _SPARE = 500_000_000, 0.05
# Of what comes and goes, the share that a process keeps of it beside what is alive, by `Workload.manner`: least, usual
# and most of what `tests.benchmarks.bench_resources` saw with glibc's allocator on two cores.
KEPT: Mapping[str, tuple[float, float, float]] = {
    "answers": (0.3, 0.6, 1.1),
    "learns": (0.1, 0.25, 0.45),
    "learns in parts": (0.5, 0.9, 1.3),
}


@dataclass(frozen=True)
class Measurement:
    """What work took.

    Attributes
    ----------
    work
        What was done, with weights drawn at random: memory and time do not depend on them.
    device
        Where.
    before
        Bytes of the process when its code was loaded and no model was there: on a processor of its resident set, on a
        card 0.
    peak
        Bytes by which it grew from there at most; on a card what PyTorch gave out at most.
    seconds
        Of each answer or step after the first one.
    """

    work: Workload
    device: str
    before: int
    peak: int
    seconds: tuple[float, ...]

    @property
    def typical(self) -> float:
        """The median of the seconds."""
        return median(self.seconds)


def measurements_folder() -> Path:
    """Return the folder where it is kept what work took on this machine, for pages and commands alike.

    Examples
    --------
    >>> from interpret.resources import measurements_folder
    >>> measurements_folder().name
    'resources'
    """
    return cache_folder() / "resources"


def measure(
    config: PretrainedConfig,
    work: Workload,
    device: str = "cpu",
    patience: float = PATIENCE,
    progress: Progress | None = None,
) -> Measurement:
    """Do some work in a process of its own, and return what it took.

    Parameters
    ----------
    patience
        Seconds after which it is given up.
    progress
        Called with the seconds so far; whatever it raises ends the process.

    Raises
    ------
    CapacityError
        If it needs more memory than the device has free, or had when it came to it.
    InputError
        If the process took too long, or ended without an answer. See also `build`.

    Examples
    --------
    >>> import transformers
    >>> from interpret.resources import Workload, measure
    >>> found = measure(transformers.BertConfig(num_hidden_layers=2), Workload(batch=4, length=64))
    >>> len(found.seconds), found.peak > 0
    (2, True)
    """
    predicted, here = predict(config, work), find_device(device)
    host = here.name == "cpu"
    if here.name == "mps":
        raise InputError("What work takes cannot be measured on {device}. Choose the CPU.", device=here.description)
    moving = predicted.peak - predicted.parts["weights"]
    needed = predicted.peak + int(KEPT[work.manner][1] * moving) + PROCESS_BYTES
    # A card's kernels may take less than was counted, and where they do not it says so itself.
    if host and needed > (1 - _SPARE) * here.free:
        raise _too_much(needed, here.free, here.name)
    request = [config.to_dict(), asdict(work), device_inside(here.name)]
    found = measured_alone("interpret.resources.measurement", request, here.name, patience, progress)
    return Measurement(work, here.name, found["before"], found["peak"], tuple(found["seconds"]))


def _too_much(needed: int, free: int, device: str) -> CapacityError:
    return CapacityError(
        "This needs {needed} GB, and {device} has {free} GB free. Choose a smaller batch or shorter texts.",
        needed=f"{needed / 1e9:.1f}",
        device=device,
        free=f"{free / 1e9:.1f}",
    )


def work_here(config: PretrainedConfig, work: Workload, device: str) -> tuple[int, int, list[float]]:
    """Do some work in this process; returns what `Measurement` has."""
    # Its code is loaded before memory is looked at.
    with torch.device("meta"):
        build(config, work)
    host = device == "cpu"
    with lock_device(device), torch.device(device):
        before = _forget_peak() if host else 0
        model = build(config, work)
        runner, seconds = Runner(model, work), []
        if not host:
            torch.cuda.reset_peak_memory_stats(device)
        for _ in range(_STEPS):
            begin = time.perf_counter()
            runner.step()
            synchronize(device)
            seconds.append(time.perf_counter() - begin)
        peak = _peak() - before if host else int(torch.cuda.max_memory_allocated(device))
    return before, peak, seconds[1:]


def _forget_peak() -> int:
    """Let the most that this process has had begin anew where the system can; returns the bytes that it has now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    """Return the most bytes that this process has had."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(one for one in lines if one.startswith("VmHWM:")).split()[1])
    except (OSError, StopIteration):
        pass
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Apple counts bytes, others kilobytes.
    return most if sys.platform == "darwin" else 1024 * most


def main() -> None:
    """Do what standard input asks for, and print what it took as JSON."""
    given, work, device = json.loads(sys.stdin.read())
    try:
        config = CONFIG_MAPPING[given["model_type"]].from_dict(given)
        before, peak, seconds = work_here(config, Workload(**work | {"frozen": tuple(work["frozen"])}), device)
        found: dict[str, Any] = {"before": before, "peak": peak, "seconds": seconds}
    except InterpretError as error:
        found = {"kind": type(error).__name__, **error.to_dict()}
    print(json.dumps(found))  # noqa: T201 - to who asked


if __name__ == "__main__":
    main()

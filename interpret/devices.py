"""Where the arithmetic runs: which devices there are, their memory, and one lock for each."""

import platform
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from interpret.errors import CapacityError, InputError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Device:
    """A device as it is at this moment.

    Attributes
    ----------
    name
        ``"cpu"``, ``"cuda:0"``, ``"mps"`` …
    description
        The product's own name; for the CPU with its number of cores.
    total, free
        Memory in bytes; for the CPU it is the machine's.
    precisions
        The names in `PRECISIONS` that the device computes in.
    """

    name: str
    description: str
    total: int
    free: int
    precisions: tuple[str, ...]


def available_devices() -> tuple[Device, ...]:
    """List the devices that can run an encoder, the fastest first."""
    found = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            half = ("bfloat16", "float16") if torch.cuda.is_bf16_supported() else ("float16",)
            name = torch.cuda.get_device_name(index)
            found.append(Device(f"cuda:{index}", name, total, free, ("float32", *half)))
    memory = psutil.virtual_memory()
    if torch.backends.mps.is_available():
        # Apple's GPU shares the machine's memory.
        found.append(Device("mps", "Apple GPU", memory.total, memory.available, ("float32", "float16")))
    # float16 has no fast kernels on CPUs, bfloat16 has.
    cores = psutil.cpu_count(logical=False) or torch.get_num_threads()
    found.append(Device("cpu", f"{_processor()} × {cores}", memory.total, memory.available, ("float32", "bfloat16")))
    return tuple(found)


def _processor() -> str:
    """The processor's product name; Linux keeps it in a file, where `platform` does not look."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def find_device(name: str) -> Device:
    """Return the device called ``name``; ``"auto"`` is the first of `available_devices`, ``"cuda"`` is ``"cuda:0"``.

    Raises
    ------
    InputError
        If this machine has no such device.
    """
    present = available_devices()
    if name == "auto":
        return present[0]
    for device in present:
        if device.name == name or device.name == f"{name}:0":
            return device
    raise InputError(
        "There is no device “{name}” on this machine. It has: {present}. Choose one of these, or “auto”.",
        name=name,
        present=", ".join(device.name for device in present),
    )


def choose_precision(name: str, device: Device) -> str:
    """Return the precision called ``name`` if ``device`` has it.

    ``"auto"`` is float32 everywhere: what is shown is compared with other numbers, one text at a time, and is fast
    enough in it. The shorter formats are for work where speed or memory decides.

    Raises
    ------
    InputError
        If the device does not compute in that precision.
    """
    if name == "auto":
        return "float32"
    if name not in device.precisions:
        raise InputError(
            "{device} does not compute in “{name}”. It has: {present}. Choose one of these, or “auto”.",
            device=device.name,
            name=name,
            present=", ".join(device.precisions),
        )
    return name


_locks: dict[str, threading.RLock] = {}
_locks_guard = threading.Lock()


def device_lock(name: str) -> threading.RLock:
    """Return the one lock of the device called ``name``; a thread that holds it may take it again."""
    with _locks_guard:
        return _locks.setdefault(name, threading.RLock())


@contextmanager
def hold(name: str) -> Iterator[None]:
    """Hold a device for one piece of work, and turn running out of its memory into a `CapacityError`.

    Hooks and gradients live on the model, so two threads on one model give silently wrong numbers without this.
    """
    failed: BaseException | None = None
    with device_lock(name):
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError) as error:
            failed = error
        except RuntimeError as error:
            # The allocators of the CPU and of Apple's GPU have no exception class of their own.
            if "DefaultCPUAllocator" not in str(error) and "out of memory" not in str(error):
                raise
            failed = error
        if failed is not None:
            # The frames of the failed work hold its tensors; without them the memory can be given back.
            traceback.clear_frames(failed.__traceback__)
            failed = None
            release()
            raise CapacityError(
                "{name} ran out of memory. Use a shorter text or a smaller window, a smaller model, or bfloat16.",
                name=name,
            )


def release() -> None:
    """Give memory that PyTorch keeps for reuse back to the devices."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

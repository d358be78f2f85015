"""Where the arithmetic runs: which devices there are, and their memory.

A card is asked through NVIDIA's management library (NVML) where there is one: PyTorch would make a context of half a
gigabyte on each card that it is asked about. Work on the CPU makes no call to CUDA at all.
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import torch

from interpret.core.errors import InputError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# NVML counts cards by their slots; CUDA does so only if asked to before it starts.
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
# The first generation whose tensor cores multiply bfloat16 (compute capability of Ampere); PyTorch emulates it before.
_BFLOAT16_SINCE = (8, 0)


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
    """List the devices that can run an encoder, the fastest first; cards that do not answer are left out.

    See Also
    --------
    silent_devices : those that are left out, with the reason.

    Examples
    --------
    >>> import interpret as it
    >>> cpu = it.available_devices()[-1]
    >>> cpu.name, cpu.free <= cpu.total
    ('cpu', True)
    >>> cpu.precisions
    ('float32', 'bfloat16')
    """
    return tuple(one for one in map(_answer, _names()) if isinstance(one, Device))


def silent_devices() -> Mapping[str, InputError]:
    """Return the cards that this machine has and that do not answer, each with the reason."""
    answers = {name: _answer(name) for name in _names()}
    return {name: one for name, one in answers.items() if isinstance(one, InputError)}


def find_device(name: str) -> Device:
    """Return the device called ``name``; ``"auto"`` is the first of `available_devices`, ``"cuda"`` is ``"cuda:0"``.

    Only the device that is meant is asked.

    Raises
    ------
    InputError
        If this machine has no such device, or it does not answer.
    """
    # Whatever ails a card must not reach who asks for the CPU.
    names = ("cpu",) if name == "cpu" else _names()
    for one in names:
        if name in ("auto", one) or one == f"{name}:0":
            answer = _answer(one)
            if isinstance(answer, Device):
                return answer
            if name != "auto":
                raise answer
    raise InputError(
        "There is no device “{name}” on this machine. It has: {present}. Choose one of these, or “auto”.",
        name=name,
        present=", ".join(names),
    )


def _names() -> tuple[str, ...]:
    try:
        # By NVML, unless CUDA has started already.
        cards = torch.cuda.device_count()
    except Exception:  # whatever a broken driver raises
        cards = 0
    apple = ("mps",) if torch.backends.mps.is_available() else ()
    return (*(f"cuda:{index}" for index in range(cards)), *apple, "cpu")


def _answer(name: str) -> Device | InputError:
    """Ask a device what it is; for a card that does not answer the reason."""
    memory = psutil.virtual_memory()
    if name == "cpu":
        # float16 has no fast kernels on CPUs, bfloat16 has.
        cores = psutil.cpu_count(logical=False) or torch.get_num_threads()
        return Device("cpu", f"{_processor()} × {cores}", memory.total, memory.available, ("float32", "bfloat16"))
    if name == "mps":
        # Apple's GPU shares the machine's memory.
        return Device("mps", "Apple GPU", memory.total, memory.available, ("float32", "float16"))
    try:
        return _card(name)
    except Exception as error:  # whatever a broken card or driver raises
        return _silent(name, error)


def _silent(name: str, error: Exception) -> InputError:
    return InputError(
        "The device “{name}” does not respond: {error}. Choose another device.",
        name=name,
        error=(str(error).strip().splitlines() or [type(error).__name__])[0][:200],
    )


def _card(name: str) -> Device:
    index = card_index(name)
    # Does not make a context either; tells what NVML does not know: whether this PyTorch and the driver go together.
    if not torch.cuda.is_available():
        raise RuntimeError("the driver does not start")
    answer = _by_nvml(index)
    if answer is None:
        free, total = torch.cuda.mem_get_info(index)
        answer = torch.cuda.get_device_name(index), total, free, torch.cuda.get_device_capability(index)
    description, total, free, capability = answer
    half = ("bfloat16", "float16") if capability >= _BFLOAT16_SINCE or torch.version.hip else ("float16",)
    return Device(name, description, total, free, ("float32", *half))


def card_index(name: str) -> int:
    """Return a card's index among those that CUDA has."""
    return int(name.partition(":")[2] or 0)


def _by_nvml(index: int) -> tuple[str, int, int, tuple[int, int]] | None:
    """Return a card's name, memory in all and free, and generation; None where NVML cannot tell, or not of this one."""
    nvml = _nvml()
    if nvml is None:
        return None
    try:
        handle = _handle(nvml, index)
        # A part of a card has memory of its own, which NVML tells elsewhere.
        if handle is None or _is_parted(nvml, handle):
            return None
        memory, name = nvml.nvmlDeviceGetMemoryInfo(handle), nvml.nvmlDeviceGetName(handle)
        # Bytes, in releases of before.
        name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        return name, int(memory.total), int(memory.free), tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle))
    except (nvml.NVMLError, LookupError, ValueError):
        # A driver of another age may say what this release does not know, and a variable name what is not there.
        return None


@cache
def _nvml() -> Any:
    """Return NVML where it is installed and a driver is there."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no package, no driver, or one of another age
        return None
    return pynvml


def _handle(nvml: Any, index: int) -> Any:
    """Return what NVML calls the card that CUDA has at an index, or None."""
    if torch.cuda.is_initialized():
        return nvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(index).uuid}")
    if os.environ["CUDA_DEVICE_ORDER"] != "PCI_BUS_ID":
        return None
    shown = shown_cards()
    one = str(index) if shown is None else shown[index]
    return nvml.nvmlDeviceGetHandleByIndex(int(one)) if one.isdecimal() else nvml.nvmlDeviceGetHandleByUUID(one)


def _is_parted(nvml: Any, handle: Any) -> bool:
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    except nvml.NVMLError:
        # Of a generation that cannot be parted.
        return False


def shown_cards() -> list[str] | None:
    """Return what ``CUDA_VISIBLE_DEVICES`` shows of the machine's cards, in order; None for all of them."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if shown is None else [one.strip() for one in shown.split(",") if one.strip()]


# What PyTorch takes for "ask NVML alone whether there is a card".
_BY_NVML = "PYTORCH_NVML_BASED_CUDA_CHECK"


def unstarted() -> None:
    """Let nothing start CUDA before `claim`: the driver reads ``CUDA_VISIBLE_DEVICES`` the first time it is asked."""
    os.environ[_BY_NVML] = "1"


def shown_alone(name: str) -> str:
    """Return what ``CUDA_VISIBLE_DEVICES`` must be for a process to see that card of this one's alone."""
    index, shown = card_index(name), shown_cards()
    if shown is not None:
        return shown[index]
    # Who started CUDA before this module was there may count them otherwise.
    return f"GPU-{torch.cuda.get_device_properties(index).uuid}" if torch.cuda.is_initialized() else str(index)


def claim(name: str) -> str:
    """Make a card the only one that this process sees, and return what it is called from then on.

    What others write, such as Hugging Face's arguments, settles on the first card that it sees. Called before CUDA
    starts, and best after `unstarted`; where it has started, or each process of several has its own card already, all
    stays as it is.

    Raises
    ------
    InputError
        If CUDA does not start with that card alone.
    """
    os.environ.pop(_BY_NVML, None)
    if not name.startswith("cuda") or torch.cuda.is_initialized() or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return name
    before, taken = os.environ.get("CUDA_VISIBLE_DEVICES"), False
    os.environ["CUDA_VISIBLE_DEVICES"] = shown_alone(name)
    try:
        torch.cuda.init()
        # CUDA's own count: PyTorch's may be that of NVML, which goes by the variable as it is now. Where somebody asked
        # the driver before, it has all cards still.
        taken = torch._C._cuda_getDeviceCount() == 1
    except Exception as error:
        raise _silent(name, error) from error
    finally:
        if not taken:
            os.environ.pop("CUDA_VISIBLE_DEVICES")
            os.environ |= {} if before is None else {"CUDA_VISIBLE_DEVICES": before}
    return "cuda:0" if taken else name


def _processor() -> str:
    """The processor's product name; Linux keeps it in a file, where `platform` does not look."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


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
            "{device} does not compute in “{name}”. It supports: {present}. Choose one of these, or “auto”.",
            device=device.name,
            name=name,
            present=", ".join(device.precisions),
        )
    return name

"""Where the arithmetic runs: which devices there are, their memory, and one lock for each.

A card is asked through NVIDIA's management library (NVML) where there is one: PyTorch would make a context of half a
gigabyte on each card that it is asked about. Work on the CPU makes no call to CUDA at all.
"""

import gc
import os
import platform
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from interpret.errors import CapacityError, InputError

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
        return InputError(
            "The device “{name}” does not answer: {error}. Choose another device.",
            name=name,
            error=(str(error).strip().splitlines() or [type(error).__name__])[0][:200],
        )


def _card(name: str) -> Device:
    index = _index(name)
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


def _index(name: str) -> int:
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
        return name, int(memory.total), int(memory.free), tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle))
    except nvml.NVMLError:
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
    """Return what NVML calls the card that CUDA has at a place, or None."""
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


def claim(name: str) -> str:
    """Make a card the only one that this process sees, and return what it is called from then on.

    What others write, such as Hugging Face's arguments, settles on the first card that it sees. Called before CUDA
    starts; where it has started, or each process of several has its own card already, all stays as it is.

    Raises
    ------
    InputError
        If CUDA does not start with that card alone.
    """
    apart = not name.startswith("cuda") or torch.cuda.is_initialized() or int(os.environ.get("WORLD_SIZE", "1")) > 1
    if apart or torch.cuda.device_count() < 2:
        return name
    before, shown = os.environ.get("CUDA_VISIBLE_DEVICES"), shown_cards()
    os.environ["CUDA_VISIBLE_DEVICES"] = str(_index(name)) if shown is None else shown[_index(name)]
    try:
        torch.cuda.init()
    except Exception as error:
        raise InputError(
            "The device “{name}” does not answer: {error}. Choose another device.", name=name, error=str(error)[:200]
        ) from error
    # The driver reads the variable once: who asked it anything before has it see all cards still.
    if torch.cuda.device_count() == 1:
        return "cuda:0"
    if before is None:
        del os.environ["CUDA_VISIBLE_DEVICES"]
    else:
        os.environ["CUDA_VISIBLE_DEVICES"] = before
    return name


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
def hold(name: str, refusal: CapacityError | None = None) -> Iterator[None]:
    """Hold a device for one piece of work, and turn running out of its memory into a `CapacityError`.

    Hooks and gradients live on the model, so two threads on one model give silently wrong numbers without this.
    All that touches a device's tensors belongs in it, copies to and from the device too. A card that is held is the
    current one of its thread.

    Parameters
    ----------
    refusal
        What is raised when memory runs out, where the usual advice does not fit.
    """
    failed: BaseException | None = None
    with device_lock(name), _current(name):
        try:
            yield
        except CapacityError as error:
            # Raised further in: the frames from there to here hold tensors of their own.
            _forget(error)
            raise
        except Exception as error:
            if not _ran_out(error, name):
                raise
            failed = error
        if failed is not None:
            _forget(failed)
            failed = None
            raise refusal or CapacityError(
                "{name} ran out of memory. Use a shorter text or a smaller window, a smaller model, or bfloat16.",
                name=name,
            )


def _current(name: str) -> Any:
    """Make a card the current one, and its products what float32 says.

    PyTorch lets cuDNN round what goes into float32 convolutions and recurrences to TensorFloat-32's 10 bits unless
    told otherwise, so that a head of either kind would answer otherwise on a card than on the CPU, by a thousandth.
    Who wants speed has bfloat16, whose error is told. See https://pytorch.org/docs/stable/notes/cuda.html.
    """
    if not name.startswith("cuda"):
        return nullcontext()
    cudnn: Any = torch.backends.cudnn
    for one in (cudnn.conv, cudnn.rnn, torch.backends.cuda.matmul):
        one.fp32_precision = "ieee"
    return torch.cuda.device(name)


# What allocators say that have no exception class of their own: those of the CPU and of Apple's GPU, and those of the
# libraries that CUDA's arithmetic is written in.
_EXHAUSTED = ("out of memory", "DefaultCPUAllocator", "ALLOC_FAILED", "ALLOCATION_FAILED")
# What these libraries say where nothing is left for their work space, and sometimes of another cause.
_PERHAPS = (
    "CUBLAS_STATUS_NOT_INITIALIZED",
    "CUDNN_STATUS_INTERNAL_ERROR",
    "CUDNN_STATUS_NOT_INITIALIZED",
    "CUSOLVER_STATUS_INTERNAL_ERROR",
    "Unable to find an engine to execute",
)
# Bytes free below which it is for want of memory: the work space of cuBLAS alone is 32 MiB on recent cards.
_NOTHING_LEFT = 256 << 20


def _ran_out(error: Exception, name: str) -> bool:
    """Tell whether an error says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    said = str(error)
    if any(one in said for one in _EXHAUSTED):
        return True
    if not any(one in said for one in _PERHAPS):
        return False
    try:
        return find_device(name).free < _NOTHING_LEFT
    except InputError:
        return False


def _forget(error: BaseException) -> None:
    """Give back what failed work held: its frames hold its tensors, and models and trainers hold themselves."""
    some: BaseException | None = error
    while some is not None:
        traceback.clear_frames(some.__traceback__)
        some = some.__cause__ or some.__context__
    gc.collect()
    release()


def release() -> None:
    """Give memory that PyTorch keeps for reuse back to the devices."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def synchronize(name: str) -> None:
    """Wait until a device has done all that it was told to do; nothing else tells how long its work took."""
    if name.startswith("cuda"):
        torch.cuda.synchronize(name)
    elif name == "mps":
        torch.mps.synchronize()


def forget_peak(name: str) -> None:
    """Let `peak_memory` of a card count from now on."""
    if name.startswith("cuda"):
        torch.cuda.init()
        torch.cuda.reset_peak_memory_stats(name)


def peak_memory(name: str) -> int:
    """Return the most bytes that PyTorch has held on a card since `forget_peak`; of the CPU what the process has now.

    A CUDA context is not among them.
    """
    if name.startswith("cuda"):
        return int(torch.cuda.max_memory_reserved(name))
    return int(psutil.Process().memory_info().rss)


def fetched_later(some: torch.Tensor) -> Callable[[], list[float]]:
    """Begin to copy a few numbers to the host, and return what waits for them: the device goes on meanwhile."""
    if some.device.type != "cuda":
        return some.tolist
    found = torch.empty(some.shape, dtype=some.dtype, pin_memory=True)
    found.copy_(some, non_blocking=True)
    done = torch.cuda.Event()
    done.record()

    def wait() -> list[float]:
        done.synchronize()
        return found.tolist()

    return wait


# PyTorch's and NumPy's own generators are shared by all threads, so only one may draw from them at a time.
_drawing = threading.RLock()


@contextmanager
def seeded(seed: int, name: str = "cpu") -> Iterator[None]:
    """Draw from generators that begin with a seed, and leave those of the process as they were.

    `torch.manual_seed` would seed those of every card too, even of cards that are first used later.

    Parameters
    ----------
    name
        The device that is drawn on, beside the CPU.
    """
    card = name.startswith("cuda")
    with _drawing, torch.random.fork_rng(devices=[_index(name)] if card else []):
        before = np.random.get_state()
        torch.default_generator.manual_seed(seed)
        if card:
            torch.cuda.default_generators[_index(name)].manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)

"""Work on a device: one lock for each, running out of its memory, waiting for it, drawing on it."""

import gc
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import psutil
import torch

from interpret.core.device_queue import device_queue
from interpret.core.devices import card_index, find_device
from interpret.core.errors import CapacityError, InputError


@contextmanager
def lock_device(name: str, refusal: CapacityError | None = None, gives_way: bool = False) -> Iterator[None]:
    """Hold a device for one piece of work, and turn running out of its memory into a `CapacityError`.

    Hooks and gradients live on the model, so two threads on one model give silently wrong numbers without this.
    All that touches a device's tensors belongs in it, copies to and from the device too. A card that is held is the
    current one of its thread. Who waits for it has it in the order of `interpret.core.device_queue`.

    Parameters
    ----------
    refusal
        What is raised when memory runs out, where the usual advice does not fit.
    gives_way
        Whether somebody who waits for a picture may have the device between two layers: see `DeviceQueue.giving_way`.
    """
    failed: BaseException | None = None
    with device_queue(name) as queue, queue.giving_way() if gives_way else nullcontext():
        try:
            with _current(name):
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
    kinds = (cudnn.conv, cudnn.rnn, torch.backends.cuda.matmul)
    if any(one.fp32_precision != "ieee" for one in kinds):
        # The one word of before too, and first: PyTorch refuses to say it where it does not agree with these.
        cudnn.allow_tf32 = False
        for one in kinds:
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
    """Give memory that PyTorch keeps for reuse back to the devices, and to the host what is fixed in its place."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch._C._host_emptyCache()
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
    with _drawing, torch.random.fork_rng(devices=[card_index(name)] if card else []):
        before = np.random.get_state()
        torch.default_generator.manual_seed(seed)
        if card:
            torch.cuda.default_generators[card_index(name)].manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)

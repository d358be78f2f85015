"""What a device copies to the host while it goes on: one wait for many copies."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from interpret.core.devices import find_device

# Of the host's free memory the part that one buffer may fix in its place, and the most bytes.
_FIXED, _MOST = 4, 1 << 29


@dataclass(frozen=True, eq=False)
class HostBuffer:
    """Memory of the host that a device copies into.

    A card copies by itself only into memory that the system keeps in its place. Of that there is little, PyTorch takes
    it by powers of two and keeps it: it is for the way alone, and what is handed on lies elsewhere.

    Attributes
    ----------
    tensor
        Where copies go; they are there once the device was waited for.
    fixed
        Whether it is memory of that kind.
    """

    tensor: torch.Tensor
    fixed: bool

    def array(self) -> np.ndarray:
        """Return what has arrived, in memory that nothing is copied into any more."""
        if not self.fixed:
            return self.tensor.numpy()
        # By PyTorch, with all cores: a processor's share of a long text's trace would be most of its time.
        return _usual(self.tensor.shape, self.tensor.dtype).copy_(self.tensor).numpy()


def host_buffer(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> HostBuffer:
    """Make room on the host for what a device will copy."""
    size = math.prod(shape) * dtype.itemsize
    if device.type == "cuda" and size <= min(_MOST, find_device("cpu").free // _FIXED):
        try:
            return HostBuffer(torch.empty(*shape, dtype=dtype, pin_memory=True), True)
        except RuntimeError:
            # The system has no more of it: the copy is slower, and that is all.
            pass
    return HostBuffer(_usual(shape, dtype), False)


def _usual(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Make room in the host's usual memory; NumPy asks the system for large pages, which PyTorch does not."""
    return torch.from_numpy(np.empty(tuple(shape), torch.zeros(0, dtype=dtype).numpy().dtype))


def copy_to_host(layers: Sequence[torch.Tensor], dtype: torch.dtype = torch.float32) -> HostBuffer:
    """Begin to copy what each layer has to the host, one after another: on the device nothing lies twice."""
    found = host_buffer((len(layers), *layers[0].shape), dtype, layers[0].device)
    for slot, one in zip(found.tensor, layers, strict=True):
        slot.copy_(one.detach(), non_blocking=True)
    return found


def fetched_later(some: torch.Tensor) -> Callable[[], list[float]]:
    """Begin to copy a few numbers to the host, and return what waits for them: the device goes on meanwhile."""
    if some.device.type != "cuda":
        return some.tolist
    found = host_buffer(some.shape, some.dtype, some.device)
    found.tensor.copy_(some, non_blocking=True)
    done = torch.cuda.Event()
    done.record(torch.cuda.current_stream(some.device))

    def wait() -> list[float]:
        done.synchronize()
        return found.tensor.tolist()

    return wait

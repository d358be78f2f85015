"""Which tensors are alive while a model runs, and what they are: counted, not measured.

A model runs on tensors without data (PyTorch's fake tensors): each operation says what shape it would return, and
whatever autograd keeps for the way back is kept. So the count is that of the real model's own code, and needs no
weights, no card and next to no memory. Beside what PyTorch's allocator gave out, it is the same for most families and
up to 6 % more where feed-forward layers are gated, whose tensors go a moment earlier on the way back. What it does not
see is what a kernel takes for itself while it runs, and what the system's allocator keeps for later: a process was seen
to take up to half as much again.
"""

import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count


def _tiled(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_others: Any, **_named: Any) -> int:
    return int(sdpa_flop_count(query.shape, key.shape, value.shape))


def _tiled_back(
    gradient: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_others: Any, **_named: Any
) -> int:
    return int(sdpa_backward_flop_count(gradient.shape, query.shape, key.shape, value.shape))


# What PyTorch's counter does not know: attention in tiles on a processor.
_COUNTED: Mapping[Any, Callable[..., int]] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _tiled,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _tiled_back,
}


class LiveMemory(TorchDispatchMode):
    """While it is entered, counts the bytes of all tensors that operations return, by what they are.

    Parameters
    ----------
    kind_of
        Names what a tensor is that an operation returns, by its shape.

    Attributes
    ----------
    now
        Bytes that are alive.
    operations
        Floating-point operations so far: a multiplication and an addition are two.
    """

    def __init__(self, kind_of: Callable[[torch.Tensor], str]) -> None:
        super().__init__()
        self.kind_of = kind_of
        self.now = self.operations = 0
        # Every tensor's data that came or went, in order: its number and by how many bytes.
        self._events: list[tuple[int, int]] = []
        self._kinds: list[str] = []
        self._known: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, _types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation, and count what it returns."""
        returned = func(*args, **(kwargs or {}))
        # Not by PyTorch's own mode for it: that one holds on to what gradient checkpointing lets go.
        counted = _COUNTED.get(func._overloadpacket) or flop_registry.get(func._overloadpacket)
        if counted is not None:
            self.operations += int(counted(*args, **(kwargs or {}), out_val=returned))
        for one in tree_leaves(returned):
            if isinstance(one, torch.Tensor):
                self._count(one)
        return returned

    def name(self, tensors: Iterable[torch.Tensor | None], kind: str) -> None:
        """Say what tensors are, now that it is known; those that were there before are counted from now on.

        A gradient, say, is told from other numbers by who has it.
        """
        for one in tensors:
            if one is not None:
                self._kinds[self._count(one)] = kind

    def at_peak(self, from_the_begin: str = "", only: Collection[str] = ()) -> dict[str, int]:
        """Return the bytes of each kind when all of them together were the most.

        Parameters
        ----------
        from_the_begin
            What is counted as if it had been there already when all began: an optimizer's moments come with its first
            step, and stay for all others.
        only
            The kinds to look at; all unless given.
        """
        events = sorted(self._events, key=lambda event: event[1] < 0 or self._kinds[event[0]] != from_the_begin)
        events = [one for one in events if not only or self._kinds[one[0]] in only]
        most = now = end = 0
        for index, (_number, change) in enumerate(events, 1):
            now += change
            if now > most:
                most, end = now, index
        found: dict[str, int] = {}
        for number, change in events[:end]:
            found[self._kinds[number]] = found.get(self._kinds[number], 0) + change
        return {kind: count for kind, count in found.items() if count}

    def _count(self, tensor: torch.Tensor) -> int:
        """Return the number of a tensor's data, counted if it was not yet: views have the data of what they show."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return self._known[key]
        number, count = len(self._kinds), storage.nbytes()
        self._known[key] = number
        self._kinds.append(self.kind_of(tensor))
        self._change(number, count)
        weakref.finalize(storage, self._gone, key, number, count)
        return number

    def _gone(self, key: int, number: int, count: int) -> None:
        del self._known[key]
        self._change(number, -count)

    def _change(self, number: int, count: int) -> None:
        self._events.append((number, count))
        self.now += count

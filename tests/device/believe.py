"""Two make-believe accelerators: cards that hold CPU tensors, refuse what CUDA refuses, and count what CUDA would do.

A tensor on a card says that its device is ``meta:0`` or ``meta:1`` and computes with the CPU tensor inside it, so that
numbers come out and can be compared. ``meta`` without a number stays PyTorch's own device without numbers, which
`interpret` uses too.

What it cannot tell: anything of half precision on a card (`torch.autocast` does nothing there), of CUDA's own kernels
and their rounding, of streams within a card, of time, and of code that asks for ``cuda`` by name.
"""

import contextlib
import functools
import pkgutil
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import interpret.core.device_lock
import interpret.core.devices
from interpret.core.device_queue import device_queue

NAMES = ("meta:0", "meta:1")
# What a card says that it has: enough for whatever the tests do.
TOTAL = 80 << 30
_INTERPRET = str(Path(interpret.core.devices.__file__).parent)

# CUDA lets indices that lie on the host point into a tensor on the card, never the other way round.
_INDEXED = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_", "aten::_unsafe_index"}
# These want lengths on the host.
_PACKED = {"aten::_pack_padded_sequence", "aten::_pack_padded_sequence_backward"}
_COPIES = {"aten::_to_copy", "aten::copy_"}
# How many numbers come out is known only once the card is done: the host waits for it.
_WAITING = {
    "aten::_local_scalar_dense": "item",
    "aten::equal": "item",
    "aten::nonzero": "sizes",
    "aten::masked_select": "sizes",
    "aten::bincount": "sizes",
    "aten::_unique2": "sizes",
    "aten::unique_dim": "sizes",
    "aten::unique_consecutive": "sizes",
}
# Made without a kernel, though their schemas do not say so.
_FREE = {"aten::_unsafe_view", "aten::lift_fresh", "aten::is_same_size", "aten::_has_same_storage_numel"}
_PRODUCTS = {"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"}
_CONVOLVED = {"aten::convolution", "aten::lstm", "aten::_thnn_fused_lstm_cell"}
_CPU = torch.device("cpu")
# What operations take and give tensors in. Of `list | tuple` an object would be made at each question.
_LISTS = (list, tuple)
FAULTS = {
    "memory": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    "cublas": lambda: RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "cudnn": lambda: RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
}


class MixedError(RuntimeError):
    """What CUDA refuses: tensors of two devices in one operation."""


# Each of the operations that a card is asked for, thousands a second, asks for these.
_queue = functools.cache(device_queue)
_device = functools.cache(torch.device)


@functools.cache
def _numbered(device: Any) -> str | None:
    """Return the name of the card that a ``device=`` means; None where it means none."""
    if device is None:
        return None
    device = torch.device(device)
    return str(device) if device.type == "meta" and device.index is not None else None


def _is_card(place: Any) -> bool:
    return isinstance(place, str | torch.device) and _numbered(place) is not None


class _Operation:
    """What is to be known of one of PyTorch's operations.

    Attributes
    ----------
    call
        What the CPU does in its place.
    free
        Whether it takes no kernel.
    waiting
        What a card is waited for by; empty where it is not.
    """

    def __init__(self, op: Any) -> None:
        self.name = name = op._schema.name
        # Zeros without memory, which forward-mode derivatives begin with, are for PyTorch's own kernels alone.
        self.call = torch.ops.aten.zeros.default if name == "aten::_efficientzerotensor" else op
        self.free = op.is_view or name in _FREE
        self.waiting = _WAITING.get(name, "")
        self.indexed, self.mixes = name in _INDEXED, name in _INDEXED or name in _PACKED
        self.copies, self.packs = name in _COPIES, name == "aten::_pack_padded_sequence"
        self.product, self.convolved = name in _PRODUCTS, name in _CONVOLVED


_operation = functools.cache(_Operation)


class OnCard(torch.Tensor):
    """A tensor on a card.

    Attributes
    ----------
    held
        The CPU tensor that it computes with.
    card
        The card's name.
    cards
        What watches it.
    """

    held: torch.Tensor
    card: str
    cards: "Cards"
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: torch.Tensor, card: str, cards: "Cards"):
        found = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=_device(card),
        )
        found.held, found.card, found.cards = inner, card, cards
        return found

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        there: list[OnCard] = []
        _inner((args, *(kwargs or {}).values()), there, [])
        return there[0].cards.run(op, args, kwargs or {})

    def __repr__(self, *, tensor_contents=None):
        return f"OnCard({self.device}, {self.held})"

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            with torch.no_grad():
                copied = self.detach().clone()
            if isinstance(self, torch.nn.Parameter):
                copied = torch.nn.Parameter(copied, self.requires_grad)
            memo[id(self)] = copied
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        # As a checkpoint is opened again: on the host, from where its owner brings it to the card.
        return self.held.detach().clone().__reduce_ex__(protocol)

    @property
    def data(self):
        return self.detach()

    @data.setter
    def data(self, value):
        # PyTorch would exchange everything but the attribute.
        if (type(value), value.shape, value.dtype) != (OnCard, self.shape, self.dtype):
            raise TypeError(f"{value.dtype} {tuple(value.shape)} on {value.device} in the place of {self.device}")
        self.held = value.held

    def __getitem__(self, place):
        return super().__getitem__(self._there(place))

    def __setitem__(self, place, value):
        super().__setitem__(self._there(place), value)

    def _there(self, place: Any) -> Any:
        """Bring lists of indices onto the card: PyTorch itself would make tensors without numbers of them."""
        if isinstance(place, tuple):
            return tuple(map(self._there, place))
        return torch.tensor(place, device=self.device) if isinstance(place, list | np.ndarray) else place

    def tolist(self):
        self.cards.wait(self.card, "tolist")
        self.cards.look(self.card)
        return self.held.tolist()

    def numpy(self, *, force=False):
        raise TypeError("can't convert a tensor on a card to numpy. Use Tensor.cpu() to copy it to host memory first.")

    def __array__(self, dtype=None):
        return self.numpy()


class Cards:
    """What is known of both cards.

    Attributes
    ----------
    counts
        Since `reset`: ``"to card"`` and of these those ``"pinned"``, ``"to host"`` (each of which waits),
        ``"to host later"`` (which do not), ``"card to card"``, waits by ``"item"``, ``"tolist"``, ``"sizes"`` and
        ``"synchronize"``, ``"kernels"``, ``"allocations"``, ``"products"``, ``"convolutions"``.
    live, peak
        Bytes of each card's storages that are alive, and the most there were since `reset`.
    limit
        Bytes that a card gives at most.
    outside
        Where in `interpret` a card computed though its lock was not held by the thread, and how often.
    watching
        Whether `outside` is kept.
    """

    def __init__(self) -> None:
        self.live: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.outside: Counter[str] = Counter()
        self.limit = TOTAL
        self.watching = True
        self._storages: dict[int, _Storage] = {}
        self._pinned: set[int] = set()
        # What was copied to the host without waiting: there once somebody waits.
        self._later: list[tuple[str, torch.Tensor, torch.Tensor]] = []
        self._fault, self._left = "", 0

    # ---- what tests ask and say

    @property
    def waits(self) -> int:
        """How often the host waited for a card."""
        return sum(self.counts[name] for name in ("to host", "item", "tolist", "sizes", "synchronize"))

    def reset(self) -> None:
        """Forget what was counted and seen; nothing fails any more."""
        self.counts.clear()
        self.outside.clear()
        self.peak = Counter(self.live)
        self.limit, self.watching = TOTAL, True
        self._fault, self._left = "", 0

    def fail(self, place: int, fault: str = "memory") -> None:
        """Let the allocation number ``place``, counted from 0, fail once: in a product of cuBLAS's, or of cuDNN's."""
        self._fault, self._left = fault, place

    @property
    def failed(self) -> bool:
        """Whether what `fail` announced has happened."""
        return not self._fault

    @contextlib.contextmanager
    def unwatched(self) -> Iterator[None]:
        """For what a test builds itself, without the lock."""
        before, self.watching = self.watching, False
        try:
            yield
        finally:
            self.watching = before

    # ---- what a card does

    def wait(self, card: str, why: str) -> None:
        """Let the host wait for a card: copies that were under way arrive."""
        self.counts[why] += 1
        for one in [one for one in self._later if one[0] == card]:
            self._later.remove(one)
            one[1].copy_(one[2])

    def look(self, card: str) -> None:
        """Note whether this thread may use the card now."""
        if self.watching and not _queue(card).mine:
            self.outside[_caller()] += 1

    def run(self, op: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Do an operation as a card, or the host beside it, would."""
        there: list[OnCard] = []
        host: list[torch.Tensor] = []
        known, inner = _operation(op), _inner(args, there, host)
        given = dict(zip(kwargs, _inner(kwargs.values(), there, host), strict=True)) if kwargs else kwargs
        to = _numbered(kwargs.get("device"))
        if not there and to is None:
            if kwargs.get("pin_memory") or known.name == "aten::_pin_memory":
                return self._pin(known, args, kwargs)
            if known.name == "aten::is_pinned":
                return host[0].untyped_storage()._cdata in self._pinned
            return op(*args, **kwargs)
        given.pop("pin_memory", None)
        if given.get("device") is not None:
            given["device"] = _CPU
        if known.copies:
            return self._copy(known, args, kwargs, inner, given, to)
        card = there[0].card if there else to
        self._check(known, args, there, host, card)
        if not known.free:
            self.look(card)
            self._kernel(known, card, args)
        found = known.call(*inner, **given)
        same = {id(one.held): one for one in there}
        if known.packs:
            # How many texts are as long stays on the host.
            return self._wrap(found[0], card, same), found[1]
        return self._wrap(found, card, same)

    def _check(
        self, known: _Operation, args: tuple, there: list[OnCard], host: list[torch.Tensor], card: str | None
    ) -> None:
        if any(one.is_meta for one in host):
            raise MixedError(f"{known.name}: a tensor on {card} and one without numbers")
        others = {one.card for one in there if one.card != card}
        # A single number on the host may stand in arithmetic.
        if others or (host and not known.mixes and any(one.ndim for one in host)):
            raise MixedError(f"{known.name}: tensors on {card} and {sorted(others) or 'cpu'}")
        if known.indexed and not isinstance(args[0], OnCard):
            raise MixedError(f"{known.name}: indices on {card} point into a tensor on cpu")

    def _kernel(self, known: _Operation, card: str, args: tuple) -> None:
        self.counts["kernels"] += 1
        if known.waiting:
            self.wait(card, known.waiting)
        elif known.indexed and any(one is not None and one.dtype in (torch.bool, torch.uint8) for one in args[1]):
            self.wait(card, "sizes")
        if known.product:
            self.counts["products"] += 1
            self._tick("cublas")
        if known.convolved:
            self.counts["convolutions"] += 1
            self._tick("cudnn")

    def _copy(
        self, known: _Operation, args: tuple, kwargs: dict[str, Any], inner: list, given: dict[str, Any], to: str | None
    ) -> Any:
        into = args[0] if known.name == "aten::copy_" else None
        source = args[1] if into is not None else args[0]
        begin = source.card if isinstance(source, OnCard) else None
        later = bool(kwargs.get("non_blocking") or (len(args) > 2 and args[2]))
        if into is not None:
            end = into.card if isinstance(into, OnCard) else None
        else:
            wanted = kwargs.get("device")
            end = begin if wanted is None else to
            if wanted is not None and to is None and wanted.type == "meta":
                return torch.empty_like(source.held, device="meta", dtype=kwargs.get("dtype"))
        for card in dict.fromkeys(one for one in (begin, end) if one is not None):
            self.look(card)
        if begin is not None and end is None and later:
            return self._arrive_later(known, inner, given, into, begin)
        found = known.call(*inner, **given)
        self._count_copy(source, begin, end, later)
        if into is not None:
            return into
        return found if end is None else self._wrap(found, end, {})

    def _count_copy(self, source: torch.Tensor, begin: str | None, end: str | None, later: bool) -> None:
        if begin == end:
            self.counts["kernels"] += 1
        elif begin is None:
            self.counts["to card"] += 1
            self.counts["pinned"] += later and source.untyped_storage()._cdata in self._pinned
        elif end is None:
            self.wait(begin, "to host")
        else:
            self.counts["card to card"] += 1

    def _arrive_later(
        self, known: _Operation, inner: list, given: dict, into: torch.Tensor | None, card: str
    ) -> torch.Tensor:
        """Give memory that holds nothing yet: whoever reads it before waiting reads no number."""
        self.counts["to host later"] += 1
        if into is None:
            value = known.call(*inner, **given)
            into = torch.empty_like(value)
        else:
            value = inner[1].to(into.dtype, copy=True).expand(into.shape)
        into.fill_(float("nan") if into.dtype.is_floating_point else 1)
        self._later.append((card, into, value))
        return into

    def _wrap(self, found: Any, card: str, same: dict[int, OnCard]) -> Any:
        if isinstance(found, torch.Tensor):
            # An operation in place returns its argument.
            known = same.get(id(found))
            if known is None:
                self._allocate(found, card)
                known = OnCard(found, card, self)
            return known
        return type(found)([self._wrap(one, card, same) for one in found]) if isinstance(found, _LISTS) else found

    def _allocate(self, inner: torch.Tensor, card: str) -> None:
        storage = inner.untyped_storage()
        key = storage._cdata
        if key in self._storages:
            return
        size = storage.nbytes()
        self.counts["allocations"] += 1
        self._tick("memory")
        if self.live[card] + size > self.limit:
            raise FAULTS["memory"]()
        live = self.live[card] = self.live[card] + size
        if live > self.peak[card]:
            self.peak[card] = live
        kept = self._storages[key] = _Storage(storage, self._give_back)
        kept.key, kept.size, kept.card = key, size, card

    def _give_back(self, gone: "_Storage") -> None:
        del self._storages[gone.key]
        self.live[gone.card] -= gone.size

    def _tick(self, fault: str) -> None:
        if self._fault != fault:
            return
        self._left -= 1
        if self._left < 0:
            self._fault = ""
            raise FAULTS[fault]()

    def _pin(self, known: _Operation, args: tuple, kwargs: dict[str, Any]) -> torch.Tensor:
        if known.name == "aten::_pin_memory":
            found = args[0].clone()
        else:
            found = known.call(*args, **{key: one for key, one in kwargs.items() if key != "pin_memory"})
        storage = found.untyped_storage()
        self._pinned.add(storage._cdata)
        weakref.finalize(storage, self._pinned.discard, storage._cdata).atexit = False
        return found


class _Storage(weakref.ref):
    """Memory of a card that is alive: where it is, how many bytes, and of which card."""

    __slots__ = ("card", "key", "size")


def _inner(values: Iterable[Any], there: list[OnCard], host: list[torch.Tensor]) -> list[Any]:
    """Give what the CPU computes with in the place of each value, and note tensors by where they are."""
    found: list[Any] = []
    for one in values:
        if isinstance(one, OnCard):
            there.append(one)
            found.append(one.held)
        elif isinstance(one, _LISTS):
            found.append(_inner(one, there, host))
        else:
            if isinstance(one, torch.Tensor):
                host.append(one)
            found.append(one)
    return found


def _caller() -> str:
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith(_INTERPRET):
            return f"{Path(frame.f_code.co_filename).relative_to(_INTERPRET)}:{frame.f_lineno}"
        frame = frame.f_back
    return "outside of interpret"


class Believing(TorchDispatchMode):
    """While it is entered, this thread can bring tensors onto the cards."""

    def __init__(self, cards: Cards) -> None:
        super().__init__()
        self.cards = cards

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing is compiled here: the compiler need not be told at each operation to leave it alone.
        return False

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        return self.cards.run(op, args, kwargs or {})


class _Nothing(contextlib.ContextDecorator):
    def __init__(self, *given, **named) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


@contextlib.contextmanager
def believing(cards: Cards) -> Iterator[Cards]:
    """Let `interpret` find the cards, and all threads that are started meanwhile use them; then leave no trace."""
    _import_all()
    with pytest.MonkeyPatch.context() as patch:
        _into_interpret(patch, cards)
        _into_torch(patch)
        _into_transformers(patch)
        run = threading.Thread.run

        def run_believing(thread: threading.Thread) -> None:
            with Believing(cards):
                run(thread)

        patch.setattr(threading.Thread, "run", run_believing)
        swaps = torch.__future__.get_swap_module_params_on_conversion()
        # A parameter that is converted stays the same object, so that what is tied stays tied.
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            with Believing(cards):
                yield cards
        finally:
            torch.__future__.set_swap_module_params_on_conversion(swaps)
            _forget_accelerate()


def _import_all() -> None:
    """Import what could keep a patched name for ever if it were imported later."""
    for module in pkgutil.walk_packages(interpret.__path__, "interpret."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    import_module("transformers.trainer")


def _into_interpret(patch: pytest.MonkeyPatch, cards: Cards) -> None:
    """Put the cards among the devices: the one place that knows what they are like there."""
    available, find = interpret.core.devices.available_devices, interpret.core.devices.find_device

    def card(name: str) -> interpret.core.devices.Device:
        free = cards.limit - cards.live[name]
        return interpret.core.devices.Device(
            name, "Make-believe", TOTAL, max(0, free), ("float32", "bfloat16", "float16")
        )

    def available_devices() -> tuple[interpret.core.devices.Device, ...]:
        return (*map(card, NAMES), *available())

    def find_device(name: str) -> interpret.core.devices.Device:
        if name in NAMES:
            return card(name)
        return card(NAMES[0]) if name == "auto" else find(name)

    _everywhere(patch, available, available_devices)
    _everywhere(patch, find, find_device)
    synchronize = interpret.core.device_lock.synchronize

    def synchronize_card(name: str) -> None:
        if name in NAMES:
            cards.wait(name, "synchronize")
        else:
            synchronize(name)

    _everywhere(patch, synchronize, synchronize_card)


def _everywhere(patch: pytest.MonkeyPatch, old: Callable, new: Callable) -> None:
    """Replace a function in every module of `interpret` that has it by its name."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "interpret" and module is not None and vars(module).get(old.__name__) is old:
            patch.setattr(module, old.__name__, new)


def _into_torch(patch: pytest.MonkeyPatch) -> None:
    # What `with torch.device(…)` is for is listed once in a process: with the functions themselves, not with ours.
    import_module("torch.utils._device")._device_constructors()

    def inference_mode(mode: Any = True) -> Any:
        if callable(mode):
            return torch.no_grad()(mode)
        return torch.no_grad() if mode else _Nothing()

    # Tensors that are born within inference mode take no part in dispatch.
    patch.setattr(torch, "inference_mode", inference_mode)
    autocast = torch.autocast

    def autocast_or_not(device_type: str, *given, **named):
        return _Nothing() if device_type == "meta" else autocast(device_type, *given, **named)

    patch.setattr(torch, "autocast", autocast_or_not)

    load = torch.load

    def load_onto_the_host(*given, map_location=None, **named):
        return load(*given, map_location="cpu" if _is_card(map_location) else map_location, **named)

    patch.setattr(torch, "load", load_onto_the_host)
    # These make a tensor of the device before anybody is asked.
    for name in ("tensor", "as_tensor"):
        patch.setattr(torch, name, _made_on_the_host(getattr(torch, name)))
    # `torch.optim` hides the module behind its names.
    optimizer = import_module("torch.optim.optimizer")
    fused = optimizer._get_fused_kernels_supported_devices
    patch.setattr(optimizer, "_get_fused_kernels_supported_devices", lambda: [*fused(), "meta"])


def _made_on_the_host(make: Callable) -> Callable:
    def made(data: Any, *given, device=None, **named) -> torch.Tensor:
        card = _numbered(device)
        if card is None:
            return make(data, *given, device=device, **named)
        if isinstance(data, OnCard):
            return data.to(device=card, dtype=named.get("dtype"))
        return make(data, *given, **named).to(card)

    return made


def _into_transformers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(import_module("transformers.training_args"), "is_torch_bf16_gpu_available", lambda: True)
    # Hugging Face's arguments settle on the first card, whatever the recipe says, as they do with several GPUs.
    patch.setenv("ACCELERATE_TORCH_DEVICE", NAMES[0])
    _forget_accelerate()


def _forget_accelerate() -> None:
    """Let accelerate look for its device anew: it keeps what it found for the whole process."""
    from accelerate.state import AcceleratorState, PartialState

    AcceleratorState._reset_state(reset_partial_state=True)
    PartialState._reset_state()

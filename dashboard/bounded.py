"""A cache that is bounded in bytes, for values whose size a visitor chooses, and what several ask for at once."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any, Generic, TypeVar, cast

import numpy as np

from interpret.core.errors import InterpretError

T = TypeVar("T")
Progress = Callable[[int, int, str], None]
# Seconds between two looks of who waits for another's work: a click stops the waiting then.
_LOOK = 0.1
_LEAVES = {str, bytes, int, float, bool, type(None)}


def weight(value: object) -> int:
    """Return about how many bytes a value takes with all that it holds; what it holds twice counts twice."""
    if isinstance(value, np.ndarray):
        # A view keeps the array alive that it is of.
        return sys.getsizeof(value) + (0 if value.flags.owndata else value.nbytes)
    if isinstance(value, Mapping):
        return sys.getsizeof(value) + sum(weight(key) + weight(one) for key, one in value.items())
    if isinstance(value, tuple | list | set | frozenset):
        # In one go for cells of tables, of which there are millions.
        inside = sys.getsizeof if set(map(type, value)) <= _LEAVES else weight
        return sys.getsizeof(value) + sum(map(inside, value))
    return sys.getsizeof(value) + (weight(vars(value)) if hasattr(value, "__dict__") else 0)


class Shared:
    """What is being made at this moment: who asks for the same meanwhile waits for it."""

    def __init__(self) -> None:
        self._making: dict[Hashable, _Making] = {}
        self._lock = Lock()

    def make(self, key: Hashable, work: Callable[[Progress], T], progress: Progress | None = None) -> T:
        """Do a piece of work, or wait for who is at it already; whoever waits is told how far it is.

        Where that one is stopped, the next one who waits does it anew. What is wrong with what was asked is so for all
        of them.

        Parameters
        ----------
        work
            Called with what it tells how far it is.
        progress
            Told that; may raise, which ends this caller's waiting, or work.
        """
        while True:
            with self._lock:
                making = self._making.get(key)
                mine = making is None
                if making is None:
                    making = self._making[key] = _Making()
            if mine:
                return self._lead(key, making, work, progress)
            while not making.ended.wait(_LOOK):
                if progress is not None:
                    progress(*making.progress)
            if making.made:
                return cast(T, making.value)
            if making.error is not None:
                raise making.error

    def _lead(self, key: Hashable, making: "_Making", work: Callable[[Progress], T], progress: Progress | None) -> T:
        def report(done: int, total: int, stage: str) -> None:
            making.progress = done, total, stage
            if progress is not None:
                progress(done, total, stage)

        try:
            value = work(report)
            making.value, making.made = value, True
            return value
        except InterpretError as error:
            making.error = error
            raise
        finally:
            with self._lock:
                del self._making[key]
            making.ended.set()


class _Making:
    """One piece of work that somebody is at."""

    def __init__(self) -> None:
        self.ended = Event()
        self.progress = (0, 0, "")
        self.error: InterpretError | None = None
        self.made = False
        self.value: Any = None


@dataclass(frozen=True)
class Kept:
    """How many values are kept, how many bytes they take, and how many they may."""

    count: int
    used: int
    most: int


class Bounded(Generic[T]):
    """What was made last, as much of it as fits; shared by sessions.

    Parameters
    ----------
    most
        Bytes that all values take together, by the sizes told of them. A value that is larger is not kept.
    released
        Called after values gave way.
    """

    def __init__(self, most: int, released: Callable[[], None] | None = None) -> None:
        self.most, self.used = most, 0
        self._released = released
        self._shared = Shared()
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """Return the value of a key, made where it is not here; what was not asked for longest gives way."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        # Not under the lock: reading a large file keeps nobody from a small one.
        return self._shared.make(key, lambda _: self._made(key, make, size))

    def _made(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        with self._lock:
            # Somebody may have been at the end of it just now.
            if key in self._values:
                return self._values[key][0]
        value = make()
        room, gone = size(value), []
        with self._lock:
            if room <= self.most:
                self._values[key] = value, room
                self.used += room
                while self.used > self.most:
                    gone.append(self._values.popitem(last=False)[1])
                    self.used -= gone[-1][1]
        if gone and self._released is not None:
            gone.clear()
            self._released()
        return value

    @property
    def kept(self) -> "Kept":
        """How much of it there is."""
        with self._lock:
            return Kept(len(self._values), self.used, self.most)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._values.clear()
            self.used = 0

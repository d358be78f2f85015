"""A cache that is bounded in bytes, for values whose size a visitor chooses."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")
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


class Bounded(Generic[T]):
    """What was made last, as much of it as fits; shared by sessions.

    Parameters
    ----------
    most
        Bytes that all values take together, by the sizes told of them. A value that is larger is not kept.
    """

    def __init__(self, most: int) -> None:
        self.most, self.used = most, 0
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
        value = make()
        room = size(value)
        with self._lock:
            if key not in self._values and room <= self.most:
                self._values[key] = value, room
                self.used += room
                while self.used > self.most:
                    self.used -= self._values.popitem(last=False)[1][1]
        return value

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._values.clear()
            self.used = 0

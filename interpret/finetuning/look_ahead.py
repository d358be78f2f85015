"""Batches that are made while the device works on the one before."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

# Batches that are made before they are asked for.
_AHEAD = 2


class Ahead:
    """Takes the next batches from an iterator in a thread of its own, while the device works on this one.

    Parameters
    ----------
    source
        What makes the batches; nobody else asks it.
    """

    def __init__(self, source: Iterator[Any]) -> None:
        self.source = source
        self._thread = ThreadPoolExecutor(1, "batches")
        self._coming: deque[Future[Any]] = deque(self._thread.submit(next, source, self) for _ in range(_AHEAD))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        found = self._coming.popleft().result()
        if found is self:
            self.close()
            raise StopIteration
        self._coming.append(self._thread.submit(next, self.source, self))
        return found

    def close(self) -> None:
        """Take no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

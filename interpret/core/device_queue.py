"""Who works on a device next: what somebody waits for before what takes long, one after another.

Long work is told from short by the time that it has had the device for, whatever it is: who has had little goes first.
It is the oldest of the rules for work whose length nobody knows beforehand (Corbató, Merwin-Daggett & Daley 1962, “An
experimental time-sharing system”, https://doi.org/10.1145/1460833.1460871). Work that is known to be long says so
(`batch_work`).

A pass of long work can take longer than all that somebody waits for. Where nothing but the pass itself is going on, it
gives way between two layers (`DeviceQueue.giving_way`). Between two passes of a short request its other work is done:
the next picture is drawn, a text is cut. Whoever took the device in each of these gaps would make it wait as many times
as it has passes. So longer work leaves the device alone for a moment after each of them (Iyer & Druschel 2001,
“Anticipatory scheduling”, https://doi.org/10.1145/502034.502046), but never for long.
"""

import itertools
import threading
import time
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from interpret.core.errors import Cancelled

# Seconds on devices after which others go first, who have had less. A trace of a sentence takes 10 to 30 ms on two
# cores, an attribution some tenths of a second, a file's vectors many seconds.
LEVELS = (0.25, 1.0, 4.0)
# Seconds for which longer work leaves a device alone after a short request has begun, or used one: what a page needs
# between two passes.
GAP = 0.2
# Seconds between two looks of those who wait while nobody has the device.
_LOOK = 0.02
# The number of who gave way in the middle of a pass, before all others.
_PAUSED = -1
# Seconds after which one of those who wait longest has a turn whoever else waits: all get on, however many there are.
PATIENCE = 2.0


@dataclass(eq=False)
class Request:
    """What one person waits for: a run of a page, or all that a thread does without a pause.

    Attributes
    ----------
    begun, touched
        When it began, and when it last began or let go of a device, in seconds of the machine's steady clock.
    seconds, paused
        Seconds for which it has had devices, and for which it has given way since it took one.
    batch, stopped
        Whether it is known to be long; whether it is to end where it next asks for a device, or could give way.
    """

    begun: float = field(default_factory=time.monotonic)
    touched: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    paused: float = 0.0
    batch: bool = False
    stopped: bool = False

    @property
    def level(self) -> int:
        """How many kinds of others go first: 0 for what is short, as many as `LEVELS` for what is long."""
        return self.level_after(0.0)

    def level_after(self, seconds: float) -> int:
        """Return what its level is once it has had devices for so much longer."""
        return len(LEVELS) if self.batch else bisect(LEVELS, self.seconds + seconds)


_request: ContextVar[Request | None] = ContextVar("request", default=None)
_gives_way: "ContextVar[DeviceQueue | None]" = ContextVar("gives_way", default=None)
_own = threading.local()
# Those that are under way, and the queues of devices.
_guard = threading.Lock()
_under_way: set[Request] = set()
_queues: "dict[str, DeviceQueue]" = {}


@contextmanager
def request() -> Iterator[Request]:
    """Count what is done inside as one request: what a page does for one click; within another, as part of that.

    Outside, all that a thread does is one request, until it leaves devices alone for a second.
    """
    before = _request.get()
    if before is not None:
        yield before
        return
    one = Request()
    token = _request.set(one)
    with _guard:
        _under_way.add(one)
    try:
        yield one
    finally:
        _request.reset(token)
        with _guard:
            _under_way.discard(one)
        # Long work that leaves devices alone for its sake need not any more.
        for queue in all_queues().values():
            queue.look()


@contextmanager
def batch_work() -> Iterator[None]:
    """Let others go first from the beginning: what is done inside is known to take long."""
    one = _current()
    before, one.batch = one.batch, True
    try:
        yield
    finally:
        one.batch = before


def give_way() -> None:
    """Let a short request have the device, if one waits and this is a place for it: called between two layers."""
    queue = _gives_way.get()
    if queue is not None:
        _check_stopped()
        queue._pause()


def others_at_long_work() -> int:
    """Return how many others wait for long work at this moment, beside whoever asks."""
    return len(_long_work())


def _long_work() -> list[Request]:
    mine = _current()
    with _guard:
        return [one for one in _under_way if one is not mine and one.level == len(LEVELS)]


def stop_long_work() -> int:
    """Let all long work that others wait for end with a `Cancelled`; returns how much there is."""
    found = _long_work()
    for one in found:
        one.stopped = True
    for queue in all_queues().values():
        queue.look()
    return len(found)


def _check_stopped() -> None:
    if (one := _current()).stopped:
        # Once; and by no `InterpretError`, which is written down with one text while the next one is taken.
        one.stopped = False
        raise Cancelled


def all_queues() -> "dict[str, DeviceQueue]":
    """Return the queues of devices that have been used, by the devices' names."""
    with _guard:
        return dict(_queues)


def _current() -> Request:
    one = _request.get()
    if one is not None:
        return one
    now = time.monotonic()
    own: Request | None = getattr(_own, "request", None)
    if own is None or (not own.batch and now - own.touched > 1):
        own = _own.request = Request()
    return own


@dataclass(eq=False)
class _Ticket:
    """Somebody who waits for a device."""

    request: Request
    number: int
    since: float

    @property
    def rank(self) -> tuple[int, float, int]:
        """Return whose turn is before whose: who began first, and of what is long, who has waited longest."""
        level = self.request.level
        return level, 0.0 if level == len(LEVELS) else self.request.begun, self.number


class DeviceQueue:
    """The one lock of a device, with those who wait for it in order; a thread that holds it may take it again."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._numbers = itertools.count()
        self._waiting: list[_Ticket] = []
        self._owner: int | None = None
        self._depth = 0
        self._since = 0.0
        self._holder: Request | None = None
        # Whether who has it has it for having waited long, and when somebody last did.
        self._owed = False
        self._last_late = 0.0

    def acquire(self, blocking: bool = True) -> bool:
        """Take the device when it is this request's turn; False where it is not and nobody waits for it here."""
        # Nobody else makes a thread the owner, or takes that from it.
        if self.mine:
            self._depth += 1
            return True
        _check_stopped()
        return self._wait(next(self._numbers), time.monotonic(), blocking)

    def _wait(self, number: int, since: float, blocking: bool = True) -> bool:
        one, me = _current(), threading.get_ident()
        with self._changed:
            ticket = _Ticket(one, number, since)
            self._waiting.append(ticket)
            try:
                while (left := self._seconds_left(ticket)) != 0:
                    if not blocking:
                        return False
                    if number != _PAUSED:
                        _check_stopped()
                    self._changed.wait(left)
                self._owner, self._depth, self._since, self._holder = me, 1, time.monotonic(), one
                if number != _PAUSED:
                    one.paused = 0.0
                self._owed = min(self._waiting, key=lambda each: each.rank) is not ticket
                if self._owed:
                    self._last_late = self._since
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        return True

    def release(self) -> None:
        """Let go of the device.

        Raises
        ------
        RuntimeError
            If this thread does not hold it.
        """
        if not self.mine:
            raise RuntimeError("this thread does not hold the device")
        self._depth -= 1
        if self._depth:
            return
        with self._changed:
            now, one = time.monotonic(), self._holder
            assert one is not None
            one.seconds += now - self._since
            one.touched = now
            self._owner = self._holder = None
            self._changed.notify_all()

    def __enter__(self) -> "DeviceQueue":
        """Take the device."""
        self.acquire()
        return self

    def __exit__(self, *_error: object) -> None:
        """Let go of it."""
        self.release()

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """Let whoever has had less of the device go between two layers of the passes inside.

        For whoever holds it for nothing but passes: whose hooks stand on the model, who measures the time, or works
        with what PyTorch keeps for the whole process, would be disturbed, or disturb. What a pass has computed so far
        stays.
        """
        if self._depth > 1:
            # Whoever took it before is not asked.
            yield
            return
        token = _gives_way.set(self)
        try:
            yield
        finally:
            _gives_way.reset(token)

    def _pause(self) -> None:
        one, depth, since = self._holder, self._depth, time.monotonic()
        # Who has waited long for it has all of its turn, or it would get on by a layer at a time.
        if not self.mine or one is None or self._owed:
            return
        level = one.level_after(since - self._since)
        with self._changed:
            if all(each.request.level >= level for each in self._waiting):
                return
        self._depth = 1
        self.release()
        stopped: BaseException | None = None
        while True:
            try:
                # Before all others like it: what this pass has computed takes memory. All its pauses are one wait.
                self._wait(_PAUSED, since - one.paused)
                one.paused += time.monotonic() - since
                break
            except BaseException as error:
                # Whoever holds it lets go of it on the way out, so that it must hold it.
                stopped = error
        self._depth = depth
        if stopped is not None:
            raise stopped

    @property
    def mine(self) -> bool:
        """Whether this thread has it."""
        return self._owner == threading.get_ident()

    def look(self) -> None:
        """Let those who wait look again whose turn it is."""
        with self._changed:
            self._changed.notify_all()

    @property
    def waiting(self) -> tuple[int, int]:
        """How many short requests and how many longer ones wait for it."""
        with self._changed:
            longer = sum(one.request.level > 0 for one in self._waiting)
            return len(self._waiting) - longer, longer

    def _seconds_left(self, ticket: _Ticket) -> float | None:
        """Return for how long a ticket has to wait before it looks again, 0 for its turn; None until it is told to."""
        if self._owner is not None:
            return None
        now = time.monotonic()
        first, free = self._first(now)
        # Time alone can make it another's turn, and nobody is told of that: while the device is free, all look again.
        return max(0.0, free - now) if first is ticket else max(0.0, free - now) + _LOOK

    def _first(self, now: float) -> tuple[_Ticket, float]:
        """Return whose turn it is when the device is free, and from when on."""
        first = min(self._waiting, key=lambda one: one.rank)
        late = min(self._waiting, key=lambda one: (one.number != _PAUSED, one.since))
        if self._is_due(late) <= now:
            return late, now
        if not first.request.level:
            return first, now
        with _guard:
            short = [one.touched for one in _under_way if one is not first.request and not one.level]
        return first, min(max(short, default=now - GAP) + GAP, self._is_due(first))

    def _is_due(self, ticket: _Ticket) -> float:
        """Return when a ticket has been patient enough."""
        return max(self._last_late, ticket.since) + PATIENCE


def device_queue(name: str) -> DeviceQueue:
    """Return the one queue of the device called ``name``."""
    with _guard:
        return _queues.setdefault(name, DeviceQueue())

"""One long work on several cards of a machine at once, each with the same encoder."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from interpret.core.devices import available_devices
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_spec
from interpret.core.errors import Cancelled, CapacityError, InputError, InterpretError
from interpret.core.hub import Progress

T = TypeVar("T")


def load_beside(encoder: Encoder) -> tuple[Encoder, ...]:
    """Load the same encoder on all other cards of the machine: for what takes ``beside``.

    Cards that do not answer, lack the precision or have no room for the weights are left out; beside an encoder on the
    CPU there is nothing.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm", "cpu")
    >>> it.load_beside(encoder)  # beside a processor there is nothing
    ()
    """
    spec, found = encoder.spec, []
    kind = spec.device.partition(":")[0]
    for device in available_devices() if kind == "cuda" else ():
        if device.name.startswith(f"{kind}:") and device.name != spec.device and spec.precision in device.precisions:
            try:
                found.append(load_spec(replace(spec, device=device.name)))
            except InterpretError:
                continue
    return tuple(found)


def all_encoders(encoder: Encoder, beside: Sequence[Encoder]) -> list[Encoder]:
    """Return encoders that may share one piece of work.

    Raises
    ------
    InputError
        If one of them would say something else.
    """
    for one in beside:
        if replace(one.spec, device=encoder.spec.device) != encoder.spec:
            raise InputError(
                "“{other}” ({precision}) cannot share the work of “{name}”: its results would differ. Load the same "
                "checkpoint in the same precision.",
                other=one.spec.checkpoint.name,
                precision=one.spec.precision,
                name=encoder.spec.checkpoint.name,
            )
    return [encoder, *beside]


# A share's work, as ``work(encoder, (rank, count), progress)``.
Work = Callable[[Encoder, tuple[int, int], Progress | None], T]


def share_out(encoders: Sequence[Encoder], items: int, work: Work[T], progress: Progress | None = None) -> list[T]:
    """Do the shares of a piece of work side by side, and tell of all of them together.

    Where another device runs out of memory, the first one does its share as well.

    Parameters
    ----------
    items
        How many there are to share: no device is asked for none of them.
    work
        Does one share, each in a thread of its own where there are several; done again, it begins anew.
    progress
        Told the sums; called in the caller's own thread, where raising stops all of them.
    """
    count = max(1, min(len(encoders), items))
    if count == 1:
        return [work(encoders[0], (0, 1), progress)]
    messages: SimpleQueue[tuple[int, int, int, str] | None] = SimpleQueue()
    left = Event()

    def reporter(rank: int) -> Progress:
        def report(done: int, total: int, stage: str) -> None:
            if left.is_set():
                raise Cancelled
            messages.put((rank, done, total, stage))

        return report

    def do(rank: int) -> T:
        try:
            return work(encoders[rank], (rank, count), reporter(rank))
        except CapacityError:
            # Whoever took that memory need not have asked here before: the work is done, only slower.
            if rank == 0:
                raise
        return work(encoders[0], (rank, count), reporter(rank))

    with ThreadPoolExecutor(count, "share") as threads:
        # In the context of the caller: it is one request.
        futures = [threads.submit(copy_context().run, do, rank) for rank in range(count)]
        for future in futures:
            future.add_done_callback(lambda _: messages.put(None))
        try:
            far: dict[int, tuple[int, int]] = {}
            ended = 0
            while ended < count:
                news = messages.get()
                if news is None:
                    ended += 1
                    if any(future.done() and future.exception() for future in futures):
                        break
                    continue
                rank, done, total, stage = news
                # A share that is done again is no further until it is where it was.
                far[rank] = max(done, far.get(rank, (0, 0))[0]), total
                if progress is not None and len(far) == count:
                    progress(sum(one for one, _ in far.values()), sum(one for _, one in far.values()), stage)
        finally:
            # What is left of the others ends where it next tells how far it is.
            left.set()
    failed = [error for future in futures if (error := future.exception()) is not None]
    if failed:
        raise next((error for error in failed if not isinstance(error, Cancelled)), failed[0])
    return [future.result() for future in futures]

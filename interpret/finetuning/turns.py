"""One run at a time works on a device; the others wait for their turn."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from filelock import FileLock, Timeout

from interpret.core.process_state import write_state
from interpret.finetuning.metrics_log import (
    Callback,
    Waiting,
)
from interpret.finetuning.runs import Run, list_runs


def launched() -> bool:
    """Tell whether this is one of several processes of `accelerate launch`."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


# Seconds between two looks whether it is its turn, and between two times that the state file says how far it is.
SECONDS_BETWEEN_LOOKS = 0.3


@contextmanager
def turn(run: Run, device: str, callback: Callback | None) -> Iterator[bool]:
    """Wait until the device is free and no older run waits for it; False where it was asked to stop meanwhile.

    What it waits for is told, and written down, whenever that changes.
    """
    root = run.folder.parent
    devices = [device]
    if launched() and device.startswith("cuda"):
        # In one order for all, so that no two wait for each other.
        devices = [f"cuda:{index}" for index in range(int(os.environ.get("LOCAL_WORLD_SIZE", "1")))]
    said: Waiting | None = None
    while not (run.folder / "stop").exists():
        at_work, older = _ahead(run, device)
        if not older:
            with ExitStack() as mine:
                try:
                    for one in devices:
                        mine.enter_context(FileLock(root / f".{one.replace(':', '-')}.lock").acquire(timeout=0))
                except Timeout:
                    pass
                else:
                    write_state(run.folder, waits_for="")
                    yield True
                    return
        first = next(iter([*at_work, *older]), None)
        now = Waiting(first.request.name, first.id) if first is not None else Waiting("", "")
        if now != said:
            said = now
            write_state(run.folder, waits_for=now.name)
            if callback is not None:
                callback(now, 0)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    yield False


def _ahead(run: Run, device: str) -> tuple[list[Run], list[Run]]:
    """Return the runs that are at work on a device, and those that waited before this one, the oldest first.

    A run that is damaged holds up nobody.
    """
    others = [one for one in list_runs(run.folder.parent) if one.id != run.id]
    at_work = [one for one in others if one.state in ("running", "stopping") and one.device == device]
    older = [one for one in others if one.state == "waiting" and (one.queued, one.id) < (run.queued, run.id)]
    return at_work, older[::-1]

"""Something measured in a process of its own, which leaves nothing behind on a device or in this one's memory."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from interpret.core.devices import shown_alone
from interpret.core.errors import CapacityError, InputError

Progress = Callable[[float], None]
_ROOT = Path(__file__).parents[2]
# SIGKILL, which Windows has not.
_KILLED = 9
# Seconds between two looks at whether it has ended.
_BETWEEN = 0.2


def device_inside(device: str) -> str:
    """Return what a device is called in such a process: a card is the only one there."""
    return "cuda:0" if device.startswith("cuda") else device


def measured_alone(
    module: str, request: Sequence[Any], device: str, patience: float, progress: Progress | None = None
) -> dict[str, Any]:
    """Run a module of ours in a process of its own, and return what it prints on its last line, as JSON.

    Parameters
    ----------
    module
        It reads ``request`` as JSON from its input. Instead of what was measured it may print an `InterpretError`: its
        ``to_dict`` with its type's name under ``"kind"``.
    device
        Of cards it sees this one alone: on others it leaves nothing, and counts nothing of them.
    patience
        Seconds after which it is given up.
    progress
        Called with the seconds so far; whatever it raises ends the process.

    Raises
    ------
    InputError, CapacityError
        What it said; or if it took too long, was ended, or said nothing.
    """
    # Streamlit looks for modules beside the app's file too, where some are called as those of Python's own.
    others = (one for one in sys.path if not Path(one).resolve().is_relative_to(_ROOT))
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *others])}
    if device.startswith("cuda"):
        env |= {"CUDA_VISIBLE_DEVICES": shown_alone(device)}
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        printed, said = _wait(process, json.dumps(request, default=str), patience, progress)
    finally:
        # However it is left, nothing goes on that nobody waits for.
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode == -_KILLED:
        raise CapacityError(
            "The system ended what was measured, as it does where memory runs out. Choose a smaller batch or shorter "
            "texts."
        )
    found: Any = None
    with suppress(ValueError, IndexError):
        found = json.loads(printed.strip().splitlines()[-1])
    if not isinstance(found, dict):
        why = (said.strip().splitlines() or [f"{process.returncode}"])[-1]
        raise InputError("What this takes could not be measured: {error}.", error=why)
    if "sentence" in found:
        kind = CapacityError if found["kind"] == "CapacityError" else InputError
        inside = device_inside(device)
        raise kind.from_dict(
            found | {"values": {name: device if one == inside else one for name, one in found["values"].items()}}
        )
    return found


def _wait(process: Any, request: str, patience: float, progress: Progress | None) -> tuple[str, str]:
    begin, given = time.monotonic(), iter([request])
    while True:
        try:
            # What is given it takes once.
            return process.communicate(next(given, None), timeout=_BETWEEN)
        except subprocess.TimeoutExpired:
            spent = time.monotonic() - begin
            if spent > patience:
                raise InputError(
                    "What this takes could not be measured in {seconds} seconds. Choose a smaller batch or shorter "
                    "texts.",
                    seconds=f"{patience:g}",
                ) from None
            if progress is not None:
                progress(spent)

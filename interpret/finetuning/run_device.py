"""Which device a run works on, as the machine calls it and as its process does."""

import os

from interpret.core.devices import claim, find_device
from interpret.core.errors import InputError
from interpret.finetuning.turns import launched

# The card that this process made the only one that it sees, as the machine calls it.
_claimed: list[str] = []


def settle_device(requested: str, own: bool) -> tuple[str, str]:
    """Return what a recipe's device is called on this machine, and what in this process.

    Of a process of its own it becomes the only card.

    Raises
    ------
    InputError
        If the machine has no such device, it does not answer, or this process has made another one its only card.
    """
    if _claimed and requested in ("auto", "cuda", *_claimed):
        return _claimed[0], "cuda:0"
    device = find_device(requested).name
    if launched() and device.startswith("cuda"):
        return device, f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        inside = claim(device) if own else device
    except InputError:
        if requested != "auto":
            raise
        # Known to the machine, but CUDA does not start.
        return "cpu", "cpu"
    if inside != device:
        _claimed[:] = [device]
    return device, inside

"""What several processes of one training say with one voice, and how their steps stay whole."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def agree(arguments: Any, *answers: bool) -> tuple[bool, ...]:
    """Return the first process's answers in all of them: some would wait for others for ever, or save alone.

    Parameters
    ----------
    arguments
        Hugging Face's, which know the processes and this one's device.
    """
    if arguments.world_size == 1:
        return answers
    shared = torch.tensor(answers, dtype=torch.int64, device=arguments.device)
    torch.distributed.broadcast(shared, src=0)
    return tuple(bool(one) for one in shared.tolist())


def mean_of(arguments: Any, loss: torch.Tensor) -> torch.Tensor:
    """Return the loss of all their texts: one that is no number is none in every process, and all end at this step."""
    if arguments.world_size == 1:
        return loss
    torch.distributed.all_reduce(loss := loss.clone())
    return loss / arguments.world_size


@contextmanager
def uncollected(arguments: Any) -> Iterator[None]:
    """Collect no garbage, in any thread, in the midst of a step of several processes.

    `DistributedDataParallel` keeps a weak reference to itself from the forward pass to the backward one, in a node that
    PyTorch's tensors hold. They name the node to the collector only while nothing else holds it: where the collector
    runs in another thread, such as the one that makes batches, this may change between its two looks at a tensor. It
    then takes the node for garbage, and ends its weak references before it finds out; the backward pass fails.
    """
    pause = arguments.world_size > 1 and gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()

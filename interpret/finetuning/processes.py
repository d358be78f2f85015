"""What several processes of one training say with one voice."""

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

"""What a task head is, and the list of them."""

from abc import abstractmethod
from typing import ClassVar, TypeVar

import torch
from jaxtyping import Float, Int

DROPOUT = 0.1
# Units of a hidden layer, or of a recurrent network in one direction.
HIDDEN = 128


class TaskHead(torch.nn.Module):
    """A head that scores classes by the last hidden states of a text's tokens. Padding must count for nothing.

    Attributes
    ----------
    name
        What it is called in recipes and files: never to be changed.
    order
        The rank in lists.
    title
        What the reader sees.

    Parameters
    ----------
    width
        Numbers of a hidden state.
    labels
        Classes, or 1 for a regression.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 100
    title: ClassVar[str]

    @abstractmethod
    def __init__(self, width: int, labels: int) -> None:
        super().__init__()

    @abstractmethod
    def forward(
        self, hidden: Float[torch.Tensor, "batch token hidden"], mask: Int[torch.Tensor, "batch token"]
    ) -> Float[torch.Tensor, "batch label"]:
        """Score each class; padding counts for nothing."""


HEADS: dict[str, type[TaskHead]] = {}
Kind = TypeVar("Kind", bound=type[TaskHead])


def register(head: Kind) -> Kind:
    """Make a head known, by its name."""
    HEADS[head.name] = head
    for name in sorted(HEADS, key=lambda one: (HEADS[one].order, one)):
        HEADS[name] = HEADS.pop(name)
    return head


def mean_states(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Average the last hidden states of each text's tokens, special ones too, in float32: ``(text, hidden)``."""
    kept = mask[..., None].float()
    return (hidden.float() * kept).sum(dim=1) / kept.sum(dim=1)

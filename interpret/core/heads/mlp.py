"""A head with one hidden layer on the mean of all tokens."""

import torch
from jaxtyping import Float, Int

from interpret.core.heads.head import DROPOUT, HIDDEN, TaskHead, mean_states, register
from interpret.core.sentences import sentence


@register
class MLP(TaskHead):
    """Score the mean of a text's states by a network with one hidden layer."""

    name = "mlp"
    order = 2
    title = sentence("MLP: one hidden layer")

    def __init__(self, width: int, labels: int) -> None:
        super().__init__(width, labels)
        self.net = torch.nn.Sequential(
            torch.nn.Dropout(DROPOUT),
            torch.nn.Linear(width, HIDDEN),
            torch.nn.GELU(),
            torch.nn.Dropout(DROPOUT),
            torch.nn.Linear(HIDDEN, labels),
        )

    def forward(
        self, hidden: Float[torch.Tensor, "batch token hidden"], mask: Int[torch.Tensor, "batch token"]
    ) -> Float[torch.Tensor, "batch label"]:
        """Score each class; padding counts for nothing."""
        return self.net(mean_states(hidden, mask))

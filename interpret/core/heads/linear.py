"""A linear head on the mean of all tokens."""

import torch
from jaxtyping import Float, Int

from interpret.core.heads.head import DROPOUT, TaskHead, mean_states, register
from interpret.core.sentences import sentence


@register
class Linear(TaskHead):
    """Score the mean of a text's states by one linear map."""

    name = "linear"
    order = 1
    title = sentence("linear, on the mean over all tokens")

    def __init__(self, width: int, labels: int) -> None:
        super().__init__(width, labels)
        self.drop = torch.nn.Dropout(DROPOUT)
        self.scores = torch.nn.Linear(width, labels)

    def forward(
        self, hidden: Float[torch.Tensor, "batch token hidden"], mask: Int[torch.Tensor, "batch token"]
    ) -> Float[torch.Tensor, "batch label"]:
        """Score each class; padding counts for nothing."""
        return self.scores(self.drop(mean_states(hidden, mask)))

"""A recurrent head that reads in both directions."""

import torch
from jaxtyping import Float, Int

from interpret.core.heads.head import DROPOUT, HIDDEN, TaskHead, register
from interpret.core.sentences import sentence


@register
class BiLSTM(TaskHead):
    """Score what recurrent networks, one in each direction, have kept at the ends of the text."""

    name = "bilstm"
    order = 4
    title = sentence("BiLSTM: reads in both directions")

    def __init__(self, width: int, labels: int) -> None:
        super().__init__(width, labels)
        self.network = torch.nn.LSTM(width, HIDDEN, batch_first=True, bidirectional=True)
        self.drop = torch.nn.Dropout(DROPOUT)
        self.scores = torch.nn.Linear(2 * HIDDEN, labels)

    def forward(
        self, hidden: Float[torch.Tensor, "batch token hidden"], mask: Int[torch.Tensor, "batch token"]
    ) -> Float[torch.Tensor, "batch label"]:
        """Score each class; padding counts for nothing."""
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            hidden.float(), mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.network(packed)
        return self.scores(self.drop(torch.cat([last[0], last[1]], dim=-1)))

"""A convolutional head over tokens in a row."""

import torch
from jaxtyping import Float, Int

from interpret.core.heads.head import TaskHead, register
from interpret.core.sentences import sentence

# Kim 2014, sec. 3.1: windows of 3, 4 and 5 words with 100 feature maps each.
_WINDOWS = (3, 4, 5)
_MAPS = 100


@register
class TextCNN(TaskHead):
    """Score the strongest answers of convolutions over the states of 3, 4 and 5 tokens in a row (Kim 2014)."""

    name = "textcnn"
    order = 3
    title = sentence("TextCNN: windows of 3, 4 and 5 tokens")

    def __init__(self, width: int, labels: int) -> None:
        super().__init__(width, labels)
        self.windows = torch.nn.ModuleList(torch.nn.Conv1d(width, _MAPS, size, padding=size // 2) for size in _WINDOWS)
        # Kim's own rate.
        self.drop = torch.nn.Dropout(0.5)
        self.scores = torch.nn.Linear(_MAPS * len(_WINDOWS), labels)

    def forward(
        self, hidden: Float[torch.Tensor, "batch token hidden"], mask: Int[torch.Tensor, "batch token"]
    ) -> Float[torch.Tensor, "batch label"]:
        """Score each class; padding counts for nothing."""
        kept = mask[:, None].bool()
        states = (hidden.float() * mask[..., None]).transpose(1, 2)
        found = []
        for window in self.windows:
            # A window of even size has one position more than there are tokens.
            maps = torch.relu(window(states))[..., : hidden.shape[1]]
            found.append(maps.masked_fill(~kept, 0).amax(dim=-1))
        return self.scores(self.drop(torch.cat(found, dim=-1)))

"""Attention rollout."""

import torch

from interpret.attribution.methods.attention_flow import ByAttention
from interpret.attribution.methods.method import Measured, Work, register
from interpret.core.sentences import sentence


@register
class Rollout(ByAttention):
    """``R ← (½ A + ½ I) · R`` with the mean of the heads (Abnar & Zuidema 2020, sec. 3)."""

    name = "rollout"
    title = sentence("Attention rollout")
    paper = "Abnar & Zuidema 2020"
    link = "https://arxiv.org/abs/2005.00928"
    about = sentence(
        "Attention multiplied through the layers. It depends neither on the class nor on the values: the same "
        "picture for every class. Not an attribution; shown for comparison."
    )
    measured = Measured(30, 0.085, 0.057, 0.555, 0.560, (-0.048, 0.106), (-0.045, 0.036))

    def passes(self, words: int) -> int:
        """Return one."""
        return 1

    def steps(
        self, work: Work, score: torch.Tensor, weights: list[torch.Tensor], residual: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the mean of the heads beside the residual."""
        return [0.5 * one[0].detach().cpu().mean(dim=0) + 0.5 * residual for one in weights]

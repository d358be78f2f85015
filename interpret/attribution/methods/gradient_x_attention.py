"""Gradient × attention, layer by layer."""

import torch

from interpret.attribution.methods.attention_flow import ByAttention
from interpret.attribution.methods.method import Measured, Work, register
from interpret.core.sentences import sentence


@register
class GradientXAttention(ByAttention):
    """``R ← R + E[(∇A ∘ A)⁺] · R`` over the heads (Chefer et al. 2021, eqs. 5 and 6)."""

    name = "gradient_x_attention"
    title = sentence("Gradient × attention")
    paper = "Chefer et al. 2021"
    link = "https://arxiv.org/abs/2103.15679"
    about = sentence(
        "Attention weighted by positive gradients, layer by layer. It depends on the class, and leaves out "
        "everything that does not pass through attention. No sign; shown for comparison."
    )
    measured = Measured(30, 0.389, 0.057, 0.654, 0.560, (0.263, 0.404), (0.053, 0.131))

    def passes(self, words: int) -> int:
        """Return two: one forward, one backward."""
        return 2

    def steps(
        self, work: Work, score: torch.Tensor, weights: list[torch.Tensor], residual: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the positive part of gradient times attention, with the residual added."""
        gradients = torch.autograd.grad(score.sum(), weights) if weights else ()
        work.target_function.backward_passes += 1
        return [
            (weight.detach() * gradient).clamp(min=0)[0].mean(dim=0).cpu() + residual
            for weight, gradient in zip(weights, gradients, strict=True)
        ]

    def without_residual(self, flow: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """Take the identity away again."""
        return flow - residual

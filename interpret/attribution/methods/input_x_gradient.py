"""Input × gradient: the first term of the output's change if an embedding went to zero."""

import numpy as np
import torch
from jaxtyping import Float64

from interpret.attribution.methods.method import Measured, register
from interpret.attribution.methods.slopes import BySlope
from interpret.core.sentences import sentence


@register
class InputXGradient(BySlope):
    """``x · ∂F/∂x`` of each token's embedding (Shrikumar et al. 2016)."""

    name = "input_x_gradient"
    title = sentence("Input × gradient")
    paper = "Shrikumar et al. 2016"
    link = "https://arxiv.org/abs/1605.01713"
    about = sentence(
        "The gradient times the embedding: the first-order change in the output if the embedding went to zero. "
        "Gradients vanish where the output is confident, so a decisive word can seem to do nothing."
    )
    measured = Measured(30, -0.063, 0.057, 0.513, 0.560, (-0.174, -0.066), (-0.087, -0.006))

    def row(self, slope: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
        """Return the gradient times the embedding."""
        return slope * embedded

    def summed(self, row: Float64[np.ndarray, "token width"]) -> Float64[np.ndarray, " token"]:
        """Return the sum over the width."""
        return row.sum(axis=-1)

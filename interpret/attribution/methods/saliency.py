"""Saliency: the length of the gradient."""

import numpy as np
import torch
from jaxtyping import Float64

from interpret.attribution.methods.method import Measured, register
from interpret.attribution.methods.slopes import BySlope
from interpret.core.sentences import sentence


@register
class Saliency(BySlope):
    """``‖∂F/∂x‖₂`` of each token's embedding (Simonyan et al. 2014, sec. 3)."""

    name = "saliency"
    title = sentence("Saliency")
    paper = "Simonyan et al. 2014"
    link = "https://arxiv.org/abs/1312.6034"
    about = sentence(
        "The norm of the gradient: where a small change would matter, not what the word there contributes. It has no "
        "sign."
    )
    signed = False
    measured = Measured(30, 0.295, 0.057, 0.639, 0.560, (0.167, 0.314), (0.040, 0.123))

    def row(self, slope: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
        """Return the gradient."""
        return slope

    def summed(self, row: Float64[np.ndarray, "token width"]) -> Float64[np.ndarray, " token"]:
        """Return its length: a gradient has no sign of for or against."""
        return np.linalg.norm(row, axis=-1)

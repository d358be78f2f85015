"""LIME: a sparse regression near the text."""

from typing import Any

import torch

from interpret.attribution.methods.gates import Gates
from interpret.attribution.methods.method import Measured, register
from interpret.attribution.methods.regressions import ByRegression
from interpret.core.extras import needed_for
from interpret.core.sentences import sentence

# The penalty, as a share of the difference between the outputs for text and baseline.
_LASSO = 0.002


@register
class Lime(ByRegression):
    """A Lasso on random sets of words, weighted by how near they are to the text (Ribeiro et al. 2016, sec. 3)."""

    name = "lime"
    title = "LIME"
    paper = "Ribeiro et al. 2016"
    link = "https://arxiv.org/abs/1602.04938"
    about = sentence(
        "A sparse regression of the output on which words are present, near the text. Assumes that the model is "
        "nearly linear there; words that its penalty sets to zero may still matter a little."
    )
    measured = Measured(30, 0.535, 0.057, 0.762, 0.560, (0.433, 0.523), (0.169, 0.235))

    def regression(self, gates: Gates) -> tuple[Any, float]:
        """Return Captum's, with a penalty in units of this output: its own, 0.01, would leave nothing of small ones."""
        with needed_for("attributions"):
            from captum._utils.models.linear_model import SkLearnLasso
            from captum.attr import Lime as Captums

        ends = gates(torch.cat([gates.all_there, gates.none_there]))
        penalty = _LASSO * max(float(abs(ends[0] - ends[1])), 1e-6)
        return Captums(gates, interpretable_model=SkLearnLasso(alpha=penalty)), penalty

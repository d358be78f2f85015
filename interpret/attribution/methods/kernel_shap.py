"""Kernel SHAP: Shapley values as the coefficients of a weighted regression."""

from typing import Any

from interpret.attribution.methods.gates import Gates
from interpret.attribution.methods.method import Measured, register
from interpret.attribution.methods.regressions import ByRegression
from interpret.core.extras import needed_for
from interpret.core.sentences import sentence


@register
class KernelShap(ByRegression):
    """The regression of Lundberg & Lee 2017, theorem 2, on random sets of words."""

    name = "kernel_shap"
    title = "Kernel SHAP"
    paper = "Lundberg & Lee 2017"
    link = "https://arxiv.org/abs/1705.07874"
    about = sentence(
        "A weighted regression of the output on which words are present, with weights that make its coefficients "
        "Shapley values. Sampled at random: with few samples, every word's score is noisy, as its ± shows."
    )
    complete = True
    measured = Measured(30, 0.539, 0.057, 0.746, 0.560, (0.438, 0.524), (0.150, 0.220))

    def regression(self, gates: Gates) -> tuple[Any, float]:
        """Return Captum's, which has no penalty."""
        with needed_for("attributions"):
            from captum.attr import KernelShap as Captums

        return Captums(gates), 0.0

"""GradientSHAP: gradients at random points on the way from the baseline."""

import numpy as np
import torch
from jaxtyping import Float64

from interpret.attribution.methods.method import Measured, Scores, Work, register
from interpret.attribution.methods.slopes import ByPath
from interpret.attribution.path_integral import look
from interpret.core.sentences import sentence

# How many texts between baseline and text are looked at.
DRAWS = 24


@register
class GradientShap(ByPath):
    """The mean of ``(x - x′) · ∂F/∂x`` at uniform points (Lundberg & Lee 2017), with one baseline and no noise."""

    name = "gradient_shap"
    title = "GradientSHAP"
    paper = "Lundberg & Lee 2017"
    link = "https://arxiv.org/abs/1705.07874"
    about = sentence(
        "Averages gradients at random points between baseline and text: a random estimate of the mean that "
        "integrated gradients computes, and so never quite exact; each word's ± gives the error."
    )
    gradient = True
    random = True
    measured = Measured(30, 0.519, 0.057, 0.724, 0.560, (0.420, 0.507), (0.133, 0.194))

    def passes(self, words: int) -> int:
        """Return two for each draw."""
        return 2 * DRAWS

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Return the mean over the draws."""
        draws = self._draws(work, embedded)
        return Scores(draws.mean(axis=0), DRAWS, draws)

    def at(self, work: Work, point: torch.Tensor) -> Float64[np.ndarray, " token"]:
        """Return the mean over draws on the way to a noisy text."""
        return self._draws(work, point).mean(axis=0)

    def _draws(self, work: Work, embedded: torch.Tensor) -> Float64[np.ndarray, "draw token"]:
        alphas = np.random.uniform(size=DRAWS).tolist()
        found = []
        for first in range(0, DRAWS, work.target_function.at_once):
            work.report()
            some = alphas[first : first + work.target_function.at_once]
            found += [slopes for _, slopes in look(work.target_function, embedded, work.empty, some)]
        return np.stack(found)

"""Integrated gradients, cut finer where the sum does not come out."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float64

from interpret.attribution.methods.method import Measured, Scores, Work, register
from interpret.attribution.methods.slopes import ByPath
from interpret.attribution.path_integral import Walk, walk, walk_together
from interpret.core.sentences import sentence


@register
class IntegratedGradients(ByPath):
    """``(x - x′) · ∫ ∂F/∂x dα`` along the straight line (Sundararajan et al. 2017, eq. 1)."""

    name = "integrated_gradients"
    title = sentence("Integrated gradients")
    paper = "Sundararajan et al. 2017"
    link = "https://arxiv.org/abs/1703.01365"
    about = sentence(
        "Integrates gradients along the straight line from the baseline to the text. Assumes that the model responds "
        "sensibly to interpolated inputs in between. Scores add up to the difference between the two outputs; the "
        "completeness error is shown, and steps are added until it is at most 1%."
    )
    complete = True
    gradient = True
    path = True
    measured = Measured(30, 0.511, 0.057, 0.733, 0.560, (0.414, 0.499), (0.142, 0.203))

    def passes(self, words: int) -> int:
        """Return what most texts need: 18 points, forward and backward."""
        return 2 * 18

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Walk from the baseline to the text."""
        found = walk(work.target_function, embedded, work.empty, work.tolerance, work.rule, work.progress)
        return _scores(found)

    def scores_together(self, works: Sequence[Work]) -> Iterator[tuple[int, Scores]]:
        """Walk to many texts, several at a time."""
        first = works[0]
        functions = [one.target_function for one in works]
        embedded, empty = [one.embedded for one in functions], [one.empty for one in works]
        for index, found in walk_together(functions, embedded, empty, first.tolerance, first.rule):
            yield index, _scores(found)

    def at(self, work: Work, point: torch.Tensor) -> Float64[np.ndarray, " token"]:
        """Walk to a noisy text."""
        return walk(work.target_function, point, work.empty, work.tolerance, work.rule).scores


def _scores(found: Walk) -> Scores:
    return Scores(found.scores, len(found.alphas), baseline_output=found.start)

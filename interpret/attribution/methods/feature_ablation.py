"""Feature ablation: one word after another replaced by the baseline."""

import torch

from interpret.attribution.methods.gates import Gates
from interpret.attribution.methods.method import Measured, Method, Scores, Work, register
from interpret.core.sentences import sentence


@register
class FeatureAblation(Method):
    """What the output loses without a word (Li et al. 2016, sec. 3), all of its tokens taken away together."""

    name = "feature_ablation"
    title = sentence("Feature ablation")
    paper = "Li et al. 2016"
    link = "https://arxiv.org/abs/1612.08220"
    about = sentence(
        "Replaces one word after another with the baseline. Assumes that words act independently: two words that "
        "say the same cover for each other, and neither gets a score."
    )
    measured = Measured(30, 0.525, 0.057, 0.705, 0.560, (0.415, 0.518), (0.091, 0.197))

    def passes(self, words: int) -> int:
        """Return one for each word, and one for the text."""
        return words + 1

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Take away each word once."""
        return Scores(Gates(work, embedded, work.words).one_by_one())

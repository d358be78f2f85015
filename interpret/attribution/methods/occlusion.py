"""Occlusion: one token after another replaced by the baseline."""

import numpy as np
import torch

from interpret.attribution.methods.gates import Gates
from interpret.attribution.methods.method import Measured, Method, Scores, Work, register
from interpret.core.extras import needed_for
from interpret.core.sentences import sentence


@register
class Occlusion(Method):
    """What the output loses without a token (Zeiler & Fergus 2014, sec. 4.2), the window moved token by token."""

    name = "occlusion"
    title = sentence("Occlusion")
    paper = "Zeiler & Fergus 2014"
    link = "https://arxiv.org/abs/1311.2901"
    about = sentence(
        "Replaces one token after another with the baseline; a word of several tokens is never removed as a whole."
    )
    measured = Measured(30, 0.521, 0.057, 0.702, 0.560, (0.410, 0.515), (0.087, 0.195))

    def passes(self, words: int) -> int:
        """Return one for each word, and one for the text."""
        return words + 1

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Slide a window of one token over the text."""
        with needed_for("attributions"):
            from captum.attr import Occlusion as Captums

        gates = Gates(work, embedded, [(token,) for token in np.flatnonzero(~work.target_function.fixed).tolist()])
        found = Captums(gates).attribute(gates.all_there, sliding_window_shapes=(1,), **gates.how)
        return Scores(gates.shared(found[0]))

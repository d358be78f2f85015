"""Shapley sampling: what a word adds when words are added in random orders."""

import numpy as np
import torch

from interpret.attribution.methods.gates import Gates
from interpret.attribution.methods.method import Measured, Method, Scores, Work, register
from interpret.core.extras import needed_for
from interpret.core.sentences import sentence

# In how many orders a text's words are added.
ORDERS = 25


@register
class ShapleySampling(Method):
    """The mean marginal contribution over random orders (Castro et al. 2009, sec. 3)."""

    name = "shapley_sampling"
    title = sentence("Shapley sampling")
    paper = "Castro et al. 2009"
    link = "https://doi.org/10.1016/j.cor.2008.04.004"
    about = sentence(
        "What a word adds when words are added in random order, averaged over 25 orders. Fair to words that act "
        "together; assumes that a text with missing words is meaningful. The sum is exact; each word's share is a "
        "sampled estimate with its ±."
    )
    complete = True
    random = True
    measured = Measured(30, 0.539, 0.057, 0.748, 0.560, (0.441, 0.524), (0.154, 0.222))

    def passes(self, words: int) -> int:
        """Return one for each word of each order, and one for each order's beginning."""
        return ORDERS * (words + 1)

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Ask for one order at a time, so that what each says is known."""
        with needed_for("attributions"):
            from captum.attr import ShapleyValueSampling

        gates = Gates(work, embedded, work.words)
        if len(gates) == 1:
            return certain(gates)
        method = ShapleyValueSampling(gates)
        orders = [method.attribute(gates.all_there, n_samples=1, **gates.how)[0] for _ in range(ORDERS)]
        draws = gates.shared(torch.stack(orders))
        return Scores(draws.mean(axis=0), ORDERS, draws)


def certain(gates: Gates) -> Scores:
    """Return the score of a single word, without any draw: it has all of the difference by any of the methods."""
    exact = gates.one_by_one()
    return Scores(exact, draws=np.stack([exact, exact]))

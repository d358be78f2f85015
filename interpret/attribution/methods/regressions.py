"""What regressions on random sets of words have in common: how many sets, and how far the fit moves with them."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from sklearn.linear_model import Lasso

from interpret.attribution.methods.gates import Gates
from interpret.attribution.methods.method import Method, Scores, Work
from interpret.attribution.methods.shapley_sampling import certain
from interpret.core.extras import needed_for

# How often a regression is fitted anew on its own draws, drawn again: its error is then known to about 7%.
_REFITS = 100
# Captum's weight for the two sets that Kernel SHAP must get right: with all words, and with none.
_CERTAIN = 1e6


class ByRegression(Method):
    """A regression of the output on which words are there."""

    random = True

    def passes(self, words: int) -> int:
        """Return a few hundred, where shap's own default is 2·n + 2¹¹."""
        return 2 * words + 300

    def regression(self, gates: Gates) -> tuple[Any, float]:
        """Return Captum's regression, and its penalty."""
        raise NotImplementedError

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Fit the regression, and fit it again on its own draws."""
        gates = Gates(work, embedded, work.words)
        if len(gates) == 1:
            return certain(gates)
        regression, penalty = self.regression(gates)
        gates.forget()
        found = regression.attribute(gates.all_there, n_samples=work.total, **gates.how)
        again = refitted(np.concatenate(gates.sampled), np.concatenate(gates.answers), penalty, work.seed)
        return Scores(gates.shared(found[0]), work.total, gates.shared(again), refitted=True)


def refitted(
    gates: Float64[np.ndarray, "draw unit"], answers: Float64[np.ndarray, " draw"], penalty: float, seed: int
) -> Float64[np.ndarray, "fit unit"]:
    """Fit the regression of Kernel SHAP, or with a penalty LIME's, again and again on its draws, drawn again.

    The model is not asked anew. The text with all of its words and the one with none stay where Kernel SHAP's must be.
    """
    with needed_for("attributions"):
        from captum.attr._core.lime import get_exp_kernel_similarity_function

    random = np.random.default_rng(seed)
    fixed = np.arange(0 if penalty else 2)
    whole = torch.ones(1, gates.shape[1])
    near = get_exp_kernel_similarity_function()
    weights = np.ones(len(gates))
    if penalty:
        weights = np.array([float(near(whole, torch.from_numpy(row)[None], None)) for row in gates])
    weights[fixed] = _CERTAIN
    found = []
    for _ in range(_REFITS):
        some = np.concatenate([fixed, random.integers(len(fixed), len(gates), len(gates) - len(fixed))])
        if penalty:
            found.append(Lasso(alpha=penalty).fit(gates[some], answers[some], sample_weight=weights[some]).coef_)
        else:
            root = np.sqrt(weights[some])
            inputs = np.column_stack([gates[some], np.ones(len(some))]) * root[:, None]
            found.append(np.linalg.lstsq(inputs, answers[some] * root)[0][:-1])
    return np.stack(found)

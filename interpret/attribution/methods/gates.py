"""What methods that take words away have in common: a gate for each word, and Captum to turn them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64

from interpret.attribution.methods.method import Work
from interpret.core.device_lock import lock_device
from interpret.core.extras import needed_for

# How many sets of words Captum asks for at once.
_TOGETHER = 16


class Gates:
    """The model as a function of which units of a text are there: 1 leaves one as it is, 0 puts the baseline there.

    Attributes
    ----------
    all_there, none_there
        The gates of the text and of the baseline, of shape (1, unit).
    asked, answers
        What was asked so far, and what the model said: regressions are fitted again on it.
    """

    def __init__(self, work: Work, embedded: torch.Tensor, units: Sequence[Sequence[int]]) -> None:
        self._work, self._embedded = work, embedded
        self._belongs = torch.zeros(len(units), len(work.target_function.tokens))
        for number, unit in enumerate(units):
            self._belongs[number, list(unit)] = 1
        self.all_there, self.none_there = torch.ones(1, len(units)), torch.zeros(1, len(units))
        self.sampled: list[np.ndarray] = []
        self.answers: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._belongs)

    def __call__(self, gates: torch.Tensor) -> torch.Tensor:
        """Return the model's output for each row of gates."""
        target_function, empty, embedded, rows = self._work.target_function, self._work.empty, self._embedded, []
        for some in gates.split(target_function.at_once):
            kept = 1 - (1 - some.float()) @ self._belongs
            with lock_device(target_function.encoder.spec.device, gives_way=True), torch.no_grad():
                there = kept.to(embedded)[..., None]
                rows.append(target_function.score(empty + there * (embedded - empty)).cpu())
            self._work.report()
        found = torch.cat(rows)
        self.sampled.append(gates.double().numpy())
        self.answers.append(found.double().numpy())
        return found

    def forget(self) -> None:
        """Forget what was asked so far."""
        self.sampled.clear()
        self.answers.clear()

    @property
    def how(self) -> dict[str, Any]:
        """What Captum is told of them."""
        return {"baselines": self.none_there, "perturbations_per_eval": min(_TOGETHER, len(self))}

    def shared(self, found: torch.Tensor | np.ndarray) -> Float64[np.ndarray, "... token"]:
        """Share each unit's score out evenly among its tokens."""
        values = found.double().numpy() if isinstance(found, torch.Tensor) else found
        return values @ (self._belongs / self._belongs.sum(dim=1, keepdim=True)).double().numpy()

    def one_by_one(self) -> Float64[np.ndarray, " token"]:
        """Return what the output loses without each unit, all others being there."""
        # Its import takes a second, and what goes by gradients needs none of it.
        with needed_for("attributions"):
            from captum.attr import FeatureAblation

        return self.shared(FeatureAblation(self).attribute(self.all_there, **self.how)[0])

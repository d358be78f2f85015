"""Labelled texts read with gates at the heads: each text's loss and accuracy, and the loss's gradients."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from interpret.core.clustered_intervals import ratio_interval
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.linear_head import LinearHead
from interpret.core.tap import Tap
from interpret.core.tasks import logits_of


@dataclass(frozen=True, eq=False)
class HeadEvaluator:
    """Labelled texts and what answers: a linear head, or with None the model's own classifier."""

    encoder: Encoder
    texts: list[str]
    gold: np.ndarray
    head: LinearHead | None
    fitted_on: int
    batches: list[list[int]]

    def losses(self, some: list[int], tap: Tap, gradients: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each text's cross-entropy, and whether it was answered right."""
        tokens = [self.encoder.tokens(self.texts[i]) for i in some]
        output = self.encoder.forward(tokens, tap, gradients, task=self.head is None)
        if self.head is None:
            logits = logits_of(output).float()
        else:
            mask = self.encoder.batch(tokens)["attention_mask"]
            logits = self.head.logits(output.last_hidden_state, mask)
        gold = torch.from_numpy(self.gold[some]).to(logits.device)
        return torch.nn.functional.cross_entropy(logits, gold, reduction="none"), logits.argmax(-1) == gold

    @cached_property
    def _same(self) -> np.ndarray:
        """Which texts read the same, by number."""
        return np.unique(np.array(self.texts, object), return_inverse=True)[1]

    def interval(self, each: np.ndarray) -> np.ndarray:
        """Return the 95% intervals of means over texts, the first axis, as one more axis behind."""
        same = self._same
        sums = np.zeros((same.max() + 1, *each.shape[1:]))
        np.add.at(sums, same, each)
        counts = np.bincount(same).astype(float)
        return ratio_interval(sums, counts.reshape(-1, *[1] * (each.ndim - 1)))

    def share_interval(self, each: np.ndarray) -> np.ndarray:
        """The same of means of whole numbers from -1 to 1, which are never known for sure."""
        middle, room = each.mean(axis=0), 1 - 0.025 ** (1 / (self._same.max() + 1))
        ends = self.interval(each)
        return np.stack([np.fmin(ends[..., 0], middle - room), np.fmax(ends[..., 1], middle + room)], axis=-1)

    def score(self, gates: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Return each text's loss with these gates, and whether it is answered right."""
        loss, right = np.empty(len(self.gold)), np.empty(len(self.gold))
        for some in self.batches:
            with lock_device(self.encoder.spec.device, gives_way=True):
                tap = Tap(self.encoder.layers, record=False, gates=gates)
                losses, hits = self.losses(some, tap, False)
                loss[some], right[some] = losses.double().cpu().numpy(), hits.cpu().numpy()
        return loss, right

    def gradients(self, gates: torch.Tensor) -> np.ndarray:
        """Return |∂L/∂ξ| of each text, of shape (text, layer, head).

        ξ multiplies a head's contexts, so ∂L/∂ξ is their inner product with ∂L/∂contexts (Michel et al. 2019, eq. 2).
        The absolute value is taken text by text: the losses of a batch do not share a context.
        """
        each = np.zeros((len(self.gold), *gates.shape))
        for some in self.batches:
            tap = Tap(self.encoder.layers, gates=gates, gradients=True)
            with lock_device(self.encoder.spec.device):
                losses, _ = self.losses(some, tap, True)
                found = torch.autograd.grad(losses.sum(), tap.contexts)
                for layer, (context, slope) in enumerate(zip(tap.contexts, found, strict=True)):
                    per_text = (context.detach().double() * slope.double()).sum(dim=(2, 3)).abs()
                    each[some, layer] = per_text.cpu().numpy()
        return each

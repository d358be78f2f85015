"""What methods by attention have in common: attention followed from the output down to the inputs."""

import numpy as np
import torch

from interpret.attribution.methods.method import Method, Scores, Work
from interpret.core.device_lock import lock_device
from interpret.core.tap import Tap


class ByAttention(Method):
    """Attention multiplied through the layers, from the tokens that the output is read from."""

    signed = False
    baseline = False

    def steps(
        self, work: Work, score: torch.Tensor, weights: list[torch.Tensor], residual: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return each layer's step, of shape (token, token), on the host.

        Parameters
        ----------
        score
            The output, for gradients.
        weights
            Each layer's attention, of shape (1, head, query, key).
        residual
            What the residual connection passes on: the identity.
        """
        raise NotImplementedError

    def without_residual(self, flow: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """Return the flow without what a token has of itself only because the residual was added."""
        return flow

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Follow attention layer by layer."""
        encoder = work.target_function.encoder
        target_function = work.target_function
        tap = Tap(encoder.layers, gradients=True)
        with lock_device(encoder.spec.device):
            score = target_function.score(embedded[None].clone().requires_grad_(), gradients=True, tap=tap)
            # Above the level that the output is read from, attention has nothing to do with it.
            weights = list(tap.weights[: target_function.kind.top(target_function)])
            residual = torch.eye(len(target_function.tokens))
            steps = self.steps(work, score, weights, residual)
        flow = residual
        for step in steps:
            flow = step.float() @ flow
        flow = self.without_residual(flow, residual)
        # What the output is read from: the mask, the first token of a classifier, or the mean of all.
        rows = flow[list(target_function.kind.read_from(target_function))]
        return Scores(rows.mean(dim=0).double().numpy().astype(np.float64))

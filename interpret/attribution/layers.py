"""Where in the model the evidence forms: a score for each token at each level of hidden states."""

import numpy as np
import torch
from captum.attr import (
    LayerIntegratedGradients,
)
from jaxtyping import Float32, Float64

from interpret.arrays import read_only
from interpret.attribution.path import Progress
from interpret.attribution.question import Question
from interpret.devices import hold
from interpret.errors import InputError

LAYER_METHODS = ("conductance", "integrated_gradients")


def layer_map(
    question: Question,
    method: str = "conductance",
    baseline: str = "pad",
    progress: Progress | None = None,
) -> tuple[Float32[np.ndarray, "level token"], Float32[np.ndarray, "level"]]:
    """Return where the evidence forms: each token's score at each level of hidden states, and each level's error.

    ``"conductance"`` follows the states as the words fade in (Dhamdhere et al. 2018). ``"integrated_gradients"`` goes
    a straight line between each layer's own states for baseline and text, through Captum's `LayerIntegratedGradients`.

    Raises
    ------
    InputError
        If the layers share their weights, so that one layer alone cannot be moved.
    """
    if method not in LAYER_METHODS:
        raise InputError(
            "There is no method “{name}”. Choose one of: {known}.", name=method, known=", ".join(LAYER_METHODS)
        )
    with hold(question.encoder.spec.device):
        embedded, empty = question.embedded, question.baseline(baseline)
        if method == "conductance":
            scores, deltas = conductance(question, embedded, empty, progress=progress)
        else:
            scores, deltas = _layer_gradients(question, embedded, empty, progress)
    return read_only(scores, np.float32), read_only(deltas, np.float32)


def _layer_gradients(
    question: Question, embedded: torch.Tensor, empty: torch.Tensor, progress: Progress | None, steps: int = 32
) -> tuple[np.ndarray, np.ndarray]:
    encoder = question.encoder
    layers = list(encoder.part(encoder.family.layers))  # type: ignore[call-overload]
    if len(layers) != encoder.layers:
        raise InputError(
            "All layers of {family} share their weights, so one of them cannot be moved alone. Choose conductance.",
            family=encoder.family.title,
        )
    modules = [encoder.part(encoder.family.embeddings), *layers]
    rows, deltas = [], []
    for place, module in enumerate(modules):
        method = LayerIntegratedGradients(lambda one: question.score(one, gradients=True), module)
        found, delta = method.attribute(
            embedded[None].clone().requires_grad_(),
            empty[None],
            n_steps=steps,
            internal_batch_size=question.at_once,
            return_convergence_delta=True,
        )
        question.backward_passes += steps
        rows.append(found[0].detach().float().sum(dim=-1).cpu().numpy())
        deltas.append(float(delta[0]))
        if progress is not None:
            progress(place + 1, len(modules), "path")
    return np.stack(rows), np.array(deltas)


def conductance(
    question: Question,
    embedded: torch.Tensor,
    baseline: torch.Tensor,
    steps: int = 32,
    progress: Progress | None = None,
) -> tuple[Float64[np.ndarray, "level token"], Float64[np.ndarray, "level"]]:
    """Return how much of the answer's change passes through each token at each level.

    It is the conductance of Dhamdhere et al. 2018 as Shrikumar et al. 2018 compute it: on the way from baseline to
    text, each step's change of the hidden states times the answer's gradient with respect to them, here at the step's
    two ends by turns (trapezoidal rule). All levels come from the same passes.

    Returns
    -------
    scores
        For each level of hidden states; level 0 is the embedding output.
    deltas
        What each level's sum has more than the difference of the answers: every level has to account for all of it.
    """
    shares = np.linspace(0, 1, steps + 1)
    total: np.ndarray | None = None
    before: tuple[list[torch.Tensor], list[torch.Tensor]] | None = None
    answers: list[float] = []
    for first in range(0, len(shares), question.at_once):
        some = torch.tensor(shares[first : first + question.at_once], dtype=embedded.dtype, device=embedded.device)
        points = (baseline + some[:, None, None] * (embedded - baseline)).requires_grad_()
        levels: list[torch.Tensor] = []
        score = question.score(points, gradients=True, levels=levels)
        gradients = torch.autograd.grad(score.sum(), levels)
        question.backward_passes += len(some)
        answers += score.detach().double().cpu().tolist()
        states = [one.detach().float() for one in levels]
        slopes = [one.float() for one in gradients]
        if before is not None:
            # The last place of the batch before is the first of this one.
            states = [torch.cat([old[-1:], one]) for old, one in zip(before[0], states, strict=True)]
            slopes = [torch.cat([old[-1:], one]) for old, one in zip(before[1], slopes, strict=True)]
        before = states, slopes
        part = np.stack(
            [
                (one.diff(dim=0) * (slope[1:] + slope[:-1]) / 2).sum(dim=(0, 2)).double().cpu().numpy()
                for one, slope in zip(states, slopes, strict=True)
            ]
        )
        total = part if total is None else total + part
        if progress is not None:
            progress(min(first + len(some), steps), steps, "path")
    assert total is not None
    return total, total.sum(axis=1) - (answers[-1] - answers[0])

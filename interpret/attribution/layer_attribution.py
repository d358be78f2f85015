"""Where in the model the evidence forms: a score for each token at each level of hidden states."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64

from interpret.attribution.path_integral import Progress, walk
from interpret.attribution.target_function import TargetFunction
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.extras import needed_for

_STEPS = 32
_TOLERANCE = 0.01
LAYER_METHODS = ("conductance", "integrated_gradients")


def layer_attribution(
    target_function: TargetFunction,
    method: str = "conductance",
    baseline: str = "pad",
    progress: Progress | None = None,
) -> tuple[Float32[np.ndarray, "level token"], Float32[np.ndarray, " level"]]:
    """Return where the evidence forms: each token's score at each level of hidden states, and each level's error.

    ``"conductance"`` follows the states as the words fade in (Dhamdhere et al. 2018). ``"integrated_gradients"`` goes
    a straight line between each layer's own states for baseline and text, through Captum's `LayerIntegratedGradients`.
    For a hidden unit there is nothing above its own level. Steps of conductance are doubled, at most twice, while a
    level misses the difference of answers by more than 1%.

    Raises
    ------
    InputError
        If the layers share their weights, so that one layer alone cannot be moved.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> scores, errors = it.attribution.layer_attribution(function)
    >>> scores.shape  # level token
    (7, 9)
    >>> float(abs(errors).max()) < 0.05
    True
    """
    if method not in LAYER_METHODS:
        raise InputError(
            "There is no method “{name}”. Choose one of: {known}.", name=method, known=", ".join(LAYER_METHODS)
        )
    embedded, empty = target_function.embedded, target_function.baseline(baseline)
    if method == "conductance":
        for shares in _finer(target_function, embedded, empty):
            scores, deltas = conductance(target_function, embedded, empty, shares, progress)
            if np.abs(deltas).max() <= _TOLERANCE * abs(scores[0].sum() - deltas[0]):
                break
    else:
        scores, deltas = _layer_gradients(target_function, embedded, empty, progress)
    return read_only(scores, np.float32), read_only(deltas, np.float32)


def _layer_gradients(
    target_function: TargetFunction,
    embedded: torch.Tensor,
    empty: torch.Tensor,
    progress: Progress | None,
    steps: int = 32,
) -> tuple[np.ndarray, np.ndarray]:
    encoder = target_function.encoder
    layers = list(encoder.part(encoder.family.layers))  # type: ignore[call-overload]
    if len(layers) != encoder.layers:
        raise InputError(
            "All layers of {family} share their weights, so a single layer cannot be varied alone. Choose conductance.",
            family=encoder.family.title,
        )
    # Its import takes a second, and conductance needs none of it.
    with needed_for("attributions"):
        from captum.attr import LayerIntegratedGradients

    rows, deltas = [], []
    levels = target_function.kind.top(target_function) + 1
    paths = [encoder.family.embeddings, *(f"{encoder.family.layers}.{index}" for index in range(len(layers)))]
    # A unit's own level is no way to it but the unit itself.
    own = target_function.kind.at_level
    for index, path in enumerate(paths[: levels - own]):
        # A level at a time: others may want the device meanwhile, and find the model as it was.
        with lock_device(encoder.spec.device), _marked(encoder, path) as mark:
            method = LayerIntegratedGradients(lambda one: target_function.score(one, gradients=True), mark)
            found, delta = method.attribute(
                embedded[None].clone().requires_grad_(),
                empty[None],
                n_steps=steps,
                internal_batch_size=target_function.at_once,
                return_convergence_delta=True,
            )
            target_function.backward_passes += steps
            rows.append(found[0].detach().float().sum(dim=-1).cpu().numpy())
            deltas.append(float(delta[0]))
        if progress is not None:
            progress(index + 1, levels, "path")
    if own:
        states: list[torch.Tensor] = []
        with lock_device(encoder.spec.device), torch.no_grad():
            answers = target_function.score(torch.stack([empty, embedded]), levels=states)
            level = states[target_function.target.position].float()
            change = level[:, :, target_function.target.index].diff(dim=0)[0]
            rows.append((change / len(target_function.tokens)).cpu().numpy())
            deltas.append(float(rows[-1].sum() - answers.diff()))
    return np.stack(rows), np.array(deltas)


@contextmanager
def _marked(encoder: Encoder, path: str) -> Iterator[torch.nn.Module]:
    """Hand out a module that the states pass through behind another one, with them alone as input and output.

    Captum asks a module's inputs and outputs for their device, and among those of the embeddings and of some layers
    is None.
    """
    parent, _, name = path.rpartition(".")
    holder = encoder.model.get_submodule(parent)
    inner = holder.get_submodule(name)
    marked = _Marked(inner)
    setattr(holder, name, marked)
    try:
        yield marked.mark
    finally:
        setattr(holder, name, inner)


class _Marked(torch.nn.Module):
    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.mark = torch.nn.Identity()

    def forward(self, *given: Any, **named: Any) -> Any:
        found = self.inner(*given, **named)
        return (self.mark(found[0]), *found[1:]) if isinstance(found, tuple) else self.mark(found)

    def __getattr__(self, name: str) -> Any:
        # Some encoders look at attributes of their parts.
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inner"), name)


def _finer(
    target_function: TargetFunction, embedded: torch.Tensor, empty: torch.Tensor
) -> Iterator[Float64[np.ndarray, " step"]]:
    """Return points on the way to the text, more and more of them until what is made of them adds up.

    At first they lie evenly. Where that does not do, there are more where the answer bends most, as integrated
    gradients find it: DeBERTa reads a word by a norm that the least bit of it takes away from an empty one.
    """
    even = np.linspace(0, 1, _STEPS + 1)
    yield even
    bent = np.union1d(even, walk(target_function, embedded, empty, tolerance=1e-4).alphas)
    yield bent
    yield np.union1d(bent, (bent[1:] + bent[:-1]) / 2)


def conductance(
    target_function: TargetFunction,
    embedded: torch.Tensor,
    baseline: torch.Tensor,
    shares: Float64[np.ndarray, " step"],
    progress: Progress | None = None,
) -> tuple[Float64[np.ndarray, "level token"], Float64[np.ndarray, " level"]]:
    """Return how much of the answer's change passes through each token at each level.

    It is the conductance of Dhamdhere et al. 2018 as Shrikumar et al. 2018 compute it: on the way from baseline to
    text, each step's change of the hidden states times the answer's gradient with respect to them, here at the step's
    two ends by turns (trapezoidal rule). All levels come from the same passes.

    Parameters
    ----------
    shares
        The points on that way, from 0 to 1.

    Returns
    -------
    scores
        For each level of hidden states; level 0 is the embedding output.
    deltas
        What each level's sum has more than the difference of the answers: every level has to account for all of it.
    """
    steps = len(shares) - 1
    total: np.ndarray | None = None
    before: tuple[list[torch.Tensor], list[torch.Tensor]] | None = None
    answers: list[float] = []
    for first in range(0, len(shares), target_function.at_once):
        # A batch at a time: others may want the device meanwhile.
        with lock_device(target_function.encoder.spec.device):
            some = torch.tensor(
                shares[first : first + target_function.at_once], dtype=embedded.dtype, device=embedded.device
            )
            points = (baseline + some[:, None, None] * (embedded - baseline)).requires_grad_()
            levels: list[torch.Tensor] = []
            score = target_function.score(points, gradients=True, levels=levels)
            del levels[target_function.kind.top(target_function) + 1 :]
            gradients = torch.autograd.grad(score.sum(), levels)
            target_function.backward_passes += len(some)
            answers += score.detach().double().cpu().tolist()
            states = [one.detach().float() for one in levels]
            slopes = [one.float() for one in gradients]
            if before is not None:
                # The last point of the batch before is the first of this one.
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

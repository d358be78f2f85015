"""One head's weight and one token's context, step by step, and what becomes of it in the layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float32

from interpret.attention.trace_check import check_same
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.indices import check_index
from interpret.core.tokens import Tokens
from interpret.core.trace import Trace

# Beyond this, and its inverse, float32 has no numbers left for the scores.
_LEAST_TEMPERATURE = 1e-6


@dataclass(frozen=True, eq=False)
class AttentionSteps:
    """How one head lets one token (the query) look at all tokens, in the order in which it is computed.

    Every array is computed anew from the trace's queries, keys and values and the layer's own parameters (Vaswani et
    al. 2017, sec. 3.2); `errors` says how far that is from what the model computed.

    Attributes
    ----------
    tokens, layer, head, token
        What is looked at; ``token`` is the position of the query.
    divisor, usual_divisor
        What the dot products are divided by here, and by the model: √width, or more in DeBERTa.
    hidden, residual
        The query token's hidden state as it comes to the layer; and what is added after attention, which is the same
        but in MobileBERT, where it has gone through a bottleneck.
    query, keys, values
        This head's projections (after rotary positions where the model has them).
    products
        Element-wise: ``query · keys``.
    dots, scaled
        Their sums over the width, and those divided.
    bias
        What relative positions add to `scaled`, divided by the same temperature; None where they add nothing.
    allowed
        Where the query may look.
    weights, usual_weights
        The softmax of what is scaled, with `bias`, and allowed; and the same with the model's own divisor.
    weighted, context
        Each value times its weight, and the sum of these over the keys: what the head found for this token.
    contexts
        The same of every head of the layer; laid side by side they are what is projected. With another divisor only
        the chosen head's differs from the model's.
    contributions
        The length (L2) of what each head adds to `projected` (Kobayashi et al. 2020, eq. 4, summed over the keys).
    projected
        The contexts, side by side, through the output projection.
    added
        Residual and `projected`.
    normed
        The layer norm of it: see `norm`.
    errors
        The largest absolute difference between the model's own ``"weights"``, ``"context"`` and ``"output"``
        (`normed`) and the same computed here with the model's own divisor: 1e-6 in float32, some 1e-2 in bfloat16.
    moved
        The cosine between `normed` and the same with the model's own divisor: 1 where nothing was changed.
    norm
        What the layer's norm does: ``"layer"`` centres and divides by the standard deviation, ``"rms"`` divides by the
        root of the mean square alone, ``"scale"`` neither (MobileBERT); each has a gain.
    biased
        Whether the layer's projections add a bias.
    """

    tokens: Tokens
    layer: int
    head: int
    token: int
    divisor: float
    usual_divisor: float
    hidden: Float32[np.ndarray, " hidden"]
    residual: Float32[np.ndarray, " projected"]
    query: Float32[np.ndarray, " width"]
    keys: Float32[np.ndarray, "token width"]
    values: Float32[np.ndarray, "token width"]
    products: Float32[np.ndarray, "token width"]
    dots: Float32[np.ndarray, " token"]
    scaled: Float32[np.ndarray, " token"]
    bias: Float32[np.ndarray, " token"] | None
    allowed: Bool[np.ndarray, " token"]
    weights: Float32[np.ndarray, " token"]
    usual_weights: Float32[np.ndarray, " token"]
    weighted: Float32[np.ndarray, "token width"]
    context: Float32[np.ndarray, " width"]
    contexts: Float32[np.ndarray, "head width"]
    contributions: Float32[np.ndarray, " head"]
    projected: Float32[np.ndarray, " projected"]
    added: Float32[np.ndarray, " projected"]
    normed: Float32[np.ndarray, " projected"]
    errors: Mapping[str, float]
    moved: float
    norm: Literal["layer", "rms", "scale"]
    biased: bool

    @property
    def entropy(self) -> float:
        """How spread out the weights are, in nats: 0 for a single key, ln n for n keys alike."""
        positive = self.weights[self.weights > 0].astype(np.float64)
        return float(-(positive * np.log(positive)).sum())

    @property
    def sensitivity(self) -> float:
        """How much the weights still answer to their scores: the trace of the softmax's Jacobian, 1 - Σ weight².

        Near 0 one key has everything and no gradient passes, which is what the division by √width keeps from
        happening (Vaswani et al. 2017, sec. 3.2.1).
        """
        return float(1 - (self.weights.astype(np.float64) ** 2).sum())


def attention_steps(
    encoder: Encoder, trace: Trace, layer: int, head: int, token: int, temperature: float = 1.0
) -> AttentionSteps:
    """Recompute one head's attention for one query token, step by step.

    Parameters
    ----------
    trace
        Of this encoder.
    temperature
        What the model's own divisor, √width, is multiplied by: below 1 the weights gather on one key, above they even
        out.

    Raises
    ------
    InputError
        If there is no such layer, head or token, or the temperature is out of reach.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> steps = it.attention.attention_steps(encoder, trace, layer=4, head=7, token=8)
    >>> round(steps.divisor, 2)  # the root of a head's width, 32
    5.66
    >>> float(abs(steps.weights - trace.attention[4, 7, 8]).max()) < 1e-5
    True
    """
    _check(encoder, trace, layer, head, token, temperature)
    usual = 1 / float(trace.scaling[layer])
    divisor = usual * temperature
    query, keys, values = (one[layer, head].astype(np.float64) for one in (trace.query, trace.key, trace.value))
    bias = 0.0 if trace.bias is None else trace.bias[layer, head, token].astype(np.float64)
    allowed = np.ones(len(trace.tokens), bool) if trace.mask is None else trace.mask[layer, token]
    products = query[token] * keys
    dots = products.sum(axis=1)
    weights, usual_weights = (_softmax((dots / usual + bias) / one, allowed) for one in (temperature, 1.0))
    contexts, hidden = (one.astype(np.float64) for one in (trace.context[layer, :, token], trace.hidden[layer, token]))
    rest = _Rest(encoder, layer)
    residual = rest.residual(hidden)
    contexts[head] = usual_weights @ values
    _, _, _, usual_normed = rest.follow(contexts, residual)
    errors = _errors(encoder, trace, layer, head, token, usual_weights, contexts[head], usual_normed)
    contexts[head] = weights @ values
    contributions, projected, added, normed = rest.follow(contexts, residual)
    floats = {
        "hidden": hidden,
        "residual": residual,
        "query": query[token],
        "keys": keys,
        "values": values,
        "products": products,
        "dots": dots,
        "scaled": dots / divisor,
        "weights": weights,
        "usual_weights": usual_weights,
        "weighted": weights[:, None] * values,
        "context": contexts[head],
        "contexts": contexts,
        "contributions": contributions,
        "projected": projected,
        "added": added,
        "normed": normed,
    }
    return AttentionSteps(
        tokens=trace.tokens,
        layer=layer,
        head=head,
        token=token,
        divisor=divisor,
        usual_divisor=usual,
        bias=None if trace.bias is None else read_only(bias / temperature, np.float32),
        allowed=read_only(allowed, bool),
        errors=errors,
        norm=rest.norm.kind,
        biased=rest.biased,
        moved=float(normed @ usual_normed / (np.linalg.norm(normed) * np.linalg.norm(usual_normed))),
        **{name: read_only(array, np.float32) for name, array in floats.items()},
    )


def _check(encoder: Encoder, trace: Trace, layer: int, head: int, token: int, temperature: float) -> None:
    check_same(encoder, trace)
    for name, index, count in (
        ("layer", layer, trace.attention.shape[0]),
        ("head", head, trace.attention.shape[1]),
        ("token", token, len(trace.tokens)),
    ):
        check_index(name, index, count)
    if not _LEAST_TEMPERATURE <= temperature <= 1 / _LEAST_TEMPERATURE:
        raise InputError(
            "{value} is not a valid temperature. Choose a number from {least} to {most}.",
            value=temperature,
            least=_LEAST_TEMPERATURE,
            most=1 / _LEAST_TEMPERATURE,
        )


def _errors(
    encoder: Encoder,
    trace: Trace,
    layer: int,
    head: int,
    token: int,
    weights: np.ndarray,
    context: np.ndarray,
    normed: np.ndarray,
) -> Mapping[str, float]:
    """Return how far these, of the model's own divisor, are from what the model computed."""
    pairs = {
        "weights": (weights, trace.attention[layer, head, token]),
        "context": (context, trace.context[layer, head, token]),
        "output": (normed, _model_output(encoder, trace, layer)[token]),
    }
    return MappingProxyType({name: float(abs(ours - own).max()) for name, (ours, own) in pairs.items()})


def _softmax(scores: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    scores = np.where(allowed, scores, -np.inf)
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


class _Rest:
    """What a layer does with its heads' contexts: output projection, residual, layer norm."""

    def __init__(self, encoder: Encoder, layer: int) -> None:
        module, family = _layer(encoder, layer), encoder.family
        projection = attrgetter(family.projection)(module)
        self.matrix, self.bias = _numbers(projection.weight), _numbers(projection.bias)
        self.biased = projection.bias is not None
        self.norm = _Norm(attrgetter(family.norm)(module), family.rms)
        # A MobileBERT may do without its bottlenecks.
        narrow = family.residual if hasattr(module, family.residual.split(".")[0]) else ""
        self.bottleneck = attrgetter(narrow)(module) if narrow else None

    def residual(self, hidden: np.ndarray) -> np.ndarray:
        if self.bottleneck is None:
            return hidden
        narrowed = _numbers(self.bottleneck.dense.weight) @ hidden + _numbers(self.bottleneck.dense.bias)
        return _Norm(self.bottleneck.LayerNorm, rms=False)(narrowed)

    def follow(
        self, contexts: np.ndarray, residual: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        heads, width = contexts.shape
        slices = self.matrix.reshape(-1, heads, width)
        parts = np.einsum("ohw,hw->ho", slices, contexts)
        projected = parts.sum(axis=0) + self.bias
        added = residual + projected
        return np.linalg.norm(parts, axis=1), projected, added, self.norm(added)


class _Norm:
    """A layer norm; one that divides by the root of the mean square alone; or MobileBERT's, which only scales."""

    def __init__(self, module: Any, rms: bool) -> None:
        self.gain, self.shift = _numbers(module.weight), _numbers(getattr(module, "bias", None))
        # Under either name; “NoNorm” has none (Sun et al. 2020, section 3.3).
        epsilon = getattr(module, "eps", getattr(module, "variance_epsilon", None))
        self.kind: Literal["layer", "rms", "scale"] = "scale" if epsilon is None else "rms" if rms else "layer"
        self.epsilon = 0.0 if epsilon is None else float(epsilon)

    def __call__(self, state: np.ndarray) -> np.ndarray:
        if self.kind == "scale":
            return state * self.gain + self.shift
        centre = state.mean() if self.kind == "layer" else 0.0
        spread = np.sqrt(np.square(state - centre).mean() + self.epsilon)
        return np.asarray((state - centre) / spread * self.gain + self.shift)


def _numbers(parameter: torch.Tensor | None) -> np.ndarray:
    if parameter is None:
        # Some do without biases.
        return np.zeros(1)
    with lock_device(str(parameter.device)):
        return parameter.detach().to("cpu", torch.float64).numpy()


def _layer(encoder: Encoder, layer: int) -> torch.nn.Module:
    return list(encoder.part(encoder.family.layers).children())[_groups(encoder)[layer]]


def _groups(encoder: Encoder) -> list[int]:
    """Which module computes each layer: ALBERT's groups of layers share one, as transformers deals them out."""
    count = len(list(encoder.part(encoder.family.layers).children()))
    return [int(layer / (encoder.layers / count)) for layer in range(encoder.layers)]


def _model_output(encoder: Encoder, trace: Trace, layer: int) -> np.ndarray:
    """What the model itself has after the residual and layer norm of a layer's attention, of shape (token, hidden)."""
    found: list[torch.Tensor] = []
    norm = attrgetter(encoder.family.norm)(_layer(encoder, layer))
    with lock_device(encoder.spec.device):
        hook = norm.register_forward_hook(lambda _module, _inputs, output: found.append(output[0].float().cpu()))
        try:
            encoder.forward([trace.tokens])
        finally:
            hook.remove()
    # Layers that share their weights call the same module one after another.
    groups = _groups(encoder)
    return found[groups[:layer].count(groups[layer])].numpy()

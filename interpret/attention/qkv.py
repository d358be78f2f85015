"""One head's weight and one token's context, step by step, and what becomes of it in the layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType

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
        What the dot products are divided by here, and by the model: √width.
    hidden
        The query token's hidden state as it comes to the layer, and is added again after attention (the residual).
    query, keys, values
        This head's projections (after rotary positions where the model has them).
    products
        Element-wise: ``query · keys``.
    dots, scaled
        Their sums over the width, and those divided.
    allowed
        Where the query may look.
    weights, usual_weights
        The softmax of what is scaled and allowed, and the same with the model's own divisor.
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
        The layer norm of it.
    errors
        The largest absolute difference between the model's own ``"weights"``, ``"context"`` and ``"output"``
        (`normed`) and the same computed here with the model's own divisor: 1e-6 in float32, some 1e-2 in bfloat16.
    moved
        The cosine between `normed` and the same with the model's own divisor: 1 where nothing was changed.
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
    query: Float32[np.ndarray, " width"]
    keys: Float32[np.ndarray, "token width"]
    values: Float32[np.ndarray, "token width"]
    products: Float32[np.ndarray, "token width"]
    dots: Float32[np.ndarray, " token"]
    scaled: Float32[np.ndarray, " token"]
    allowed: Bool[np.ndarray, " token"]
    weights: Float32[np.ndarray, " token"]
    usual_weights: Float32[np.ndarray, " token"]
    weighted: Float32[np.ndarray, "token width"]
    context: Float32[np.ndarray, " width"]
    contexts: Float32[np.ndarray, "head width"]
    contributions: Float32[np.ndarray, " head"]
    projected: Float32[np.ndarray, " hidden"]
    added: Float32[np.ndarray, " hidden"]
    normed: Float32[np.ndarray, " hidden"]
    errors: Mapping[str, float]
    moved: float
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
        If there is no such layer, head or token, the temperature is out of reach, or the model's architecture shows
        no queries and keys.

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
    *projections, scaling = _recorded(encoder, trace)
    _check(encoder, trace, layer, head, token, temperature)
    usual = 1 / float(scaling[layer])
    divisor = usual * temperature
    query, keys, values = (array[layer, head].astype(np.float64) for array in projections)
    allowed = np.ones(len(trace.tokens), bool) if trace.mask is None else trace.mask[layer, token]
    products = query[token] * keys
    dots = products.sum(axis=1)
    weights = _softmax(dots / divisor, allowed)
    usual_weights = _softmax(dots / usual, allowed)
    contexts = np.asarray(trace.context)[layer, :, token].astype(np.float64)
    hidden = trace.hidden[layer, token].astype(np.float64)
    rest = _Rest(encoder, layer)
    contexts[head] = usual_weights @ values
    _, _, _, usual_normed = rest.follow(contexts, hidden)
    errors = _errors(encoder, trace, layer, head, token, usual_weights, contexts[head], usual_normed)
    contexts[head] = weights @ values
    contributions, projected, added, normed = rest.follow(contexts, hidden)
    floats = {
        "hidden": hidden,
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
        allowed=read_only(allowed, bool),
        errors=errors,
        biased=rest.biased,
        moved=float(normed @ usual_normed / (np.linalg.norm(normed) * np.linalg.norm(usual_normed))),
        **{name: read_only(array, np.float32) for name, array in floats.items()},
    )


def _recorded(encoder: Encoder, trace: Trace) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return queries, keys, values and scalings, where the model shows them."""
    if trace.query is None or trace.key is None or trace.value is None or trace.scaling is None:
        raise InputError(
            "{family} computes attention with its own code, so its queries, keys and values are not available. Choose "
            "a BERT, RoBERTa, ELECTRA, ALBERT, DistilBERT or ModernBERT.",
            family=encoder.family.title,
        )
    return trace.query, trace.key, trace.value, trace.scaling


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
        "context": (context, np.asarray(trace.context)[layer, head, token]),
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
        module = _layer(encoder, layer)
        projection = attrgetter(encoder.family.projection)(module)
        norm = attrgetter(encoder.family.norm)(module)
        self.matrix, self.bias = _numbers(projection.weight), _numbers(projection.bias)
        self.biased = projection.bias is not None
        self.centred = not encoder.family.rms
        self.gain, self.shift = _numbers(norm.weight), _numbers(getattr(norm, "bias", None))
        self.epsilon = float(norm.eps if self.centred else norm.variance_epsilon)

    def follow(self, contexts: np.ndarray, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        heads, width = contexts.shape
        slices = self.matrix.reshape(-1, heads, width)
        parts = np.einsum("ohw,hw->ho", slices, contexts)
        projected = parts.sum(axis=0) + self.bias
        added = hidden + projected
        centre = added.mean() if self.centred else 0.0
        spread = np.sqrt(np.square(added - centre).mean() + self.epsilon)
        normed = (added - centre) / spread * self.gain + self.shift
        return np.linalg.norm(parts, axis=1), projected, added, normed


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

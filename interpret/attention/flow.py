"""Where what a token holds came from: attention followed through the layers down to the inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

from interpret.attention.trace_check import check_same
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.devices import find_device
from interpret.core.encoder import Encoder
from interpret.core.errors import CapacityError, InputError
from interpret.core.indices import check_index
from interpret.core.tap import Tap
from interpret.core.tasks import logits_of
from interpret.core.trace import Trace
from interpret.core.units import gigabytes
from interpret.core.work_sizes import trace_bytes

Method = Literal["rollout", "flow", "gradient"]
# SciPy's maximum flow counts in 32-bit whole numbers; no capacity, and no flow out of one token, is above 1.
_UNIT = 2**30


@dataclass(frozen=True, eq=False)
class Paths:
    """How one token at one layer is connected with all tokens below it.

    Level 0 is the embeddings, level ``layer + 1`` what the chosen layer puts out. Edges run from a level down to the
    next.

    Attributes
    ----------
    method
        Which of the ways of following attention.
    layer, query
        The chosen token's layer and position.
    mass
        How much of it is at each token of each level. For ``"rollout"`` and ``"gradient"`` rows sum to 1 and
        ``mass[0]`` is the answer, the share of each input; for ``"flow"`` it is no share but the one flow that was
        asked for, whose size every row sums to.
    edges
        How much passes along each link, ``edges[level, upper, lower]`` from ``level + 1`` to ``level``.
    """

    method: Method
    layer: int
    query: int
    mass: Float32[np.ndarray, "level token"]
    edges: Float32[np.ndarray, "layer upper lower"]


def rollout(trace: Trace) -> Float32[np.ndarray, "layer query key"]:
    """Follow attention down to the inputs by multiplying the layers' matrices (Abnar & Zuidema 2020, eq. 1).

    Each layer counts as ``0.5·A + 0.5·I``: the mean of its heads, and the residual connection beside them. Row
    ``[layer, query]`` says how that token's state after ``layer`` is made up of the inputs, as far as attention alone
    decides it, and sums to 1.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> rolled = it.attention.rollout(trace)
    >>> rolled.shape  # layer query key
    (6, 16, 16)
    >>> float(abs(rolled.sum(axis=-1) - 1).max()) < 1e-5
    True
    """
    mixed = _mixed(trace)
    rolled = np.empty_like(mixed)
    rolled[0] = mixed[0]
    for layer in range(1, len(mixed)):
        rolled[layer] = mixed[layer] @ rolled[layer - 1]
    return read_only(rolled, np.float32)


def attention_flow(
    trace: Trace,
    layers: Sequence[int] | None = None,
    queries: Sequence[int] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Float32[np.ndarray, "layer query key"]:
    """Follow attention down to the inputs by maximum flow (Abnar & Zuidema 2020, sec. 3).

    Links carry at most what ``0.5·A + 0.5·I`` gives them, so all that leave a token 1 together, and each number is the
    most that can flow from that token after that layer to one input, as if there were no other: from 0 to 1 on a scale
    of its own, no share. A row need not sum to 1, and dividing it by its sum makes no share of it.

    Parameters
    ----------
    layers, queries
        For which layers and tokens; all of them unless given. Each number is a problem of its own, so all of a long
        text take long.
    progress
        Called as ``progress(done, total, "")`` after each number; raising inside it stops the work.

    Raises
    ------
    InputError
        If there is no such layer or token.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> flow = it.attention.attention_flow(trace, layers=[1], queries=[8])
    >>> flow.shape  # layer query key
    (1, 1, 16)
    >>> trace.tokens.strings[8], trace.tokens.strings[int(flow[0, 0].argmax())]  # most comes from the word itself
    ('street', 'street')
    >>> round(float(flow[0, 0].max()), 1)
    0.7
    """
    mixed = _mixed(trace)
    depth, n = mixed.shape[:2]
    layers = range(depth) if layers is None else layers
    queries = range(n) if queries is None else queries
    flows = np.empty((len(layers), len(queries), n), np.float32)
    for a, layer in enumerate(layers):
        for b, query in enumerate(queries):
            graph = _graph(trace, mixed, layer, query)
            for key in range(n):
                flows[a, b, key] = maximum_flow(graph, (layer + 1) * n, key).flow_value / _UNIT
                if progress is not None:
                    progress((a * len(queries) + b) * n + key + 1, len(layers) * len(queries) * n, "")
    return read_only(flows)


def rollout_paths(trace: Trace, layer: int, query: int) -> Paths:
    """Follow one token down by rollout and keep the way: ``mass[0]`` is ``rollout(trace)[layer, query]``.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> paths = it.attention.rollout_paths(trace, layer=5, query=8)
    >>> paths.mass.shape  # level token
    (7, 16)
    >>> float(abs(paths.mass[0] - it.attention.rollout(trace)[5, 8]).max()) < 1e-6
    True
    """
    _check(trace, layer, query)
    return _walk("rollout", _mixed(trace)[: layer + 1], query, normalise=False)


def gradient_paths(
    encoder: Encoder, trace: Trace, layer: int, query: int, target: int | Literal["state"] = "state"
) -> Paths:
    """Follow one token down by gradient × attention (Chefer et al. 2021b, eqs. 5 and 6).

    A layer counts as ``I + mean over heads of max(0, ∇A ⊙ A)``. Rows are divided by their sum, so that the ways can
    be compared.

    Parameters
    ----------
    target
        Whose gradient: ``"state"`` is the chosen token's own state ``h`` after ``layer``, in the direction that sets
        it apart from the mean state of the text: ``⟨h, h - mean⟩`` with the right side held fixed, since the plain
        length of a state is fixed by its layer norm. A number is a class of the model's own classifier: its logit
        (Chefer's own choice).

    Raises
    ------
    InputError
        If there is no such layer, token or class, the trace is another encoder's, or the model keeps no weights to
        take gradients of.
    CapacityError
        If the graph does not fit into memory.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> paths = it.attention.gradient_paths(encoder, trace, layer=5, query=8)
    >>> paths.mass.shape  # level token
    (7, 16)
    >>> [round(float(level.sum()), 3) for level in paths.mass]
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    >>> trace.tokens.strings[int(paths.mass[0].argmax())]
    'street'
    """
    _check(trace, layer, query)
    check_same(encoder, trace)
    _check_memory(encoder, len(trace.tokens))
    known = encoder.task is not None and encoder.task.of_text
    classes = range(len(encoder.task.labels)) if encoder.task is not None and known else range(0)
    if target != "state" and (isinstance(target, bool) or target not in classes):
        raise InputError(
            "This model has no class {target}. Choose the hidden state (“state”) or one of its classes.", target=target
        )
    tap = Tap(encoder.layers, gradients=True)
    with lock_device(encoder.spec.device):
        output = encoder.forward([trace.tokens], tap, gradients=True, task=target != "state", output_hidden_states=True)
        if target == "state":
            state = output.hidden_states[layer + 1][0]
            goal = (state[query] * (state[query] - state.mean(dim=0)).detach()).sum()
        else:
            goal = logits_of(output)[0, target]
        reached = tap.weights[: layer + 1]
        gradients = torch.autograd.grad(goal, reached)
        relevance = [(a * g).clamp(min=0)[0].mean(dim=0) for a, g in zip(reached, gradients, strict=True)]
        steps = torch.stack(relevance).detach().to("cpu", torch.float64).numpy()
    return _walk("gradient", steps + np.eye(len(trace.tokens)), query, normalise=True)


def flow_paths(trace: Trace, layer: int, query: int, key: int) -> Paths:
    """Send as much as possible from one token to one input and keep the way: see `attention_flow`.

    ``mass`` and ``edges`` are those of this one flow; other ways of sending as much can exist.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> paths = it.attention.flow_paths(trace, layer=1, query=8, key=2)
    >>> whole = it.attention.attention_flow(trace, layers=[1], queries=[8])[0, 0, 2]
    >>> [round(float(level.sum() / whole), 3) for level in paths.mass]  # as much passes through each level
    [1.0, 1.0, 1.0]
    """
    _check(trace, layer, query)
    _check(trace, layer, key)
    mixed = _mixed(trace)
    n = len(trace.tokens)
    graph = _graph(trace, mixed, layer, query)
    result = maximum_flow(graph, (layer + 1) * n, key).flow.tocoo()
    edges = np.zeros((layer + 1, n, n))
    for upper, lower, amount in zip(result.row, result.col, result.data, strict=True):
        if amount > 0:
            edges[lower // n, query if upper == (layer + 1) * n else upper % n, lower % n] += amount / _UNIT
    mass = np.concatenate([edges.sum(axis=1), [np.eye(n)[query] * edges[-1].sum()]])
    return Paths("flow", layer, query, read_only(mass, np.float32), read_only(edges, np.float32))


def _check_memory(encoder: Encoder, tokens: int) -> None:
    # With the graph kept: weights, their gradients, and what the layers keep for the way back.
    needed = 5 * trace_bytes(encoder.layers, encoder.heads, encoder.width, tokens, biased=encoder.family.relative)
    free = find_device(encoder.spec.device).free
    if needed > free:
        raise CapacityError.counted(
            "The attention gradients of {tokens} token need {needed} GB, but only {free} GB are free. Shorten the "
            "text, or choose a smaller model.",
            "The attention gradients of {tokens} tokens need {needed} GB, but only {free} GB are free. Shorten the "
            "text, or choose a smaller model.",
            tokens,
            tokens=tokens,
            needed=gigabytes(needed),
            free=gigabytes(free),
        )


def _mixed(trace: Trace) -> np.ndarray:
    attention = trace.attention.mean(axis=1, dtype=np.float64)
    return 0.5 * attention + 0.5 * np.eye(attention.shape[-1])


def _walk(method: Method, steps: np.ndarray, query: int, normalise: bool) -> Paths:
    layers, n = steps.shape[:2]
    mass = np.zeros((layers + 1, n))
    edges = np.empty_like(steps)
    mass[layers, query] = 1
    for level in reversed(range(layers)):
        edges[level] = mass[level + 1][:, None] * steps[level]
        if normalise:
            edges[level] /= edges[level].sum()
        mass[level] = edges[level].sum(axis=0)
    return Paths(method, layers - 1, query, read_only(mass, np.float32), read_only(edges, np.float32))


def _graph(trace: Trace, mixed: np.ndarray, layer: int, query: int) -> csr_matrix:
    """Tokens of level l are nodes l·n …; the chosen token is the one node above the highest level."""
    _check(trace, layer, query)
    n = mixed.shape[-1]
    upper, lower = np.divmod(np.arange(n * n), n)
    rows, columns = [np.full(n, (layer + 1) * n)], [layer * n + np.arange(n)]
    capacities = [mixed[layer, query]]
    for level in range(layer):
        rows.append((level + 1) * n + upper)
        columns.append(level * n + lower)
        capacities.append(mixed[level].ravel())
    whole = np.floor(np.concatenate(capacities) * _UNIT).astype(np.int32)
    cells = np.concatenate(rows), np.concatenate(columns)
    graph = csr_matrix((whole, cells), shape=((layer + 1) * n + 1,) * 2)
    graph.eliminate_zeros()
    return graph


def _check(trace: Trace, layer: int, token: int) -> None:
    for name, index, count in (("layer", layer, len(trace.attention)), ("token", token, len(trace.tokens))):
        check_index(name, index, count)

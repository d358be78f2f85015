"""The one attention function: SDPA while nobody looks, the same product in the open while a tap is open.

transformers lets a program register its own attention function, which every architecture that goes through that
interface then calls as it would SDPA. Which tap is open is kept in a context variable, so one thread never sees
another's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from interpret.core.device_queue import give_way
from interpret.core.host_copies import HostBuffer, host_buffer

NAME = "tapped"
# What is recorded of each token beside its weights.
STATES = ("query", "key", "value", "context")


class Tap:
    """What to do with each layer's attention in one forward pass, and what was recorded.

    Parameters
    ----------
    layers
        How many attention layers the encoder has.
    record
        Whether queries, keys, values, weights and contexts are kept.
    gates
        What each head's output is multiplied by, ``(layer, head)``: 0 takes a head out. None leaves all as they are.
    window
        Where a query may look of what the model lets it, ``(query, key)`` or ``(batch, 1, query, key)``: True where it
        may, and somewhere in every row. None narrows nothing.
    gradients
        Whether the weights stay in the graph with their gradient kept: ``weights[layer].grad`` after a backward pass.

    Attributes
    ----------
    attention, states
        What was recorded without gradients: the host's float32 memory, filled once the device has been waited for.
        Weights ``(layer, batch, head, query, key)``, and `STATES` ``(state, layer, batch, head, token, width)``, as the
        model computed them (after rotary positions). None with ``gradients``.
    weights, values, contexts
        With ``gradients``, per layer a node of the graph: ``(batch, head, query, key)``, in float32, and ``(batch,
        head, token, width)``.
    masks
        Per layer ``(batch, 1, query, key)``, True where a query may look; None where every token may.
    scalings
        Per layer the number that the dot products were multiplied by, 1/√width or less.
    biases
        Per layer ``(batch, head, query, key)``, what relative positions added to that; None where they add nothing.
    """

    def __init__(
        self,
        layers: int,
        record: bool = True,
        gates: torch.Tensor | None = None,
        gradients: bool = False,
        window: torch.Tensor | None = None,
    ) -> None:
        self.layers = layers
        self.record = record
        self.gates = gates
        self.gradients = gradients
        self.window = window[None, None] if window is not None and window.ndim == 2 else window
        self.calls = 0
        self.attention: HostBuffer | None = None
        self.states: HostBuffer | None = None
        self.weights: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []
        self.contexts: list[torch.Tensor] = []
        self.masks: list[torch.Tensor | None] = []
        self.scalings: list[float] = []
        self.biases: list[torch.Tensor | None] = []

    def attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        scaling: float | None,
        dropout: float,
        bias: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute one layer's attention in the open: softmax(QKᵀ·scaling + bias + mask)·V (Vaswani et al. 2017, eq. 1).

        Layers are counted by call, since ALBERT and DistilBERT do not say which layer is calling.
        """
        layer = self.calls
        self.calls += 1
        scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
        if self.window is not None:
            mask = _narrowed(mask, self.window.to(query.device))
        slot = self._slot(layer, query, key) if self.record and not self.gradients else None
        plain = query.device.type == "cpu" and query.dtype == torch.float32
        # Where nobody derives, in either direction.
        if plain and torch.is_inference_mode_enabled():
            # Where it stays, and each step in the same memory: new one would take the system longer than the sums do.
            # Scaling the queries rather than the scores is a pass over far fewer numbers.
            scores = torch.matmul(query * scaling, key.transpose(-1, -2), out=slot)
            weights = torch.softmax(_mask_(scores, bias, mask), dim=-1, out=scores)
        else:
            scores = _biased(torch.matmul(query, key.transpose(-1, -2)) * scaling, bias)
            weights = torch.softmax(_masked(scores, mask), dim=-1, dtype=torch.float32)
            if self.gradients:
                if weights.requires_grad:
                    weights.retain_grad()
                else:
                    # The first layer's, below which nothing has a gradient.
                    weights.requires_grad_()
            if slot is not None:
                # A card goes on with the next layer meanwhile; who reads the block waits for it once.
                slot.copy_(weights, non_blocking=True)
        used = weights.to(device=value.device, dtype=value.dtype)
        if dropout:
            used = torch.nn.functional.dropout(used, dropout)
        context = torch.matmul(used, value)
        if self.gates is not None:
            context = context * self.gates[layer].to(context)[:, None, None]
        if self.record:
            if self.states is not None:
                # At once: who held on to what the model computed would make it take new memory in every layer.
                for to, one in zip(self.states.tensor[:, layer], (query, key, value, context), strict=True):
                    to.copy_(one, non_blocking=True)
            else:
                self.weights.append(weights)
                self.values.append(value)
                self.contexts.append(context)
            self.masks.append(None if mask is None else _allowed(mask).expand(-1, -1, query.shape[-2], -1))
            self.scalings.append(scaling)
            self.biases.append(bias)
        return context.transpose(1, 2).contiguous(), used

    def _slot(self, layer: int, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        # One block on the host for all layers, filled as the pass goes: nothing is held twice, least of all on a GPU.
        if self.attention is None:
            shape = (self.layers, *query.shape[:-1], key.shape[-2])
            self.attention = host_buffer(shape, torch.float32, query.device)
            self.states = host_buffer((len(STATES), self.layers, *query.shape), torch.float32, query.device)
        return self.attention.tensor[layer]


_open: ContextVar[Tap | None] = ContextVar("tap", default=None)


@contextmanager
def tapping(tap: Tap | None) -> Iterator[Tap | None]:
    """Open ``tap`` for the forward passes of this thread until the block ends; None leaves the fast path."""
    token = _open.set(tap)
    try:
        yield tap
    finally:
        _open.reset(token)


def tapped(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    bias: torch.Tensor | None = None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attention as transformers calls it: ``(batch, head, token, width)`` in, ``(batch, token, head, width)`` out.

    What ``bias`` holds is added to the scores: see `interpret.core.relative_attention`.
    """
    give_way()
    tap = _open.get()
    if tap is None:
        if bias is not None:
            attention_mask = _masked(bias.to(query.dtype), attention_mask)
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **options)
    # Several heads may share keys and values (Ainslie et al. 2023).
    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = (one.repeat_interleave(shared, dim=1) for one in (key, value))
    return tap.attend(query, key, value, attention_mask, scaling, dropout, bias)


def _allowed(mask: torch.Tensor) -> torch.Tensor:
    # `sdpa_mask` gives booleans; some models add numbers of their own, where "far below zero" means no.
    return mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min / 2


def _narrowed(mask: torch.Tensor | None, window: torch.Tensor) -> torch.Tensor:
    if mask is None:
        return window
    return mask & window if mask.dtype == torch.bool else mask.masked_fill(~window, torch.finfo(mask.dtype).min)


def _mask_(scores: torch.Tensor, bias: torch.Tensor | None, mask: torch.Tensor | None) -> torch.Tensor:
    """Add what relative positions add, and leave out what is masked, in place."""
    if bias is not None:
        scores.add_(bias)
    if mask is not None and mask.dtype != torch.bool:
        scores.add_(mask)
    elif mask is not None:
        scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
    return scores


def _biased(scores: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return scores if bias is None else scores + bias


def _masked(scores: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    if mask is None:
        return scores
    if mask.dtype != torch.bool:
        return scores + mask
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min)


AttentionInterface.register(NAME, tapped)
AttentionMaskInterface.register(NAME, sdpa_mask)

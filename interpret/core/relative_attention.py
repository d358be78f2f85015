"""MPNet's and DeBERTa's attention, handed over to the one attention function.

These architectures do not go through transformers' attention interface: their modules multiply and add by themselves,
since they add to the scores what relative positions make of them. Each gets a forward pass here that computes that
addend as its own code does, and leaves everything else to `interpret.core.tap.tapped`.
"""

from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.models.deberta.modeling_deberta import DisentangledSelfAttention as DebertaAttention
from transformers.models.deberta_v2.modeling_deberta_v2 import DisentangledSelfAttention as DebertaV2Attention
from transformers.models.mpnet.modeling_mpnet import MPNetSelfAttention

from interpret.core.errors import CheckpointError
from interpret.core.tap import tapped


class _MPNet(MPNetSelfAttention):
    """Scores plus a number for each head and distance, the same in all layers (Song et al. 2020, section 4.1)."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_bias: torch.Tensor | None = None,
        output_attentions: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the projected output, and the weights where they are kept."""
        shape = (*hidden_states.shape[:-1], -1, self.attention_head_size)
        query, key, value = (part(hidden_states).view(shape).transpose(1, 2) for part in (self.q, self.k, self.v))
        dropout = self.dropout.p if self.training else 0.0
        context, weights = tapped(self, query, key, value, attention_mask, dropout, bias=position_bias)
        output = self.o(context.reshape(*hidden_states.shape[:-1], -1))
        return output, weights


class _Deberta(DebertaAttention):
    """Contents with contents, plus contents with relative positions both ways (He et al. 2021, eq. 4)."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        output_attentions: bool = False,
        query_states: torch.Tensor | None = None,
        relative_pos: torch.Tensor | None = None,
        rel_embeddings: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the heads' contexts side by side, and the weights where they are kept."""
        query, key, value = self.transpose_for_scores(self.in_proj(hidden_states)).chunk(3, dim=-1)
        # They stay in float32 where all else is in half precision.
        query = query + self.transpose_for_scores(self.q_bias[None, None, :]).to(query.dtype)
        value = value + self.transpose_for_scores(self.v_bias[None, None, :]).to(value.dtype)
        parts = 1 + len(self.pos_att_type)
        scaling = (query.shape[-1] * parts) ** -0.5
        bias = None
        # Of kinds of other names it counts the parts, and adds nothing.
        adds = self.relative_attention and not {"c2p", "p2c"}.isdisjoint(self.pos_att_type)
        if adds and rel_embeddings is not None and relative_pos is not None:
            positions = self.pos_dropout(rel_embeddings)
            bias = self.disentangled_att_bias(query * scaling, key, relative_pos, positions, parts)
        return _handed_over(self, query, key, value, attention_mask, scaling, bias)


class _DebertaV2(DebertaV2Attention):
    """The same, with distances in buckets and, in most, the contents' own projections of them."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        output_attentions: bool = False,
        query_states: torch.Tensor | None = None,
        relative_pos: torch.Tensor | None = None,
        rel_embeddings: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the heads' contexts side by side, and the weights where they are kept."""
        flat = [
            self.transpose_for_scores(part(hidden_states), self.num_attention_heads)
            for part in (self.query_proj, self.key_proj, self.value_proj)
        ]
        parts = 1 + sum(kind in self.pos_att_type for kind in ("c2p", "p2c"))
        scaling = (flat[0].shape[-1] * parts) ** -0.5
        # Its own code has texts and heads on one axis.
        query, key, value = (one.view(-1, self.num_attention_heads, *one.shape[1:]) for one in flat)
        bias = None
        if self.relative_attention and parts > 1:
            positions = self.pos_dropout(rel_embeddings)
            bias = self.disentangled_attention_bias(flat[0], flat[1], relative_pos, positions, parts)
            bias = bias.view(query.shape[0], self.num_attention_heads, *bias.shape[1:])
        return _handed_over(self, query, key, value, attention_mask, scaling, bias)


def _handed_over(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    allowed: torch.Tensor,
    scaling: float,
    bias: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    dropout = module.dropout.p if module.training else 0.0
    context, weights = tapped(module, query, key, value, allowed.bool(), dropout, scaling, bias=bias)
    return context.reshape(*context.shape[:2], -1), weights


_OURS = {MPNetSelfAttention: _MPNet, DebertaAttention: _Deberta, DebertaV2Attention: _DebertaV2}


def hand_over_attention(model: PreTrainedModel, name: str) -> None:
    """Let the attention modules of a model that compute by themselves go through the one attention function.

    Parameters
    ----------
    name
        What the checkpoint is called.

    Raises
    ------
    CheckpointError
        If its heads' scores are mixed with one another, so that no head's weights follow from its own.
    """
    for module in model.modules():
        ours = _OURS.get(type(module))
        if ours is None:
            continue
        if getattr(module, "talking_head", False):
            raise CheckpointError(
                "“{name}” mixes the scores of its heads (“talking_head”), so that no head has weights of its own. "
                "Choose a model without.",
                name=name,
            )
        # With all its weights: only how they are used changes.
        module.__class__ = ours

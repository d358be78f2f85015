"""How a layer's heads come together: the last part of the steps, and what differs between architectures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.components.steps.cards import bars, matrix
from dashboard.language import _

if TYPE_CHECKING:
    from interpret.attention.qkv import AttentionSteps
    from interpret.core.encoder import Encoder


@dataclass(frozen=True)
class Layer:
    """How a model's layers are made: see `interpret.core.families.Family`.

    Attributes
    ----------
    norm
        What formulas call its norm.
    biased, key_biased
        Whether projections add a bias, and that of keys.
    read, passed, residual
        What the layer's input goes through before it is made queries and keys of, before values, and before it is
        added again: ``{}`` where through nothing.
    """

    pre_norm: bool
    rotary: bool
    norm: str
    biased: bool
    key_biased: bool
    read: str = "{}"
    passed: str = "{}"
    residual: str = "{}"

    def projected(self, name: str, matrix: str, state: str, rotated: bool = False) -> str:
        """Write how a query, key or value is made of a state."""
        biased = self.key_biased if matrix == "W_K" else self.biased
        read = f"{self.norm}({state})" if self.pre_norm else state
        made = f"{matrix} · {read}" + (" + b" if biased else "")
        if rotated:
            made = f"R · ({made})" if biased else f"R · {made}"
        return f"{name} = {made}"


def layer_of(encoder: Encoder, steps: AttentionSteps) -> Layer:
    """Return how the layers of an encoder are made, of which these are the steps."""
    family, config = encoder.family, encoder.model.config
    norm = {"layer": "LN", "rms": "RMSNorm", "scale": "NoNorm"}[steps.norm]
    layer = Layer(family.pre_norm, family.rotary, norm, steps.biased, steps.biased and family.key_bias)
    if not family.residual or not config.use_bottleneck:
        return layer
    # Sun et al. 2020, figure 1: queries and keys may have a bottleneck of their own, and values none.
    if config.use_bottleneck_attention:
        return replace(layer, read="B({})", passed="B({})", residual="B({})")
    return replace(layer, read="B′({})" if config.key_query_shared_bottleneck else "{}", residual="B({})")


def layer_part(steps: AttentionSteps, layer: Layer) -> dict[str, Any]:
    """Return the cards of what becomes of the heads' contexts."""
    heads, width = steps.contexts.shape
    x = layer.residual.format("x")
    names = [_("head {head}").format(head=head) for head in range(heads)]
    lengths = {
        _("x, narrowed by the bottleneck") if x != "x" else _("x, the layer's input"): steps.residual,
        _("attention output"): steps.projected,
        _("their sum"): steps.added,
        _("after layer norm"): steps.normed,
    }
    return {
        "title": _("How the layer combines the heads"),
        "cards": [
            matrix(
                _("Concatenate all heads"),
                f"c = [c₀ … c{_below(heads - 1)}]",
                f"{heads} × {width} = {heads * width}",
                _("Each head has a context vector of its own. They are concatenated."),
                names,
                steps.contexts,
                "heads",
                "half",
                marked=steps.head,
            ),
            bars(
                _("Project: the contribution of each head"),
                "‖W_O · cₕ‖,  Σ W_O · cₕ" + (" + b" if layer.biased else ""),
                f"{heads * width} → {len(steps.projected)}",
                _(
                    "One matrix mixes the heads. Bars show the length (L2) of each head's contribution to the sum; "
                    "contributions can cancel each other out."
                ),
                names,
                steps.contributions,
                "heads",
                steps.head,
                span="half",
            ),
            bars(
                _("Residual and layer norm"),
                f"{x} + a;  {layer.norm}(x + a) →" if layer.pre_norm else f"{x} + a,  {layer.norm}({x} + a)",
                f"{len(steps.projected)}",
                _(
                    "The attention output is added to the input and does not replace it; the layer norm then brings "
                    "all tokens to a similar length. Bars are lengths (L2)."
                )
                if not layer.pre_norm and steps.norm != "scale"
                else _(
                    "The attention output is added and does not replace anything. In place of a layer norm, this model "
                    "only multiplies each number and adds to it, which costs less. Bars are lengths (L2)."
                )
                if not layer.pre_norm
                else _(
                    "The attention output is added to the input and does not replace it. In this model the sum is "
                    "passed on unchanged; only the feed-forward part reads it through a layer norm. Bars are lengths "
                    "(L2)."
                ),
                list(lengths),
                [float(np.linalg.norm(vector)) for vector in lengths.values()],
                "lengths",
                span="whole",
            ),
        ],
    }


def _below(number: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))

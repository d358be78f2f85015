"""Which heads, layers and tokens there are, and heads that are taken out."""

from collections.abc import Sequence

import numpy as np
import torch

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError


def check_index(name: str, index: int, count: int) -> None:
    """Refuse an index that is not there; ``name`` is what it is an index of."""
    if not (isinstance(index, int | np.integer) and 0 <= index < count):
        raise InputError(
            "There is no {name} {index}: they are numbered from 0 to {last}.", name=name, index=index, last=count - 1
        )


def head_gates(encoder: Encoder, heads: Sequence[tuple[int, int]]) -> torch.Tensor:
    """Return Michel's mask ξ, of shape (layer, head): 0 for the heads given and 1 for all others; see `ablate`."""
    gates = torch.ones(encoder.layers, encoder.heads)
    for layer, head in heads:
        check_index("layer", layer, encoder.layers)
        check_index("head", head, encoder.heads)
        gates[layer, head] = 0
    return gates

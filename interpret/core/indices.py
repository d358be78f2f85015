"""Which heads, layers and tokens there are, heads that are taken out, and tokens that a task head answers for."""

from collections.abc import Sequence

import numpy as np
import torch

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tokens import Tokens


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


def answered_positions(encoder: Encoder, tokens: Tokens) -> list[int] | None:
    """Return the tokens that the task head answers for ([] for the text as a whole), or None if it answers nothing."""
    if encoder.task is None:
        return None
    if encoder.task.of_text:
        return []
    if encoder.task.kind == "token classes":
        return np.flatnonzero(~tokens.special).tolist()
    if encoder.task.kind != "masked words":
        # Of a span its two ends belong together: see `interpret.core.question_answering`.
        return None
    return [i for i, token in enumerate(tokens.strings) if token == encoder.mask] or None

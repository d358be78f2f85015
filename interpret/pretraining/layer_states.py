"""States after each layer, as the model's own head would read them."""

from collections.abc import Sequence

import torch

from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.indices import head_gates
from interpret.core.tap import Tap
from interpret.core.tokens import Tokens


def states_of(encoder: Encoder, tokens: Sequence[Tokens], heads: Sequence[tuple[int, int]] = ()) -> torch.Tensor:
    """Return the states after the embeddings and each layer as the head would read them.

    Their axes are ``(level, text, token, width)``. Where a model normalises states only before they are read
    (`Family.pre_norm`), so are these.
    """
    tap = Tap(encoder.layers, record=False, gates=head_gates(encoder, heads)) if heads else None
    with lock_device(encoder.spec.device, gives_way=True):
        output = encoder.forward(tokens, tap, output_hidden_states=True)
        levels = list(output.hidden_states[:-1])
        if encoder.family.pre_norm:
            with torch.inference_mode():
                levels = [encoder.part(encoder.family.final_norm)(one) for one in levels]
        return torch.stack([*levels, output.last_hidden_state])

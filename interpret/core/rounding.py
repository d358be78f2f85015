"""How far bfloat16 moves what a model says of texts: measured before it is used without being asked for.

bfloat16 keeps 8 bits of a number. On a card that multiplies it, it is two to four times as fast as float32 and takes
half the memory, and how far it moves a model's states depends on the model (outlying units, deep stacks).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.devices import Device
from interpret.core.encoder import Encoder
from interpret.core.heads import mean_states
from interpret.core.windows import windows

# The lowest cosine that is let pass: similarities are shown with two decimals, and half of the last one is not seen.
LEAST_COSINE = 0.995
# Texts that it is measured on, and tokens read of each.
_TEXTS, _TOKENS = 32, 128


@dataclass(frozen=True, eq=False)
class Rounding:
    """How far bfloat16 moves the mean states of some texts.

    Attributes
    ----------
    cosines
        Between each text's mean state in float32 and in bfloat16; level 0 is the embedding output.
    """

    cosines: Float32[np.ndarray, "level text"]

    @property
    def lowest(self) -> float:
        """The lowest of all: with so many texts, one in about as many of others like them lies below it."""
        return float(self.cosines.min())

    @property
    def small(self) -> bool:
        """Whether it is small enough for bfloat16 to be used without being asked for."""
        return self.lowest >= LEAST_COSINE


def fast_precision(device: Device) -> str:
    """Return in which precision long work goes fastest on a device: bfloat16 on cards that multiply it."""
    return "bfloat16" if device.name.startswith("cuda") and "bfloat16" in device.precisions else "float32"


def some_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the texts that it is measured on: they lie evenly among those given."""
    return tuple(texts[index] for index in np.linspace(0, len(texts) - 1, min(_TEXTS, len(texts))).astype(int))


def measure_rounding(exact: Encoder, texts: Sequence[str], rough: Encoder | None = None) -> Rounding:
    """Measure it on the first window of `some_of` the texts.

    Parameters
    ----------
    rough
        The same encoder in bfloat16; None for mixed precision, as training runs use it: weights in float32, products in
        bfloat16.

    Raises
    ------
    InputError
        If a text cannot be read.
    CapacityError
        If the device runs out of memory.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm", "cpu")
    >>> rounding = it.measure_rounding(encoder, ["The bank of the river.", "The court heard the appeal."])
    >>> rounding.cosines.shape  # level text
    (7, 2)
    >>> 0.99 < rounding.lowest < 1, rounding.small
    (True, True)
    """
    most = min(_TOKENS, exact.max_tokens)
    found = []
    for text in some_of(texts):
        tokens = [exact.tokens(windows(exact, text, size=most, overlap=0).first[0].text)]
        with lock_device(exact.spec.device):
            mask = exact.batch(tokens)["attention_mask"]
            states = [mean_states(one, mask) for one in exact.forward(tokens, output_hidden_states=True).hidden_states]
            if rough is None:
                with torch.autocast(torch.device(exact.spec.device).type, torch.bfloat16):
                    moved = exact.forward(tokens, output_hidden_states=True).hidden_states
            else:
                moved = rough.forward(tokens, output_hidden_states=True).hidden_states
            pairs = zip(states, (mean_states(one, mask) for one in moved), strict=True)
            cosines = torch.stack([torch.nn.functional.cosine_similarity(one, other)[0] for one, other in pairs])
            found.append(cosines.cpu().numpy())
    return Rounding(read_only(np.stack(found, axis=1), np.float32))

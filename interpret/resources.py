"""What work will take, predicted before it is begun."""

from math import prod
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from interpret.checkpoint_files import weight_files
from interpret.devices import PRECISIONS
from interpret.errors import CheckpointError


def weights_bytes(folder: Path, precision: str) -> int:
    """Predict the memory of a checkpoint's weights in bytes, from the headers of its files alone."""
    return parameters_in_files(folder) * torch.finfo(PRECISIONS[precision]).bits // 8


def parameters_in_files(folder: Path) -> int:
    """Count the numbers in a checkpoint's safetensors files; task heads that are not loaded are among them.

    Only floating-point tensors count: older files also hold the position ids.
    """
    count = 0
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="np") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - no dictionary
                    tensor = tensors.get_slice(name)
                    if "F" in tensor.get_dtype():
                        count += prod(tensor.get_shape())
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                "The file “{file}” is damaged: {error}. Get it again.", file=str(file), error=str(error)
            ) from error
    return count


def trace_bytes(layers: int, heads: int, width: int, tokens: int) -> int:
    """Predict the host memory of a trace in bytes.

    Weights are ``layers × heads × tokens²`` numbers; queries, keys, values and contexts ``4 × layers × tokens ×
    width``; hidden states ``(layers + 1) × tokens × width``; all in float32.
    """
    return 4 * (layers * heads * tokens**2 + (5 * layers + 1) * tokens * width)

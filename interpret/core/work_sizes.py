"""What work will take, predicted before it is begun."""

from math import prod
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from interpret.core.checkpoint_files import weight_files
from interpret.core.devices import PRECISIONS, find_device
from interpret.core.errors import CheckpointError


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


def trace_bytes(layers: int, heads: int, width: int, tokens: int, biased: bool = False) -> int:
    """Predict the host memory of a trace in bytes.

    Weights are ``layers × heads × tokens²`` numbers, and as many where scores have an addend of relative positions
    (``biased``); queries, keys, values and contexts ``4 × layers × tokens × width``; hidden states ``(layers + 1) ×
    tokens × width``; all in float32.
    """
    return 4 * ((2 if biased else 1) * layers * heads * tokens**2 + (5 * layers + 1) * tokens * width)


def tokens_per_batch(device: str, width: int) -> int:
    """Choose how many tokens, padding among them, go into one batch of a long job.

    On a processor 512 tokens for each thread, and 2,048 at most, keep its cores busy and its caches warm (measured on
    two cores, the built-in model, texts of 16 and 240 tokens: twice as many are no faster, half as many 0 and 16 %
    slower), and whoever else wants it does not wait long. On a GPU it is what a fortieth of the free memory holds at
    200 numbers per token and unit of width, which covers the widest layer and all hidden states of a model of 24
    layers.
    """
    if device == "cpu":
        return min(512 * torch.get_num_threads(), 2048)
    return int(np.clip(find_device(device).free // 40 // (200 * width), 2048, 262_144))


def tokens_with_gradients(device: str, layers: int, width: int) -> int:
    """Choose how many tokens go through a model together where gradients are taken with respect to its inputs.

    A quarter of the free memory holds them at 24 numbers per token, layer and unit of width (measured on the built-in
    model: 9 of 128 tokens a text, 16 of 512). On a processor more than 1,024 are no faster, and take more.
    """
    fit = find_device(device).free // 4 // (24 * 4 * layers * width)
    return int(np.clip(fit, 1, 1024 if device == "cpu" else 65_536))

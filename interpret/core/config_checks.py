"""What a ``config.json`` says against what its weights are, before anything is made of the size that it names."""

import math
from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from transformers import AutoModel

from interpret.core.characters import beginning
from interpret.core.errors import CheckpointError

# No published encoder has as many layers. Each is made, which takes time, before its weights are looked for.
MOST_LAYERS = 1024
# Of a count of anything else that is made one by one: heads, experts, networks within a layer.
_MOST_PARTS = 4096
# How many times as large a model may be as its files: a part that is missing in them is left out, or said.
_TIMES, _AT_LEAST = 3, 1 << 20


def check_config(config: Any, name: str) -> None:
    """Refuse values that no model can have, and set aside what changes nothing that a model computes.

    Raises
    ------
    CheckpointError
        If a probability is none, a number is not finite, or more parts are asked for than any model has.
    """
    # In how many parts a layer works, for memory's sake: the sums are the same.
    config.chunk_size_feed_forward = 0
    for field, value in config.to_dict().items():
        if isinstance(value, float) and not math.isfinite(value):
            raise _refused(field, value, name)
        if field.endswith(("dropout", "dropout_prob")) and isinstance(value, int | float) and not 0 <= value <= 1:
            raise _refused(field, value, name)
        if not isinstance(value, int) or isinstance(value, bool) or not field.startswith(("num_", "n_", "inner_")):
            continue
        most = MOST_LAYERS if "layer" in field else _MOST_PARTS
        if value > most and field != "num_labels":
            raise _refused(field, value, name)


def check_size(config: Any, parameters: int, name: str) -> None:
    """Refuse a config that describes a far larger model than its files hold.

    The model is made without its numbers, which takes a fiftieth of a second and no memory.

    Parameters
    ----------
    parameters
        How many numbers the files hold.

    Raises
    ------
    CheckpointError
        If it is larger, or cannot be made.
    """
    try:
        with torch.device("meta"):
            model = AutoModel.from_config(config)
        described = sum(one.numel() for one in chain(model.parameters(), model.buffers()))
    except Exception as error:  # whatever sizes that do not go together make transformers raise
        raise CheckpointError(
            "No model can be made as the config.json of “{name}” describes it: {error}. Get the file again.",
            name=name,
            error=beginning(str(error) or type(error).__name__, 300),
        ) from error
    if described > _TIMES * parameters + _AT_LEAST:
        raise CheckpointError(
            "The config.json of “{name}” describes a larger model than its weights are (parameters: {described} "
            "against {parameters}). Check that the two belong together.",
            name=name,
            described=described,
            parameters=parameters,
        )


def check_finite(tensors: Mapping[str, torch.Tensor], name: str) -> None:
    """Refuse weights that are not all numbers: all that is computed with them would be none.

    Raises
    ------
    CheckpointError
        If one is infinite or NaN; as many training runs end that diverged.
    """
    for key, tensor in tensors.items():
        # A sum reads each number once, and keeps nothing; only where it is none has one of them to be looked for.
        total = tensor.sum(dtype=torch.float32) if tensor.is_floating_point() else torch.zeros(())
        if not total.isfinite() and not tensor.isfinite().all():
            raise CheckpointError(
                "The weights of “{name}” are not all finite: “{first}” holds infinite values or NaN. A training that "
                "diverged leaves such weights: choose an earlier checkpoint.",
                name=name,
                first=beginning(key, 200),
            )


def _refused(field: str, value: object, name: str) -> CheckpointError:
    return CheckpointError(
        "The config.json of “{name}” says {value} for “{field}”, which no model can have. Get the file again.",
        name=name,
        field=beginning(field, 80),
        value=beginning(str(value), 40),
    )

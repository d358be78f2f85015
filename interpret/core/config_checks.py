"""What a ``config.json`` says against what its weights are, before anything is made of the size that it names."""

import copy
import math
from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from transformers import AutoModel

from interpret.core.characters import beginning
from interpret.core.errors import CheckpointError

# No published encoder has as many layers. Each is made, which takes time, before its weights are looked for.
_MOST_LAYERS = 1024
# Of anything else that is made, or gone through, one by one.
_MOST_PARTS = 4096
_COUNTS = {
    **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layers", "n_layer"), _MOST_LAYERS),
    **dict.fromkeys(("num_attention_heads", "num_key_value_heads", "n_heads", "n_head"), _MOST_PARTS),
    **dict.fromkeys(("inner_group_num", "num_hidden_groups", "num_feedforward_networks", "num_experts"), _MOST_PARTS),
}
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
    given = config.to_dict()
    # What training scripts and others leave there beside is nobody's business here.
    for field in sorted({*type(config)().to_dict(), *_COUNTS} & set(given)):
        value = given[field]
        # X-MOD has a part of each layer for each of its languages.
        count = len(value) if field == "languages" and isinstance(value, list | tuple) else value
        if isinstance(count, bool) or not isinstance(count, int | float):
            continue
        if isinstance(count, float) and not math.isfinite(count):
            raise _refused(field, value, name)
        if field.endswith(("dropout", "dropout_prob")) and not 0 <= count <= 1:
            raise _refused(field, value, name)
        if count > _COUNTS.get(field, _MOST_PARTS if field == "languages" else math.inf):
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
            # As slow, and as little dependent on what is installed, as attention can be.
            model = AutoModel.from_config(copy.deepcopy(config), attn_implementation="eager")
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


def check_finite(tensors: Mapping[str, torch.Tensor], name: str, infinite: bool = False) -> None:
    """Refuse weights that are not all numbers: all that is computed with them would be none.

    Parameters
    ----------
    infinite
        Whether they may be infinite, as heads have it where an answer is never to be given.

    Raises
    ------
    CheckpointError
        If one is infinite or NaN; as many training runs end that diverged.
    """
    for key, tensor in tensors.items():
        # A sum reads each number once, and keeps nothing; only where it is none has one of them to be looked for.
        if not tensor.is_floating_point():
            continue
        # Numbers of eight bits have no sum of their own.
        numbers = tensor.float() if tensor.element_size() == 1 else tensor
        if numbers.sum(dtype=torch.float32).isfinite():
            continue
        if numbers.isnan().any() or not (infinite or numbers.isfinite().all()):
            raise CheckpointError(
                "The weights of “{name}” are not all finite: “{first}” holds infinite values or NaN. A training that "
                "diverged leaves such weights, and so does float16 where they are large: choose an earlier checkpoint, "
                "or float32.",
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

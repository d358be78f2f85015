"""A model's shape without its weights: of a published size, of a folder, of the hub, or from a file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from transformers import CONFIG_MAPPING, BertConfig, DistilBertConfig, ModernBertConfig, PretrainedConfig, RobertaConfig

from interpret.core.checkpoint_files import read_config, transformer_folder
from interpret.core.checkpoints import BUILT_IN, BUILT_INS, adapter_base, checkpoint_folder, find_checkpoint
from interpret.core.config_checks import check_config
from interpret.core.errors import CheckpointError
from interpret.core.families import find_family
from interpret.core.hub import config_file, is_hub_id
from interpret.core.peft_adapters import is_adapter

# What screens call it, which know no transformers.
Config = PretrainedConfig
# Of an uploaded one. The largest on the hub, with the names of a thousand labels, have 50 kB.
MOST_BYTES = 2_000_000
# No published encoder has half as many; each takes a fiftieth of a second to count.
MOST_LAYERS = 128
_LAYERS = ("num_hidden_layers", "num_layers", "n_layers", "n_layer")
_LEFT_OUT = ("id2label", "label2id", "num_labels", "_num_labels", "quantization_config")
_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}


def _small(layers: int, width: int) -> dict[str, int]:
    return {
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": width // 64,
        "intermediate_size": 4 * width,
    }


# Devlin et al. 2019, section 3; Turc et al. 2019, table 1; Liu et al. 2019; Sanh et al. 2019; Warner et al. 2024, table
# 4. Positions are as many as these were trained with.
_SHAPES: Mapping[str, tuple[type[PretrainedConfig], Mapping[str, Any]]] = {
    "bert-tiny": (BertConfig, _small(2, 128)),
    "bert-mini": (BertConfig, _small(4, 256)),
    "bert-small": (BertConfig, _small(4, 512)),
    "bert-base": (BertConfig, {}),
    "bert-large": (BertConfig, _LARGE),
    "roberta-base": (RobertaConfig, {"max_position_embeddings": 514}),
    "roberta-large": (RobertaConfig, {"max_position_embeddings": 514, **_LARGE}),
    "distilbert-base": (DistilBertConfig, {}),
    "modernbert-base": (ModernBertConfig, {}),
    "modernbert-large": (
        ModernBertConfig,
        {"hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16, "intermediate_size": 2624},
    ),
    # The shape of a base model, with as many positions as an article of summarisation has.
    "bert-base-1024": (BertConfig, {"max_position_embeddings": 1024}),
}
# The names of published shapes.
SHAPES = tuple(_SHAPES)


def find_config(name: str = BUILT_IN, revision: str | None = None, local: bool = True) -> PretrainedConfig:
    """Return a model's config, without its weights.

    Parameters
    ----------
    name
        One of `SHAPES`; a built-in model; the path of a folder with a ``config.json``; or a hub id, of which that one
        file is fetched.
    revision
        A branch, tag or commit of a hub id.
    local
        False never takes a name for a folder's: for names from people who may not see this machine's files.

    Raises
    ------
    CheckpointError
        If there is none, or it is damaged, or of an architecture that Bertoscope does not read.

    Examples
    --------
    >>> from interpret.resources import find_config
    >>> find_config("bert-large").num_hidden_layers
    24
    >>> find_config("minilm").hidden_size
    384
    """
    if name in _SHAPES:
        kind, changes = _SHAPES[name]
        return kind(**changes)
    folder = Path(name).expanduser()
    if name in BUILT_INS:
        folder = checkpoint_folder(find_checkpoint(name))
    elif local and name and folder.is_dir():
        if is_adapter(folder):
            return find_config(adapter_base(folder).name)
        folder = transformer_folder(folder, str(folder))
    elif is_hub_id(name):
        folder = config_file(name, revision).parent
    else:
        raise CheckpointError(
            "“{name}” is neither a folder on this machine nor a Hub ID. A Hub ID looks like "
            "“google-bert/bert-base-uncased”.",
            name=name,
        )
    return _made(read_config(folder, name)[0], name)


def read_config_file(content: bytes, name: str) -> PretrainedConfig:
    r"""Return the config that a ``config.json`` describes.

    Raises
    ------
    CheckpointError
        If it is damaged, too large, or of an architecture that Bertoscope does not read.

    Examples
    --------
    >>> from interpret.resources import read_config_file
    >>> read_config_file(b'{"model_type": "bert", "hidden_size": 128}', "config.json").vocab_size
    30522
    """
    if len(content) > MOST_BYTES:
        raise CheckpointError(
            "“{name}” has {size} MB; a config.json has {most} MB at most. Choose the model's config.json.",
            name=name,
            size=f"{len(content) / 1e6:.1f}",
            most=f"{MOST_BYTES / 1e6:g}",
        )
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            "“{name}” is no JSON: {error}. Choose the model's config.json.", name=name, error=str(error)
        ) from error
    if not isinstance(given, dict):
        raise CheckpointError("“{name}” is not a JSON object. Choose the model's config.json.", name=name)
    return _made(given, name)


def _made(given: Mapping[str, Any], name: str) -> PretrainedConfig:
    find_family(given, name)
    _check_counts(given, name)
    # A label is a row of the head's weights; of labels' names there may be any number.
    plain = {key: one for key, one in given.items() if key not in _LEFT_OUT}
    try:
        config = CONFIG_MAPPING[given["model_type"]].from_dict(plain)
        # As numbers, or what is made of it fails later, and with other words.
        sizes = [int(one) for one in (config.hidden_size, config.num_hidden_layers, config.num_attention_heads)]
        sizes.append(int(config.vocab_size))
    except Exception as error:  # whatever damaged files make transformers raise
        raise CheckpointError(
            "The config.json of “{name}” cannot be read: {error}. Get the file again.",
            name=name,
            error=(str(error) or type(error).__name__).splitlines()[0],
        ) from error
    check_config(config, name)
    if min(sizes) < 1:
        raise CheckpointError(
            "The config.json of “{name}” describes a model without layers, heads, width or words. Get the file again.",
            name=name,
        )
    return config


def _check_counts(given: Mapping[str, Any], name: str) -> None:
    """Refuse more layers than are made in a moment, before anything is made of them."""
    found = {key: one for key, one in given.items() if isinstance(one, int | float)}
    layers = max((float(found.get(key, 1)) for key in _LAYERS), default=1.0)
    inside = float(found.get("num_hidden_groups", 1)) * float(found.get("inner_group_num", 1))
    if not max(layers, inside, layers * float(found.get("inner_group_num", 1))) <= MOST_LAYERS:
        raise CheckpointError(
            "The config.json of “{name}” describes more than {most} layers, which are not counted. Choose another "
            "model.",
            name=name,
            most=MOST_LAYERS,
        )


def longest(config: PretrainedConfig) -> int | None:
    """Return how many tokens a text may have; None where positions are no limit.

    Examples
    --------
    >>> from interpret.resources.configs import find_config, longest
    >>> longest(find_config("roberta-base")), longest(find_config("modernbert-base"))
    (512, None)
    """
    family, positions = find_family(config.to_dict(), config.model_type), getattr(config, "max_position_embeddings", 0)
    # Positions that are rotated, or only relative, go on for ever.
    only_relative = family.relative and not getattr(config, "position_biased_input", True)
    if family.rotary or only_relative or not positions:
        return None
    # RoBERTa and those after it count from behind the padding's position.
    return int(positions) - ((config.pad_token_id or 0) + 1 if family.after_padding else 0)


def shape_digest(config: PretrainedConfig) -> str:
    """Return what tells a config from any other."""
    return hashlib.sha256(config.to_json_string(use_diff=False).encode()).hexdigest()


def shape_facts(config: PretrainedConfig) -> Mapping[str, int]:
    """Return what a shape is known by: ``layers``, ``width``, ``heads`` and ``words``.

    Examples
    --------
    >>> from interpret.resources import find_config, shape_facts
    >>> dict(shape_facts(find_config("bert-base")))
    {'layers': 12, 'width': 768, 'heads': 12, 'words': 30522}
    """
    return MappingProxyType(
        {
            "layers": int(config.num_hidden_layers),
            "width": int(config.hidden_size),
            "heads": int(config.num_attention_heads),
            "words": int(config.vocab_size),
        }
    )

"""The files of a sentence-transformers folder: which modules there are, and what they do."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from safetensors.torch import load_file

from interpret.core.arrays import read_only
from interpret.core.checkpoint_files import module_kind, not_understood, read_modules, unreadable
from interpret.core.config_checks import check_finite
from interpret.core.errors import CheckpointError
from interpret.core.regular_files import read_regular
from interpret.core.sentence_pipeline import (
    ACTIVATIONS,
    POOLING_MODES,
    SIMILARITIES,
    Dense,
    LayerNorm,
    Normalize,
    SentenceModel,
)

_WHOLE = "config_sentence_transformers.json"
_TRANSFORMER = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
)
# What the configs of the pooling called its modes before they had a name each.
_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_SENTENCE = "sentence_embedding"


def cross_encoder(folder: Path, name: str) -> dict[str, Any]:
    """Return what a cross-encoder's folder says of itself, by the name that older ones have it in their config.json.

    Empty for other folders.
    """
    whole = _json(folder / _WHOLE, name)
    return {"sentence_transformers": whole} if whole.get("model_type") == "CrossEncoder" else {}


def read_sentence(folder: Path, name: str) -> SentenceModel | None:
    """Read how a folder's model makes sentence vectors; None where the folder does not say.

    Cross-encoders, sparse and multi-vector encoders, whose folders look alike, make none.

    Raises
    ------
    CheckpointError
        If a file cannot be read, or a module is one that is not understood: its vectors would be other ones.
    """
    modules = read_modules(folder, name)
    whole = _json(folder / _WHOLE, name)
    if len(modules) < 2 or whole.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        return None
    (_first, root), *others = modules
    kinds = [module_kind(kind) for kind, _path in modules]
    for (kind, _path), known in zip(modules, kinds, strict=True):
        if known is None:
            raise not_understood(kind, name)
    if kinds[0] != "Transformer" or kinds[1] != "Pooling" or kinds.count("Pooling") + kinds.count("Transformer") > 2:
        raise not_understood(" → ".join(str(kind) for kind in kinds), name)
    pooling = _json(folder / others[0][1] / "config.json", name, needed=True)
    steps = [
        step
        for kind, (_type, path) in zip(kinds[2:], others[1:], strict=True)
        if (step := _step(str(kind), folder / path, name)) is not None
    ]
    reading = next((found for file in _TRANSFORMER if (found := _json(folder / root / file, name))), {})
    given, dimension = whole.get("prompts") or {}, whole.get("truncate_dim")
    if not isinstance(given, dict) or not (dimension is None or (isinstance(dimension, int) and dimension > 0)):
        raise unreadable(_WHOLE, name, ValueError("prompts or truncate_dim"))
    prompts = {str(one): str(text or "") for one, text in given.items()}
    default = whole.get("default_prompt_name")
    if default is not None and default not in prompts:
        raise CheckpointError(
            "“{name}” puts the prompt “{prompt}” before every text, but its config_sentence_transformers.json has no "
            "prompt of that name. Get the file again.",
            name=name,
            prompt=str(default),
        )
    similarity = whole.get("similarity_fn_name")
    return SentenceModel(
        pooling=_modes(pooling, name),
        steps=tuple(steps),
        include_prompt=bool(pooling.get("include_prompt", True)),
        prompts=MappingProxyType(prompts),
        default_prompt=default,
        max_length=_max_length(reading, folder / root, name),
        lower_case=bool(reading.get("do_lower_case", False)),
        similarity=similarity if similarity in SIMILARITIES else "cosine",
        dimension=dimension,
    )


def _modes(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = config.get("pooling_mode")
    if given is None:
        # With all switches off, as with none there, sentence-transformers takes the mean.
        given = [mode for switch, mode in _SWITCHES.items() if config.get(switch)] or ["mean"]
    modes = (given,) if isinstance(given, str) else tuple(str(one) for one in given)
    unknown = [one for one in modes if one not in POOLING_MODES]
    unknown += [one for one in config if one.startswith("pooling_mode_") and config[one] and one not in _SWITCHES]
    if unknown:
        raise not_understood(f"Pooling ({unknown[0]})", name)
    return modes


def _step(kind: str, folder: Path, name: str) -> Dense | LayerNorm | Normalize | None:
    # Dropout does nothing in a model that is not trained.
    if kind == "Dropout":
        return None
    config = _json(folder / "config.json", name, needed=kind != "Normalize")
    sides = (config.get("module_input_name") or _SENTENCE, config.get("module_output_name") or _SENTENCE)
    if sides != (_SENTENCE, _SENTENCE):
        raise not_understood(f"{kind} ({sides[0]} → {sides[1]})", name)
    if kind == "Normalize":
        return Normalize()
    weights = _weights(folder, name)
    try:
        if kind == "LayerNorm":
            return LayerNorm(weights["norm.weight"], weights["norm.bias"])
        return _dense(config, weights, name)
    except KeyError as error:
        raise unreadable(f"{folder.name}/model.safetensors", name, error) from error


def _dense(config: Mapping[str, Any], weights: Mapping[str, np.ndarray], name: str) -> Dense:
    path = str(config.get("activation_function") or "torch.nn.modules.activation.Tanh")
    activation = path.rpartition(".")[2]
    if not path.startswith("torch.nn.") or activation not in ACTIVATIONS:
        raise not_understood(f"Dense ({path})", name)
    weight = weights["linear.weight"]
    bias = weights["linear.bias"] if config.get("bias", True) else np.zeros(len(weight), np.float32)
    residual = None
    if config.get("use_residual"):
        residual = weights["residual.weight"] if len(set(weight.shape)) > 1 else np.eye(len(weight), dtype=np.float32)
    return Dense(weight, read_only(bias), activation, None if residual is None else read_only(residual))


def _weights(folder: Path, name: str) -> dict[str, np.ndarray]:
    file = folder / "model.safetensors"
    if not file.is_file():
        raise CheckpointError(
            "“{name}” has no model.safetensors for its module “{module}”. Pickles can run code when they are opened, "
            "so they are not loaded: save the model again with a newer sentence-transformers.",
            name=name,
            module=folder.name,
        )
    try:
        tensors = load_file(file)
        check_finite(tensors, name)
        return {key: read_only(value.float().numpy()) for key, value in tensors.items()}
    except CheckpointError:
        raise
    except Exception as error:  # whatever damaged files make their reader raise
        raise unreadable(f"{folder.name}/model.safetensors", name, error) from error


def _max_length(config: Mapping[str, Any], folder: Path, name: str) -> int | None:
    """Return how many tokens sentence-transformers reads of a text; None where nothing says."""
    tokenizer = _json(folder / "tokenizer_config.json", name)
    options = config.get("processor_kwargs") or config.get("tokenizer_args") or {}
    configured = (config.get("processing_kwargs") or {}).get("text") or {}
    for given in (
        configured.get("max_length"),
        options.get("model_max_length"),
        config.get("max_seq_length"),
        tokenizer.get("model_max_length"),
    ):
        # Tokenizers without a limit have one of 1e30.
        if isinstance(given, int | float) and 0 < given < 1e9:
            return int(given)
    return None


def _json(file: Path, name: str, needed: bool = False) -> dict[str, Any]:
    if not needed and not file.is_file():
        return {}
    try:
        found = json.loads(read_regular(file))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable("/".join(file.parts[-2:]), name, error) from error
    return found

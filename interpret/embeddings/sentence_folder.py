"""An encoder written as sentence-transformers reads it: with its pooling and all that follows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import transformers as tf
from safetensors.numpy import save_file

from interpret.core.checkpoint_files import quiet
from interpret.core.checkpoints import Checkpoint, checkpoint_folder, find_checkpoint, whole_folder
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import read_vocabulary
from interpret.core.errors import InputError
from interpret.core.sentence_files import read_sentence
from interpret.core.sentence_pipeline import POOLING_MODES, Dense, LayerNorm, Normalize, SentenceModel
from interpret.core.sentence_vectors import sentence_reading

_MODULE = "sentence_transformers.models."
# What a mode's switch is called, where that is not “pooling_mode_” and its name.
_SWITCHES = {
    "cls": "cls_token",
    "max": "max_tokens",
    "mean": "mean_tokens",
    "weightedmean": "weightedmean_tokens",
}


def save_sentence_transformer(
    encoder: Encoder, folder: str | Path, like: str | Checkpoint | None = None
) -> SentenceModel:
    """Write an encoder as a folder that ``SentenceTransformer(folder)`` opens, and that gives the same vectors there.

    A head, such as a classifier's, is left out. What is written beside the encoder is its pooling, dense layers,
    normalisation, prompts and the most tokens that are read.

    Parameters
    ----------
    folder
        Where; it must not exist, or be empty.
    like
        The model of which pooling and the rest are taken, such as the one that this was fine-tuned from, whose folder
        says them; None for the encoder's own. Where neither says any it is the mean of all tokens.

    Returns
    -------
    How texts become vectors there.

    Raises
    ------
    InputError
        If the folder holds something, or the other model's pooling does not fit this one's states.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = it.embeddings.save_sentence_transformer(encoder, Path(folder) / "mine")
    ...     sorted(path.name for path in (Path(folder) / "mine").iterdir())[:3]
    ['1_Pooling', '2_Normalize', 'config.json']
    >>> written.pooling, written.max_length
    (('mean',), 256)
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError("“{name}” is no empty folder. Name another one.", name=str(folder))
    sentence = _sentence_of(encoder, like)
    if not sentence.fits(encoder.width):
        raise InputError(
            "What makes sentence vectors in “{name}” does not fit hidden states of {width} numbers. Choose the model "
            "that this one was fine-tuned from.",
            name=str(like),
            width=encoder.width,
        )
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = encoder.spec.checkpoint
    tokenizer = tf.AutoTokenizer.from_pretrained(checkpoint_folder(checkpoint), local_files_only=True)
    # Whether it reads in lower case is said beside a folder's tokenizer; here it is the tokenizer's own.
    tokenizer.backend_tokenizer.normalizer = read_vocabulary(checkpoint).tokenizer.normalizer
    tokenizer.save_pretrained(folder)
    with quiet(), lock_device(encoder.spec.device):
        encoder.model.save_pretrained(folder)
    _write_modules(sentence, encoder.width, folder)
    return sentence


def _sentence_of(encoder: Encoder, like: str | Checkpoint | None) -> SentenceModel:
    if like is None:
        return encoder.sentence or sentence_reading(encoder, "mean").model.within(encoder.max_tokens)
    checkpoint = find_checkpoint(like) if isinstance(like, str) else like
    found = read_sentence(whole_folder(checkpoint), checkpoint.name)
    return (found or SentenceModel()).within(encoder.max_tokens)


def _write_modules(sentence: SentenceModel, width: int, folder: Path) -> None:
    """Write which modules there are, and what each does."""
    modules = [("Transformer", ""), ("Pooling", "1_Pooling")]
    pooling: dict[str, Any] = {"include_prompt": sentence.include_prompt}
    if sentence.pooling == tuple(mode for mode in POOLING_MODES if mode in sentence.pooling):
        # As all versions read it.
        pooling |= {"word_embedding_dimension": width}
        pooling |= {f"pooling_mode_{_SWITCHES.get(mode, mode)}": mode in sentence.pooling for mode in POOLING_MODES}
    else:
        # Another order of several is known to versions from 5.4 on alone.
        pooling |= {"embedding_dimension": width, "pooling_mode": list(sentence.pooling)}
    _write(folder / "1_Pooling/config.json", pooling)
    for number, step in enumerate(sentence.steps, 2):
        kind = type(step).__name__
        path = folder / f"{number}_{kind}"
        modules.append((kind, path.name))
        path.mkdir()
        if isinstance(step, Dense):
            _write_dense(step, path)
        elif isinstance(step, LayerNorm):
            _write(path / "config.json", {"dimension": len(step.weight)})
            _save({"norm.weight": step.weight, "norm.bias": step.bias}, path)
        else:
            assert isinstance(step, Normalize)
            _write(path / "config.json", {})
    _write(
        folder / "modules.json",
        [
            {"idx": index, "name": str(index), "path": path, "type": _MODULE + kind}
            for index, (kind, path) in enumerate(modules)
        ],
    )
    _write(folder / "sentence_bert_config.json", {"max_seq_length": sentence.max_length, "do_lower_case": False})
    whole: dict[str, Any] = {
        "model_type": "SentenceTransformer",
        "prompts": dict(sentence.prompts),
        "default_prompt_name": sentence.default_prompt,
        "similarity_fn_name": sentence.similarity,
    }
    if sentence.dimension is not None:
        whole["truncate_dim"] = sentence.dimension
    _write(folder / "config_sentence_transformers.json", whole)


def _write_dense(step: Dense, path: Path) -> None:
    wide, narrow = step.weight.shape[1], step.weight.shape[0]
    config: dict[str, Any] = {"in_features": wide, "out_features": narrow, "bias": True}
    config["activation_function"] = f"torch.nn.modules.{_module_of(step.activation)}.{step.activation}"
    weights = {"linear.weight": step.weight, "linear.bias": step.bias}
    if step.residual is not None:
        config["use_residual"] = True
        if wide != narrow:
            weights["residual.weight"] = step.residual
    _write(path / "config.json", config)
    _save(weights, path)


def _module_of(activation: str) -> str:
    return "linear" if activation == "Identity" else "activation"


def _write(file: Path, content: Mapping[str, Any] | list[Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, indent=2), "utf-8")


def _save(weights: Mapping[str, np.ndarray], path: Path) -> None:
    save_file({name: np.ascontiguousarray(one) for name, one in weights.items()}, path / "model.safetensors")

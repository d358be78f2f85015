"""Built-in models that are put together once, and kept in the cache as a folder like anybody's."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from safetensors.numpy import save_file

from interpret.core.checkpoint_files import LOADING, check_files
from interpret.core.errors import CheckpointError
from interpret.core.files import cache_folder


def assembled_folder(name: str, revision: str, assemble: Callable[[Path], None], most: int | None = None) -> Path:
    """Return the folder of a built-in model, or of one merged from two, which is assembled where it is not there yet.

    Parameters
    ----------
    name
        The model's name, and what its folder is called.
    revision
        A digest of what it is made from: another one has another folder.
    assemble
        Writes the model's files into the folder that it is given, which need not exist.
    most
        How many folders of this name are kept, those that were used last; None for all.

    Raises
    ------
    CheckpointError
        If it cannot be made.
    """
    kept = cache_folder() / "models" / f"{name}-{revision[:12]}"
    try:
        if not kept.is_dir():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with LOADING, tempfile.TemporaryDirectory(prefix=f".{name}-", dir=kept.parent) as folder:
                made = Path(folder) / kept.name
                assemble(made)
                # In one step, so that a folder of this name is whole.
                os.replace(made, kept)
        if most is not None:
            os.utime(kept)
            _give_up(name, kept.parent, most)
    except OSError as error:
        # Another process, or thread, may have been as far a moment ago; its folder is the same.
        if not kept.is_dir():
            raise CheckpointError(
                "The model “{name}” is assembled once and kept in “{folder}”, but that folder cannot be "
                "written to: {error}. Free some disk space, or name another folder in BERTOSCOPE_CACHE.",
                name=name,
                folder=str(kept.parent),
                error=str(error.strerror or error),
            ) from error
    check_files((file.name for file in kept.iterdir()), name)
    return kept


def _give_up(name: str, folder: Path, most: int) -> None:
    """Remove those of a name that were not used for the longest; what reads one of them has it in memory."""
    found = sorted(folder.glob(f"{name}-*"), key=lambda one: one.stat().st_mtime, reverse=True)
    for one in found[most:]:
        shutil.rmtree(one, ignore_errors=True)


def write_sentence_model(
    folder: Path,
    tensors: Mapping[str, Float32[np.ndarray, "..."]],
    config: Mapping[str, Any],
    tokenizer_config: Mapping[str, Any],
    most: int,
    sentences: Mapping[str, Any],
    normalised: bool,
    readme: str,
) -> None:
    """Write a BERT with mean pooling as a folder of sentence-transformers, all but its tokenizer.

    Parameters
    ----------
    tensors
        By their names in transformers' ``BertModel``.
    config, tokenizer_config, sentences
        What ``config.json`` says but that it is a BERT, what ``tokenizer_config.json`` says, and what
        ``config_sentence_transformers.json`` does.
    most
        The most tokens that a sentence vector is made of.
    normalised
        Whether vectors are brought to length 1.
    """
    folder.mkdir()
    save_file(dict(tensors), folder / "model.safetensors", {"format": "pt"})
    (folder / "README.md").write_text(readme, "utf-8")
    steps = [("Transformer", ""), ("Pooling", "1_Pooling"), *([("Normalize", "2_Normalize")] if normalised else [])]
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (kind, path) in enumerate(steps)
    ]
    for name, content in {
        "config.json": {"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu"} | dict(config),
        "tokenizer_config.json": tokenizer_config,
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": most, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": config["hidden_size"],
            "pooling_mode_mean_tokens": True,
        },
        "config_sentence_transformers.json": sentences,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2), "utf-8")

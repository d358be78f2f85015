"""A linear head as files: its numbers as safetensors, its words as JSON."""

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.files import write_whole
from interpret.core.linear_head import LinearHead
from interpret.core.saved_values import BROKEN, as_object, number
from interpret.core.sentence_vectors import sentence_reading

_NUMBERS, _WORDS = "head.safetensors", "head.json"


def write_head(folder: Path, head: LinearHead) -> None:
    """Write a head to a folder; how good it is, which is measured where it is fitted, is not written."""
    save_file({"weight": np.array(head.weight), "bias": np.array(head.bias)}, folder / _NUMBERS)
    about = {
        "labels": list(head.labels),
        "out_of_fold": dict(head.out_of_fold),
        "out_of_fold_probabilities": {key: list(some) for key, some in head.out_of_fold_probabilities.items()},
    }
    write_whole(folder / _WORDS, json.dumps(about, ensure_ascii=False))


def read_head(folder: Path, encoder: Encoder) -> LinearHead | None:
    """Read the head of a folder; None where there is none.

    Raises
    ------
    InputError
        If its files are damaged, or are not of this encoder.
    """
    if not (folder / _WORDS).exists():
        return None
    model = sentence_reading(encoder, prompt="").model
    try:
        arrays, about = load_file(folder / _NUMBERS), as_object((folder / _WORDS).read_bytes())
        labels = tuple(str(one) for one in about["labels"])
        weight, bias = arrays["weight"], arrays["bias"]
        if weight.shape != (len(labels), model.width(encoder.width)) or bias.shape != (len(labels),):
            raise ValueError(f"{weight.shape} numbers for {len(labels)} classes")
        out_of_fold = {str(key): str(one) for key, one in about["out_of_fold"].items()}
        kept = about["out_of_fold_probabilities"]
        chances = {str(key): tuple(number(one, 0.0, 1.0) for one in some) for key, some in kept.items()}
        if any(len(some) != len(labels) for some in chances.values()):
            raise ValueError(f"probabilities that are not of {len(labels)} classes")
    except (*BROKEN, SafetensorError) as error:
        raise InputError(
            "The classifier in “{folder}” is damaged: {error}. Delete it and fit it again.",
            folder=folder.name,
            error=str(error)[:200],
        ) from error
    return LinearHead(labels, weight, bias, out_of_fold, sentence=model, out_of_fold_probabilities=chances)

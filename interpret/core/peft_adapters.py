"""Folders of PEFT: a set of changes to another model, opened over it.

Hu et al. (2021), LoRA, https://arxiv.org/abs/2106.09685; the format is that of `peft.PeftModel.save_pretrained`.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from interpret.core.assembled_models import assembled_folder
from interpret.core.checkpoint_files import quiet, transformer_folder, weight_files
from interpret.core.errors import CheckpointError
from interpret.core.extras import needed_for

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# By the task that PEFT was told of, the class of transformers that has its head. What it was not told of has none.
_CLASSES = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "FEATURE_EXTRACTION": "AutoModel",
}
# What heads of classes end in: the dense layer whose rows are the classes.
_HEADS = ("classifier.weight", "classifier.out_proj.weight", "score.weight")
# Each merged model is as large as its base, and an adapter that is trained further is another one.
_MOST_KEPT = 4
# What of an adapter's folder is newer than the base's.
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "added_tokens.json")


def is_adapter(folder: Path) -> bool:
    """Tell whether a folder holds an adapter with its weights."""
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()


def read_adapter(folder: Path, name: str) -> dict[str, Any]:
    """Return what an adapter's config says.

    Raises
    ------
    CheckpointError
        If it cannot be read, does not say what it changes, or is of a kind that is no encoder's.
    """
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        base, task = config.get("base_model_name_or_path"), config.get("task_type")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            "The {file} of “{name}” cannot be read: {error}. Get the file again.",
            file=CONFIG,
            name=name,
            error=str(error),
        ) from error
    if not base or not isinstance(base, str):
        raise CheckpointError(
            "The PEFT adapter “{name}” does not say which model it changes (base_model_name_or_path). Write its name "
            "into {file}.",
            name=name,
            file=CONFIG,
        )
    if task is not None and task not in _CLASSES:
        raise CheckpointError(
            "The PEFT adapter “{name}” is for the task {task}, which is not supported. Supported are: {known}.",
            name=name,
            task=str(task),
            known=", ".join(_CLASSES),
        )
    return dict(config)


def adapted_folder(folder: Path, name: str, base: Path, revision: str) -> Path:
    """Return a folder with the whole model, merged once from an adapter and the model that it changes, and kept.

    Parameters
    ----------
    folder
        The adapter's.
    name
        What the reader calls it.
    base
        The folder of the model that it changes.
    revision
        Tells this adapter on this model from any other.

    Raises
    ------
    CheckpointError
        If the two do not fit, or the folder cannot be written.
    """
    return assembled_folder("adapter", revision, lambda made: _merge(folder, name, base, made), _MOST_KEPT)


def _merge(folder: Path, name: str, base: Path, made: Path) -> None:
    # Their import takes seconds, which only who opens an adapter should wait for.
    with needed_for("pretraining"):
        from peft import PeftModel

    encoder = transformer_folder(base, name)
    left_out = {file.name for file in weight_files(encoder)}
    shutil.copytree(base, made, ignore=lambda _where, names: [one for one in names if one in left_out])
    inside = made / encoder.relative_to(base)
    try:
        with quiet():
            whole = PeftModel.from_pretrained(_base_model(folder, name, encoder), str(folder))
            merged = whole.merge_and_unload(safe_merge=True)
            merged.save_pretrained(inside)
    except Exception as error:  # whatever PEFT and transformers raise where the two do not fit
        raise CheckpointError(
            "The PEFT adapter “{name}” cannot be merged into {base}: {error}. Check that it was trained on that model.",
            name=name,
            base=str(read_adapter(folder, name)["base_model_name_or_path"]),
            error=(str(error).strip().splitlines() or [type(error).__name__])[0][:300],
        ) from error
    for file in (*_TOKENIZER, "README.md"):
        if (folder / file).is_file():
            shutil.copy(folder / file, (made if file == "README.md" else inside) / file)


def _base_model(folder: Path, name: str, encoder: Path) -> Any:
    """Load the model that an adapter changes, with the head that its task has."""
    import transformers

    task = read_adapter(folder, name).get("task_type")
    classes = _classes(folder)
    kind = _CLASSES[task] if task is not None else _class_of(folder, encoder)
    more: dict[str, Any] = {"num_labels": classes} if classes and kind.endswith("Classification") else {}
    model, report = getattr(transformers, kind).from_pretrained(
        encoder,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        # Where the adapter brings a head with more classes than the base has, the base's is not read.
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **more,
    )
    brought = {key.removeprefix("base_model.model.") for key in _keys(folder)}
    # Below another head than that of classes nothing reads the pooler.
    pooled = kind.endswith("SequenceClassification")
    missing = {key for key in report["missing_keys"] if pooled or "pooler." not in key} - brought
    if missing:
        raise ValueError(f"neither of the two has {min(missing)}, and answers would be random")
    return model


def _class_of(folder: Path, encoder: Path) -> str:
    """Return the class that an adapter without a task was made of: the base's own, or that without a head."""
    import transformers

    config = json.loads((encoder / "config.json").read_text("utf-8"))
    named = str((config.get("architectures") or [""])[0])
    own = getattr(transformers, named, None)
    # Below a head the encoder has a name: “base_model.model.bert.encoder…”.
    below = f"base_model.model.{getattr(own, 'base_model_prefix', '')}."
    return named if own is not None and any(key.startswith(below) for key in _keys(folder)) else "AutoModel"


def _keys(folder: Path) -> list[str]:
    try:
        with safe_open(folder / WEIGHTS, "numpy") as weights:
            return list(weights.keys())
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            "The weights of the PEFT adapter in “{name}” cannot be read: {error}. Get the file again.",
            name=str(folder),
            error=str(error),
        ) from error


def _classes(folder: Path) -> int:
    """Count the classes of the head that an adapter brings; 0 where it brings none."""
    found = next((key for key in _keys(folder) if key.endswith(_HEADS)), None)
    if found is None:
        return 0
    with safe_open(folder / WEIGHTS, "numpy") as weights:
        return int(weights.get_slice(found).get_shape()[0])

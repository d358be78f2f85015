"""A checkpoint's weights and tokenizer, read whole or refused with the reason."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, AutoModelForPreTraining, AutoTokenizer, PreTrainedModel

from interpret import tap as taps
from interpret.errors import CheckpointError
from interpret.families import Family
from interpret.heads import Classifier, load_head
from interpret.tasks import PAIR_FAMILIES, Task, find_task


def read_tokenizer(folder: Path, name: str) -> tuple[Tokenizer, bool]:
    """Read a folder's tokenizer, which neither cuts nor pads, and whether a model is fed its token types.

    Raises
    ------
    CheckpointError
        If there is none, or none that tells which characters a piece came from.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # whatever damaged files make transformers raise
        raise CheckpointError(
            "The tokenizer of “{name}” cannot be read: {error}. The folder needs tokenizer.json, or vocab.txt.",
            name=name,
            error=_first_line(error),
        ) from error
    rust = getattr(tokenizer, "backend_tokenizer", None)
    # Without its files transformers can make up a tokenizer that knows only the special pieces.
    if rust is None or rust.get_vocab_size() < 10:
        raise CheckpointError(
            "“{name}” has no tokenizer that tells which characters a piece came from. Add its tokenizer.json.",
            name=name,
        )
    rust.no_truncation()
    rust.no_padding()
    return rust, "token_type_ids" in tokenizer.model_input_names


def read_model(
    folder: Path, name: str, family: Family, dtype: torch.dtype
) -> tuple[PreTrainedModel | Classifier, Task | None]:
    """Read a folder's model with its task head, and what that answers; without a head that would answer at random.

    Raises
    ------
    CheckpointError
        If the weights cannot be read, are not all there, or are more than the config knows.
    """
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        found = _read_with_head(folder, config, family, dtype)
        model, report, task = found or (*_read(AutoModel, folder, config, family, dtype), None)
    except Exception as error:  # whatever damaged files make transformers raise
        raise CheckpointError(
            "The weights of “{name}” cannot be read: {error}. Get the files again.", name=name, error=_first_line(error)
        ) from error
    if getattr(config, "is_decoder", False) or getattr(config, "position_embedding_type", "absolute") != "absolute":
        raise CheckpointError(
            "“{name}” is a decoder or has relative positions, which transformers would leave out here. Choose an "
            "encoder.",
            name=name,
        )
    if getattr(config, "inner_group_num", 1) != 1:
        raise CheckpointError(
            "Each layer of “{name}” runs {count} times over, and Bertoscope could not tell the runs apart. Choose "
            "another model.",
            name=name,
            count=config.inner_group_num,
        )
    surplus = [key for key in report["unexpected_keys"] if f"{family.layers}." in key and "position_ids" not in key]
    if surplus:
        raise CheckpointError(
            "The weights of “{name}” hold layers that its config.json does not know, “{first}” among them. Check that "
            "the two belong together.",
            name=name,
            first=min(surplus),
        )
    # A pooler is trained only with next sentences: one that is not in the file is left out rather than made up.
    missing = sorted(key for key in report["missing_keys"] if "pooler." not in key)
    if len(missing) < len(report["missing_keys"]):
        setattr(bare(model), "pooler", None)  # noqa: B010 - mypy takes it for a tensor
    if missing:
        raise CheckpointError(
            "The weights of “{name}” lack {count} of the encoder's tensors, “{first}” among them, so what it would "
            "show is random. Get the files again, or check that config.json belongs to them.",
            name=name,
            count=len(missing),
            first=missing[0],
        )
    whole: PreTrainedModel | Classifier = model
    head = load_head(folder, config.hidden_size, name)
    if head is not None:
        whole = Classifier(bare(model), head[0])
        task = Task("classes", head[1].labels) if head[1].labels else None
    # Nothing here trains a model that it explains. Without this, every pass with gradients would also keep what those
    # of the weights need.
    return whole.eval().requires_grad_(False), task


def _read_with_head(
    folder: Path, config: Any, family: Family, dtype: torch.dtype
) -> tuple[PreTrainedModel, Any, Task] | None:
    """Read a model with its task head; None where there is no head, or not the one that config.json tells of.

    A head that the file lacks a part of would answer at random.
    """
    found = find_task(config)
    if found is None:
        return None
    task, loader = found
    loaders = [loader]
    if task.kind == "masked words" and config.model_type in PAIR_FAMILIES and loader is not AutoModelForPreTraining:
        # The BERTs of the paper are called BertForMaskedLM in their configs, and hold the head of two sentences too.
        loaders.insert(0, AutoModelForPreTraining)
    for loader in loaders:
        try:
            model, report = _read(loader, folder, config, family, dtype)
        except Exception:  # whatever a head of another size makes transformers raise; the encoder may be whole
            continue
        if not _in_head(model, report["missing_keys"]):
            return model, report, task
    return None


def _read(loader: Any, folder: Path, config: Any, family: Family, dtype: torch.dtype) -> tuple[PreTrainedModel, Any]:
    return loader.from_pretrained(
        folder,
        config=copy.deepcopy(config),
        attn_implementation=taps.NAME if family.tapped else "eager",
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )


def bare(model: PreTrainedModel | Classifier) -> PreTrainedModel:
    """Return the model below its head."""
    return model.body if isinstance(model, Classifier) else getattr(model, model.base_model_prefix, model)


def _in_head(model: PreTrainedModel, keys: Iterable[str]) -> bool:
    # A classifier reads the pooler's output, and is worth nothing behind a random one.
    inside = f"{model.base_model_prefix}."
    return any(not key.startswith(inside) or key.startswith(f"{inside}pooler.") for key in keys)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

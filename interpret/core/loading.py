"""A checkpoint's weights and tokenizer, read whole or refused with the reason."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForPreTraining,
    PreTrainedModel,
)

from interpret.core import tap as taps
from interpret.core.checkpoint_files import quiet, read_config, variant_of
from interpret.core.config_checks import check_config, check_finite, check_size
from interpret.core.errors import CheckpointError
from interpret.core.families import Family
from interpret.core.relative_attention import hand_over_attention
from interpret.core.saved_values import BROKEN
from interpret.core.sentence_files import cross_encoder
from interpret.core.task_heads import Classifier, load_head
from interpret.core.tasks import (
    PAIR_FAMILIES,
    READ_HEADS,
    Task,
    classes_named,
    find_task,
    labels_by_index,
    labels_disagree,
    score_task,
)
from interpret.core.work_sizes import parameters_in_files


@dataclass(frozen=True, eq=False)
class Loaded:
    """A folder's model.

    Attributes
    ----------
    model
        With its task head where that is read here.
    task
        What the head answers; None where there is none.
    no_task
        Why there is none; None where there is one.
    notes
        What a reader should know: of a head that is in the files and is left out, and of names that may be wrong.
    """

    model: PreTrainedModel | Classifier
    task: Task | None
    no_task: CheckpointError | None
    notes: tuple[CheckpointError, ...]


def read_model(folder: Path, name: str, family: Family, dtype: torch.dtype) -> Loaded:
    """Read a folder's model with its task head; without a head that would answer at random.

    Raises
    ------
    CheckpointError
        If the weights cannot be read, are not all there, or are more than the config knows.
    """
    given, config = read_configs(folder, name)
    check_config(config, name)
    check_size(config, parameters_in_files(folder), name)
    task, no_task = None, None
    try:
        model, report, task = _read_with_head(folder, config, given, family, dtype, name)
    except CheckpointError as error:
        # Kept for as long as the model is: not with all that its traceback would keep.
        no_task = error.with_traceback(None)
        no_task.__context__ = no_task.__cause__ = None
        try:
            model, report = _read(AutoModel, folder, config, family, dtype)
        except Exception as damage:  # whatever damaged files make transformers raise
            raise CheckpointError(
                "The weights of “{name}” cannot be read: {error}. Get the files again.",
                name=name,
                error=first_line(damage),
            ) from damage
        rejected = _rejected(report, name)
        if rejected is not None:
            raise rejected from error
    if getattr(config, "is_decoder", False) or getattr(config, "position_embedding_type", "absolute") != "absolute":
        raise CheckpointError(
            "“{name}” is a decoder or uses relative positions, which transformers would ignore here. Choose an "
            "encoder.",
            name=name,
        )
    if getattr(config, "inner_group_num", 1) != 1:
        raise CheckpointError(
            "Each layer of “{name}” runs {count} times, and Bertoscope cannot tell these passes apart. Choose another "
            "model.",
            name=name,
            count=config.inner_group_num,
        )
    surplus = [key for key in report["unexpected_keys"] if f"{family.layers}." in key and "position_ids" not in key]
    if surplus:
        raise CheckpointError(
            "The weights of “{name}” have layers that its config.json does not describe, such as “{first}”. Check "
            "that the two belong together.",
            name=name,
            first=min(surplus),
        )
    # Of a vocabulary's matrix only the rows that are asked for come into memory, and are looked at in each pass.
    many = int(config.vocab_size)
    check_finite({key: one for key, one in bare(model).state_dict().items() if many not in one.shape[:1]}, name)
    # A pooler is trained only with next sentences: one that is not in the file is left out rather than made up.
    missing = sorted(key for key in report["missing_keys"] if "pooler." not in key)
    if len(missing) < len(report["missing_keys"]):
        setattr(bare(model), "pooler", None)  # noqa: B010 - mypy takes it for a tensor
    if missing:
        raise CheckpointError(
            "The weights of “{name}” lack {count} of the encoder's tensors, such as “{first}”, so the results would "
            "be random. Get the files again, or check that config.json belongs to them.",
            name=name,
            count=len(missing),
            first=missing[0],
        )
    notes = [labels_disagree(given, name)] if task is not None and task.labels else []
    whole: PreTrainedModel | Classifier = model
    head = load_head(folder, config.hidden_size, name)
    if head is not None:
        whole = Classifier(bare(model), head[0])
        card = head[1]
        task, no_task = Task("classes", card.labels, card.exclusive) if card.labels else score_task(), None
    elif no_task is not None and _has_head(given, report):
        notes.append(no_task)
    hand_over_attention(model, name)
    # Nothing here trains a model that it explains. Without this, every pass with gradients would also keep what those
    # of the weights need.
    return Loaded(whole.eval().requires_grad_(False), task, no_task, tuple(one for one in notes if one is not None))


def _has_head(given: Mapping[str, Any], report: Any) -> bool:
    """Tell whether a head is left out that a reader would look for: not where nobody said that there is one."""
    names = classes_named(given.get("architectures"))
    return any(one.endswith(READ_HEADS) for one in names) or (not names and bool(report["unexpected_keys"]))


def read_configs(folder: Path, name: str) -> tuple[dict[str, Any], Any]:
    """Return what config.json says itself, and what transformers makes of it.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """
    given, _ = read_config(folder, name)
    try:
        if labels_by_index(given.get("id2label") or {}) is not None:
            return given, AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        # Maps that are exchanged stop transformers. The head is then left out, and the encoder is whole.
        plain = {key: one for key, one in given.items() if key not in ("id2label", "label2id")}
        return given, CONFIG_MAPPING[given["model_type"]].from_dict(plain)
    except Exception as error:  # whatever damaged files make transformers raise
        raise CheckpointError(
            "The config.json of “{name}” cannot be read: {error}. Get the folder's files again.",
            name=name,
            error=first_line(error),
        ) from error


def _read_with_head(
    folder: Path, config: Any, given: Mapping[str, Any], family: Family, dtype: torch.dtype, name: str
) -> tuple[PreTrainedModel, Any, Task]:
    """Read a model with its task head.

    Raises
    ------
    CheckpointError
        If there is no head, or not the one that config.json tells of. A head that the file lacks a part of would
        answer at random.
    """
    try:
        task, loader = find_task(config, {**given, **cross_encoder(folder, name)}, name)
    except CheckpointError:
        raise
    except BROKEN as error:
        raise CheckpointError(
            "The config.json of “{name}” does not say what its head answers: {error}. The head is not loaded.",
            name=name,
            error=first_line(error),
        ) from error
    loaders = [loader]
    if task.kind == "masked words" and config.model_type in PAIR_FAMILIES and loader is not AutoModelForPreTraining:
        # The BERTs of the paper are called BertForMaskedLM in their configs, and hold the head of two sentences too.
        loaders.insert(0, AutoModelForPreTraining)
    for loader in loaders:
        try:
            model, report = _read(loader, folder, config, family, dtype)
        except Exception as error:  # whatever damaged files make transformers raise; the encoder may be whole
            fault = CheckpointError(
                "The head of “{name}” cannot be read: {error}. The head is not loaded.",
                name=name,
                error=first_line(error),
            )
            continue
        lacking = _in_head(model, report["missing_keys"])
        rejected = _rejected(report, name, task)
        if not lacking and rejected is None:
            try:
                check_finite(_head_weights(model), name, infinite=True)
            except CheckpointError as error:
                fault = error
                continue
            return model, report, task
        fault = rejected or CheckpointError(
            "The weights of “{name}” lack {count} of its head's tensors, such as “{first}”, so its predictions would "
            "be random. The head is not loaded.",
            name=name,
            count=len(lacking),
            first=lacking[0],
        )
    raise fault


def _rejected(report: Any, name: str, task: Task | None = None) -> CheckpointError | None:
    """Say which weights are of another shape than config.json has it, and for a head's how many classes each means."""
    for key, found, wanted in sorted(report["mismatched_keys"], key=str):
        if task is not None and task.labels and len(task.labels) == wanted[0] != found[0]:
            return CheckpointError(
                "The config.json of “{name}” names another number of classes (id2label: {named}) than its head has "
                "outputs ({count}), so outputs cannot be matched to classes. Name all classes in config.json; the "
                "head is not loaded.",
                name=name,
                named=wanted[0],
                count=found[0],
            )
        return CheckpointError(
            "“{tensor}” of “{name}” has the shape {found} in the weights but {wanted} according to config.json. Check "
            "that the two belong together.",
            tensor=str(key),
            name=name,
            found=" × ".join(map(str, found)),
            wanted=" × ".join(map(str, wanted)),
        )
    return None


def _read(loader: Any, folder: Path, config: Any, family: Family, dtype: torch.dtype) -> tuple[PreTrainedModel, Any]:
    with quiet():
        return loader.from_pretrained(
            folder,
            config=copy.deepcopy(config),
            attn_implementation="eager" if family.relative else taps.NAME,
            dtype=dtype,
            use_safetensors=True,
            variant=variant_of(folder),
            # What is missing or does not fit is said by those who ask, with the reason.
            ignore_mismatched_sizes=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )


def bare(model: PreTrainedModel | Classifier) -> PreTrainedModel:
    """Return the model below its head."""
    return model.body if isinstance(model, Classifier) else getattr(model, model.base_model_prefix, model)


def _head_weights(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    inside = f"{model.base_model_prefix}."
    return {key: one for key, one in model.state_dict().items() if not key.startswith(inside)}


def _in_head(model: PreTrainedModel, keys: Iterable[str]) -> list[str]:
    # A classifier reads the pooler's output, and is worth nothing behind a random one.
    inside = f"{model.base_model_prefix}."
    return sorted(key for key in keys if not key.startswith(inside) or key.startswith(f"{inside}pooler."))


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, cut to 300 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

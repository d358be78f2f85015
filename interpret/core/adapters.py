"""Low-rank adapters (LoRA): a layer's linear maps stay as they are, and a small product beside each learns.

``W x`` becomes ``W x + s · B A x`` with ``A`` of shape ``(rank, in)`` and ``B`` of ``(out, rank)``, which begins at 0
(Hu et al. 2021, sec. 4.1). PEFT does it; what is trained is added to ``W`` in the end, so the model keeps its shape.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import PreTrainedModel

from interpret.core.device_lock import seeded
from interpret.core.extras import needed_for
from interpret.core.layer_groups import LayerGroup
from interpret.core.task_heads import Classifier, save_head
from interpret.core.tasks import MULTI_LABEL

Model = PreTrainedModel | Classifier
# Hu et al. write s = α / rank and never change α; PEFT's guides, and most since, take twice the rank for it.
_SCALE = 2
# PEFT's own name for the one set of adapters that a model has.
_NAME = "default"
# What PEFT puts before the names of weights.
PEFT_PREFIX = "base_model.model."


def adapted_maps(
    model: Model,
    parameters: Mapping[str, Sequence[torch.nn.Parameter]],
    layer_groups: Sequence[LayerGroup],
    whole: Collection[str],
) -> dict[str, list[str]]:
    """Return for each layer group that learns the paths of its linear maps; layer groups that learn whole have none.

    Parameters
    ----------
    parameters
        Of each layer group, as `interpret.core.layer_groups.layer_group_parameters` tells them.
    whole
        Layer groups that are new, and so learn whole.
    """
    group_of = {
        id(one): layer_group.name
        for layer_group in layer_groups
        if not layer_group.frozen and layer_group.name not in whole
        for one in parameters[layer_group.name]
    }
    found: dict[str, list[str]] = {}
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and id(module.weight) in group_of:
            found.setdefault(group_of[id(module.weight)], []).append(path)
    return found


def adapted_layer_groups(
    model: Model,
    layer_groups: Iterable[LayerGroup],
    maps: Mapping[str, Sequence[str]],
    whole: Collection[str],
    rank: int,
) -> tuple[LayerGroup, ...]:
    """Return the stack as it is with adapters: how many numbers learn on each layer group then."""
    found = []
    for layer_group in layer_groups:
        if not layer_group.frozen and layer_group.name not in whole:
            some: list[Any] = [model.get_submodule(path) for path in maps.get(layer_group.name, ())]
            learns = sum(rank * (one.in_features + one.out_features) for one in some)
            layer_group = replace(layer_group, frozen=not learns, learns=learns)
        found.append(layer_group)
    return tuple(found)


def add_adapters(
    model: Model, maps: Mapping[str, Sequence[str]], rank: int, whole: Iterable[torch.nn.Parameter], seed: int
) -> dict[str, list[Any]]:
    """Put adapters beside linear maps, and let nothing else learn but what learns whole; returns each layer's.

    Parameters
    ----------
    maps
        What `adapted_maps` returned.
    whole
        The parameters of the layer groups that learn whole.
    """
    # Its import takes seconds, which only a training with adapters should.
    with needed_for("finetune"):
        from peft import LoraConfig, inject_adapter_in_model

    paths = [path for some in maps.values() for path in some]
    if not paths:
        return {}
    with seeded(seed):
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=_SCALE * rank, target_modules=paths), model)
    for one in whole:
        one.requires_grad_(True)
    return {name: [model.get_submodule(path) for path in some] for name, some in maps.items()}


def adapter_changes(adapters: Iterable[Any]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return for each adapter what it adds to its map's weights, and these weights."""
    return [(one.get_delta_weight(_NAME), one.get_base_layer().weight) for one in adapters]


def merge_adapters(model: Model, maps: Mapping[str, Sequence[str]]) -> None:
    """Add what the adapters have learned to the weights beside them, and take them away."""
    for some in maps.values():
        for path in some:
            adapted: Any = model.get_submodule(path)
            with torch.no_grad():
                adapted.merge()
            model.set_submodule(path, adapted.get_base_layer())


def adapter_state(
    model: Model, maps: Mapping[str, Sequence[str]], whole: Mapping[str, torch.nn.Parameter]
) -> dict[str, torch.Tensor]:
    """Return the adapters' numbers and those that learned whole, given by their names, named as PEFT does."""
    found = {}
    for some in maps.values():
        for path in some:
            adapted: Any = model.get_submodule(path)
            found[f"{PEFT_PREFIX}{path}.lora_A.weight"] = adapted.lora_A[_NAME].weight
            found[f"{PEFT_PREFIX}{path}.lora_B.weight"] = adapted.lora_B[_NAME].weight
    # Of an encoder with a head of our own, PEFT is to open the encoder.
    own = f"{model.base_model_prefix}." if isinstance(model, Classifier) else ""
    if not own:
        found |= {f"{PEFT_PREFIX}{name}": one for name, one in whole.items()}
    return {name.replace(f"model.{own}", "model.", 1): one.detach().cpu().clone() for name, one in found.items()}


def _whole_modules(model: Model, names: set[str]) -> list[str]:
    """Return the modules of which every number is among those named, the largest only: what PEFT is to keep whole.

    A masked-word head is not one: what it multiplies by is the embeddings. Its bias PEFT finds by its name.
    """
    own = f"{model.base_model_prefix}." if isinstance(model, Classifier) else ""
    found: list[str] = []
    for path, module in model.named_modules():
        path = path.removeprefix(own)
        keys = [f"{path}.{key}" for key in module.state_dict()]
        inside = path.startswith(tuple(f"{one}." for one in found))
        if path and keys and not inside and names.issuperset(keys):
            found.append(path)
    return found


def save_adapter(
    model: Model, state: Mapping[str, torch.Tensor], head: str, labels: Sequence[str], folder: Path
) -> None:
    """Write adapters and head as `peft.PeftModel.from_pretrained` reads them, on the model that they were trained on.

    A head of `interpret.core.task_heads` is written beside them, as `interpret.core.task_heads.save_head` does.
    """
    with needed_for("finetune"):
        from peft import LoraConfig, TaskType

    ending = ".lora_A.weight"
    names = [name.removeprefix(PEFT_PREFIX) for name in state]
    paths = [name.removesuffix(ending) for name in names if name.endswith(ending)]
    rank = next(one.shape[0] for name, one in state.items() if name.endswith(ending))
    kinds = {
        "ForSequenceClassification": TaskType.SEQ_CLS,
        "ForTokenClassification": TaskType.TOKEN_CLS,
        "ForQuestionAnswering": TaskType.QUESTION_ANS,
    }
    kind = next((kind for ending, kind in kinds.items() if type(model).__name__.endswith(ending)), None)
    folder.mkdir(parents=True, exist_ok=True)
    # Before its config, by which the folder is known to be whole.
    save_file(dict(state), folder / "adapter_model.safetensors", {"format": "pt"})
    LoraConfig(
        r=rank,
        lora_alpha=_SCALE * rank,
        target_modules=paths,
        task_type=kind,
        inference_mode=True,
        modules_to_save=_whole_modules(model, set(names)) or None,
    ).save_pretrained(str(folder))
    if isinstance(model, Classifier):
        save_head(model.head, head, labels, folder, model.config.problem_type != MULTI_LABEL)

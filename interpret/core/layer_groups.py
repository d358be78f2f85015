"""The model as a stack of layer groups, from the embeddings to the head, each of which can be frozen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from interpret.core.errors import InputError
from interpret.core.families import Family
from interpret.core.task_heads import Classifier

EMBEDDINGS, POOLER, HEAD = "embeddings", "pooler", "head"
# What `preset` knows, from nothing frozen to all but the head.
PRESETS = ("nothing", "embeddings", "lower half", "all but the last quarter", "head only")


@dataclass(frozen=True)
class LayerGroup:
    """One layer group of a stack.

    Attributes
    ----------
    name
        ``"embeddings"``, a layer's number as ``"0"``, ``"pooler"`` or ``"head"``.
    parameters
        How many numbers it has; weights that several layer groups share count on the lowest. Adapters are not counted.
    frozen
        Whether they stay as they are.
    learns
        How many numbers learn: all of them, or those of its adapters, or none.
    """

    name: str
    parameters: int
    frozen: bool
    learns: int


def layer_group_parameters(model: PreTrainedModel | Classifier, family: Family) -> dict[str, list[torch.nn.Parameter]]:
    """Tell every parameter of a model its layer group, from the bottom to the top.

    What comes before the first layer, or serves all layers at once (such as relative positions), belongs to the
    embeddings; a last layer norm belongs to the last layer. ALBERT's layers share their weights: one group.
    """
    body = model.body if isinstance(model, Classifier) else getattr(model, model.base_model_prefix, model)
    layers = list(body.get_submodule(family.layers).children())
    layer_groups: dict[str, list[torch.nn.Parameter]] = {
        name: [] for name in (EMBEDDINGS, *map(str, range(len(layers))), POOLER, HEAD)
    }
    group_of: dict[int, str] = {}
    for number, layer in enumerate(layers):
        group_of |= {id(parameter): str(number) for parameter in layer.parameters()}
    last = str(len(layers) - 1)
    for path, module in body.named_children():
        if path == "pooler" or path.startswith("pooler_"):
            group_of |= {id(parameter): POOLER for parameter in module.parameters()}
        elif path == family.final_norm:
            group_of |= {id(parameter): last for parameter in module.parameters()}
    inside = {id(parameter) for parameter in body.parameters()}
    for parameter in model.parameters():
        name = group_of.get(id(parameter), EMBEDDINGS) if id(parameter) in inside else HEAD
        layer_groups[name].append(parameter)
    return {name: found for name, found in layer_groups.items() if found}


def group_layers(
    model: PreTrainedModel | Classifier, family: Family, frozen: Iterable[str] = ()
) -> tuple[LayerGroup, ...]:
    """Return the layer groups from the bottom to the top.

    Raises
    ------
    InputError
        If a layer group is to be frozen that the model does not have, or the head, which is new and must learn.
    """
    layer_groups = layer_group_parameters(model, family)
    chosen = set(frozen)
    if HEAD in chosen:
        raise InputError("The head is new and untrained, so it cannot be frozen. Leave it trainable.")
    unknown = sorted(chosen - set(layer_groups))
    if unknown:
        raise InputError(
            "This model has no layer “{name}”. It has: {known}.", name=unknown[0], known=", ".join(layer_groups)
        )
    counts = {name: sum(one.numel() for one in found) for name, found in layer_groups.items()}
    return tuple(
        LayerGroup(name, count, name in chosen, 0 if name in chosen else count) for name, count in counts.items()
    )


def freeze(model: PreTrainedModel | Classifier, family: Family, frozen: Iterable[str]) -> tuple[LayerGroup, ...]:
    """Let only the layer groups learn that are not frozen; returns the stack. See `group_layers` for errors."""
    found = group_layers(model, family, frozen)
    parameters = layer_group_parameters(model, family)
    for layer_group in found:
        for parameter in parameters[layer_group.name]:
            parameter.requires_grad_(not layer_group.frozen)
    return found


def preset(name: str, layer_groups: Sequence[str]) -> tuple[str, ...]:
    """Return which layer groups a preset freezes.

    ``"lower half"`` is the embeddings and half of the layers; ``"all but the last quarter"`` leaves a fourth of the
    layers free, which Lee et al. 2019 found to keep nine tenths of the quality; ``"head only"`` freezes all else.

    Raises
    ------
    InputError
        If there is no such preset.

    Examples
    --------
    >>> import interpret as it
    >>> it.finetuning.preset("lower half", ("embeddings", "0", "1", "2", "3", "pooler", "head"))
    ('embeddings', '0', '1')
    >>> it.finetuning.preset("head only", ("embeddings", "0", "1", "2", "3", "pooler", "head"))
    ('embeddings', '0', '1', '2', '3', 'pooler')
    """
    layers = [one for one in layer_groups if one.isdigit()]
    counts: Mapping[str, int] = {
        "embeddings": 0,
        "lower half": len(layers) // 2,
        "all but the last quarter": len(layers) - max(1, round(len(layers) / 4)),
    }
    if name == "nothing":
        return ()
    if name == "head only":
        return tuple(one for one in layer_groups if one != HEAD)
    if name not in counts:
        raise InputError("There is no preset “{name}”. Choose one of: {known}.", name=name, known=", ".join(PRESETS))
    return (EMBEDDINGS, *layers[: counts[name]])


def freeze_depths(layer_groups: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return what a sweep freezes: all but the head first, then a layer group less each time, and nothing in the end.

    The deepest one is the fastest to train, so its answer comes first.

    Examples
    --------
    >>> import interpret as it
    >>> for frozen in it.finetuning.freeze_depths(("embeddings", "0", "1", "head")):
    ...     print(frozen)
    ('embeddings', '0', '1')
    ('embeddings', '0')
    ('embeddings',)
    ()
    """
    below = [one for one in layer_groups if one not in (POOLER, HEAD)]
    depths = [tuple(below[:count]) for count in range(len(below), -1, -1)]
    return ((*below, POOLER), *depths) if POOLER in layer_groups else tuple(depths)


def layer_group_names(model: PreTrainedModel | Classifier, family: Family) -> tuple[str, ...]:
    """Return the layer groups of the model that is trained with this encoder: a head is always among them.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> it.finetuning.layer_group_names(encoder.model, encoder.family)
    ('embeddings', '0', '1', '2', '3', '4', '5', 'pooler', 'head')
    """
    return (*(name for name in layer_group_parameters(model, family) if name != HEAD), HEAD)


def expand(text: str, layer_groups: Sequence[str]) -> tuple[str, ...]:
    """Read layer groups as a person writes them: ``"embeddings,0-5"``, or the name of a preset.

    Raises
    ------
    InputError
        If a part of it is neither a layer group nor a range of layers.
    """
    if text.strip() in PRESETS:
        return preset(text.strip(), layer_groups)
    found: list[str] = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        first, dash, last = part.partition("-")
        some = [part]
        if dash and first.isdecimal() and last.isdecimal():
            some = [str(layer) for layer in range(int(first), min(int(last), int(first) + len(layer_groups)) + 1)]
        unknown = [one for one in some if one not in layer_groups]
        if unknown or not some:
            raise InputError(
                "This model has no layer “{name}”. It has: {known}.",
                name=unknown[0] if unknown else part,
                known=", ".join(layer_groups),
            )
        found += some
    return tuple(dict.fromkeys(found))


def frozen_prefix(layer_groups: Sequence[LayerGroup]) -> int:
    """Return how many layers' output never changes: those from the first on with everything below them frozen.

    -1 where the embeddings themselves learn.
    """
    if not layer_groups[0].frozen:
        return -1
    count = 0
    for layer_group in layer_groups[1:]:
        if not (layer_group.name.isdigit() and layer_group.frozen):
            break
        count += 1
    return count


def layer_rates(layer_groups: Sequence[LayerGroup], rate: float, decay: float) -> dict[str, float]:
    """Return each layer group's learning rate: the head's, times ``decay`` for every one below (Howard & Ruder 2018).

    The pooler is counted with the head.

    Examples
    --------
    >>> import interpret as it
    >>> groups = [it.finetuning.LayerGroup(name, 100, False, 100) for name in ("embeddings", "0", "1", "head")]
    >>> {name: round(rate, 4) for name, rate in it.finetuning.layer_rates(groups, rate=8e-3, decay=0.5).items()}
    {'embeddings': 0.001, '0': 0.002, '1': 0.004, 'head': 0.008}
    """
    layers = [layer_group.name for layer_group in layer_groups if layer_group.name not in (POOLER, HEAD)]
    rates = {name: rate * decay ** (len(layers) - index) for index, name in enumerate(layers)}
    return {layer_group.name: rates.get(layer_group.name, rate) for layer_group in layer_groups}

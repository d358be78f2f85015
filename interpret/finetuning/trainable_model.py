"""A model that is to be trained: its stack, which of its weights learn, and how it is written down."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers as tf

from interpret.core.adapters import (
    Model,
    adapted_layer_groups,
    adapted_maps,
    adapter_changes,
    adapter_state,
    add_adapters,
    merge_adapters,
)
from interpret.core.checkpoint_files import quiet
from interpret.core.checkpoints import Checkpoint, checkpoint_folder
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import read_vocabulary
from interpret.core.errors import InputError
from interpret.core.families import Family
from interpret.core.layer_groups import (
    EMBEDDINGS,
    HEAD,
    POOLER,
    LayerGroup,
    freeze,
    group_layers,
    layer_group_names,
    layer_group_parameters,
)
from interpret.core.task_heads import Classifier, make_head, save_head
from interpret.core.tasks import MULTI_LABEL
from interpret.finetuning.model_loading import make_model
from interpret.finetuning.objective import find_objective
from interpret.finetuning.recipe import OWN_HEAD, Recipe, resolve


@dataclass(frozen=True, eq=False)
class TrainableModel:
    """A model that is to be trained.

    Attributes
    ----------
    model, family
        The model, whole, and what differs between architectures.
    layer_groups
        Its stack, and what of it is frozen.
    parameters
        The parameters of each layer group, those of its adapters among them.
    names
        What each parameter is called, by its `id`.
    maps, adapters
        For each layer group the paths of the linear maps that have an adapter, and the adapters; else empty.
    continued
        Whether its head is one that was trained for the same classes, and not a new one.
    """

    model: Model
    family: Family
    layer_groups: tuple[LayerGroup, ...]
    parameters: Mapping[str, list[torch.nn.Parameter]]
    names: Mapping[int, str]
    maps: Mapping[str, Sequence[str]]
    adapters: Mapping[str, Sequence[Any]]
    continued: bool

    def free(self, layer_group: str) -> list[torch.nn.Parameter]:
        """Return the parameters of a layer group that learn."""
        return [one for one in self.parameters[layer_group] if one.requires_grad]

    def trainable_state(self) -> dict[str, torch.Tensor]:
        """Return all that learns as it is now, by its name."""
        return {
            self.names[id(one)]: one.detach().cpu().contiguous()
            for layer_group in self.parameters
            for one in self.free(layer_group)
        }

    def put(self, state: Mapping[str, torch.Tensor]) -> None:
        """Set all that learns to what `trainable_state` returned."""
        with torch.no_grad():
            for layer_group in self.parameters:
                for one in self.free(layer_group):
                    one.copy_(state[self.names[id(one)]])

    def starts(self) -> dict[str, list[torch.Tensor]]:
        """Return where the weights that learn are now, for each layer group: for `moved`."""
        return {name: [one.detach().clone() for one in self.free(name)] for name in self.parameters}

    def moved(self, starts: Mapping[str, Sequence[torch.Tensor]]) -> dict[str, float]:
        """Return for each layer group that learns the length of its change, as a share of the length of what it was."""
        found = {}
        for layer_group, begun in starts.items():
            if not begun:
                continue
            with torch.no_grad():
                if self.adapters.get(layer_group):
                    changes, before = zip(*adapter_changes(self.adapters[layer_group]), strict=True)
                else:
                    before = tuple(begun)
                    changes = tuple(now - old for now, old in zip(self.free(layer_group), begun, strict=True))
                found[layer_group] = float(_length(changes) / _length(before).clamp_min(1e-12))
        return found

    def changed(self, scale: tuple[float, float] | None = None) -> dict[str, torch.Tensor]:
        """Return all weights that may have changed, named and shaped as in the model without adapters.

        Parameters
        ----------
        scale
            Of a regression the mean and spread of its labels: what is returned answers in their unit.
        """
        adapted = {
            path: one for name in self.maps for path, one in zip(self.maps[name], self.adapters[name], strict=True)
        }
        found = {}
        with torch.no_grad():
            for path, one in adapted.items():
                ((change, before),) = adapter_changes([one])
                found[f"{path}.weight"] = before + change
        inside = {id(one) for module in adapted.values() for one in module.parameters()}
        for layer_group in self.parameters:
            found |= {self.names[id(one)]: one.detach() for one in self.free(layer_group) if id(one) not in inside}
        if scale is not None:
            last = self._answering()
            weight, bias = self.names[id(last.weight)], self.names[id(last.bias)]
            found |= {weight: found[weight] * scale[1], bias: found[bias] * scale[1] + scale[0]}
        return {name: one.cpu().contiguous() for name, one in found.items()}

    def settle(self) -> dict[str, torch.Tensor]:
        """Add what the adapters learned to the model's weights, and return what they were, as PEFT names it."""
        if not self.adapters:
            return {}
        whole = {
            self.names[id(one)]: one for name in self.parameters if name not in self.maps for one in self.free(name)
        }
        state = adapter_state(self.model, self.maps, whole)
        merge_adapters(self.model, self.maps)
        return state

    def rescale_answer(self, spread: float, mean: float) -> None:
        """Let a regression's last linear map answer ``spread · (W h + b) + mean``."""
        last = self._answering()
        with torch.no_grad():
            last.weight.mul_(spread)
            last.bias.mul_(spread).add_(mean)

    def _answering(self) -> torch.nn.Linear:
        own = {id(one) for one in self.parameters[HEAD]}
        return [
            module
            for module in self.model.modules()
            if isinstance(module, torch.nn.Linear) and id(module.weight) in own and module.out_features == 1
        ][-1]


def _length(some: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([one.norm() for one in some]).norm()


def make_trainable_model(
    encoder: Encoder, recipe: Recipe, task: str, labels: tuple[str, ...], device: str = "cpu"
) -> TrainableModel:
    """Make the model that a recipe trains, on a device; the encoder, which is on the host, is used up.

    A head that the checkpoint has for the same classes goes on learning, any other is new. All that is drawn is drawn
    on the host, so that every device begins with the same numbers.

    Raises
    ------
    InputError
        If a layer group is unknown.
    """
    family = encoder.family
    recipe = resolve(recipe, layer_group_names(encoder.model, family), encoder.width, task)
    model, continued = make_model(encoder, recipe, task, labels)
    parameters = layer_group_parameters(model, family)
    layer_groups, maps = planned_layer_groups(model, encoder, recipe)
    whole = new_layer_groups(model, encoder)
    freeze(model, family, [layer_group.name for layer_group in layer_groups if layer_group.frozen])
    adapters = {}
    if recipe.lora_rank:
        free = [one for name in whole for one in parameters[name]]
        adapters = add_adapters(model, maps, recipe.lora_rank, free, recipe.seed)
    module: torch.nn.Module = model
    with lock_device(device):
        module.to(device)
    return TrainableModel(
        model=model,
        family=family,
        layer_groups=layer_groups,
        parameters=layer_group_parameters(model, family),
        names={id(one): name for name, one in model.named_parameters()},
        maps=maps,
        adapters=adapters,
        continued=continued,
    )


def new_layer_groups(model: Model, encoder: Encoder) -> tuple[str, ...]:
    """Return the layer groups that the checkpoint does not have: the head, and a pooler where its file holds none."""
    missing = not isinstance(model, Classifier) and getattr(encoder.model, "pooler", None) is None
    return (POOLER, HEAD) if missing and POOLER in layer_group_parameters(model, encoder.family) else (HEAD,)


def planned_layer_groups(
    model: Model, encoder: Encoder, recipe: Recipe
) -> tuple[tuple[LayerGroup, ...], dict[str, list[str]]]:
    """Return the stack as a recipe trains it, and the linear maps of each layer group that get adapters.

    Raises
    ------
    InputError
        If a layer group is unknown.
    """
    family = encoder.family
    parameters = layer_group_parameters(model, family)
    frozen = frozen_layer_groups(recipe, parameters)
    if not recipe.lora_rank:
        return group_layers(model, family, frozen), {}
    # A new pooler that stayed as it was drawn would be no part of the adapters, and lost with the model.
    whole = new_layer_groups(model, encoder)
    layer_groups = group_layers(model, family, [name for name in frozen if name not in whole])
    maps = adapted_maps(model, parameters, layer_groups, whole)
    return adapted_layer_groups(model, layer_groups, maps, whole, recipe.lora_rank), maps


def skeleton(encoder: Encoder, recipe: Recipe, task: str, classes: int) -> Model:
    """Return the model that would be trained, all of its shapes and none of its numbers."""
    config = copy.deepcopy(encoder.model.config)
    loader = find_objective(task).loader()
    if recipe.head == OWN_HEAD and type(config) not in loader._model_mapping:
        raise InputError(
            "transformers has no head for this task for the architecture “{kind}”. Choose another task, or another "
            "model.",
            kind=config.model_type,
        )
    with torch.device("meta"), quiet():
        if recipe.head != OWN_HEAD:
            return Classifier(tf.AutoModel.from_config(config), make_head(recipe.head, encoder.width, max(1, classes)))
        config.num_labels = find_objective(task).output_count(classes)
        return loader.from_config(config)


def frozen_layer_groups(recipe: Recipe, names: Iterable[str]) -> list[str]:
    """Return which layer groups of a model stay as they are.

    A head that answers for single words leaves the pooler out of the model, and one that reads all states out of use.
    Embeddings are no linear maps: where adapters learn, they stay as they are.
    """
    wanted = {one for one in recipe.frozen if one != POOLER}
    there = POOLER in names
    if there and (recipe.head != OWN_HEAD or POOLER in recipe.frozen):
        wanted.add(POOLER)
    if recipe.lora_rank:
        wanted.add(EMBEDDINGS)
    return sorted(wanted)


@contextmanager
def at_rest(model: Model) -> Iterator[None]:
    """While the block runs, what is frozen stays in evaluation mode whatever mode the model is put in."""
    modules = [
        module
        for module in model.modules()
        if (own := list(module.parameters())) and not any(one.requires_grad for one in own)
    ]

    def rest(module: torch.nn.Module, _given: object) -> None:
        module.eval()

    hooks = [module.register_forward_pre_hook(rest) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def save_model(model: Model, head: str, labels: Sequence[str], base: Checkpoint, folder: Path) -> None:
    """Write a model as `save_pretrained` does, with the tokenizer that it was trained with.

    With a head of the architecture's own, `AutoModelForSequenceClassification` opens the folder; with another,
    `AutoModel` opens the encoder, and `interpret.load_encoder` both.
    """
    tokenizer = tf.AutoTokenizer.from_pretrained(checkpoint_folder(base), local_files_only=True)
    # A sentence-transformers folder may ask for lower case beside its tokenizer's files, which alone do not say so.
    tokenizer.backend_tokenizer.normalizer = read_vocabulary(base).tokenizer.normalizer
    tokenizer.save_pretrained(folder)
    if isinstance(model, Classifier):
        model.body.save_pretrained(folder)
        save_head(model.head, head, labels, folder, model.config.problem_type != MULTI_LABEL)
    else:
        model.save_pretrained(folder)

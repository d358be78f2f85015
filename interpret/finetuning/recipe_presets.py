"""Recipes that suit most: a quick one, a careful one, and one with adapters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from interpret.core.errors import InputError
from interpret.core.layer_groups import preset
from interpret.finetuning.recipe import Recipe, resolve


@dataclass(frozen=True)
class RecipePreset:
    """What a preset sets, beside what suits the model.

    Attributes
    ----------
    freezes
        What is frozen: a name in `interpret.core.layer_groups.PRESETS`.
    longer
        How many times the epochs that suit.
    settings
        Further settings of a `Recipe`.
    """

    freezes: str
    longer: int = 1
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


# Quick freezes what Lee et al. 2019 (https://arxiv.org/abs/1911.03090) found to matter least: they kept nine tenths of
# the quality with a fourth of the layers, and training all of them did not always help.
# Careful follows Mosbach et al. 2021 (https://arxiv.org/abs/2006.04884), who trained longer than three epochs against
# unstable results, and Sun et al. 2019 (https://arxiv.org/abs/1905.05583, table 4), whose best decay was 0.95; the
# validation set keeps the longer training from overfitting.
# LoRA has the rank that Hu et al. 2021 (https://arxiv.org/abs/2106.09685, table 9) used for RoBERTa.
RECIPE_PRESETS: Mapping[str, RecipePreset] = MappingProxyType(
    {
        "quick": RecipePreset("lower half"),
        "careful": RecipePreset("nothing", 3, MappingProxyType({"layerwise_lr_decay": 0.95, "patience": 2})),
        "lora": RecipePreset("nothing", 1, MappingProxyType({"lora_rank": 8})),
    }
)


def preset_recipe(name: str, layer_groups: Sequence[str], width: int, task: str) -> Recipe:
    """Return the recipe of a preset, with the head, the rate and the epochs that suit a model.

    Parameters
    ----------
    name
        A name in `RECIPE_PRESETS`.
    layer_groups
        All layer groups of the model: see `interpret.core.layer_groups.layer_group_names`.
    width
        Numbers of a hidden state.

    Raises
    ------
    InputError
        If there is no such preset.

    Examples
    --------
    >>> recipe = preset_recipe("careful", ("embeddings", "0", "1", "head"), 384, "classes")
    >>> recipe.frozen, recipe.epochs, recipe.patience
    ((), 12, 2)
    """
    if name not in RECIPE_PRESETS:
        raise InputError(
            "There is no preset “{name}”. Choose one of: {known}.", name=name, known=", ".join(RECIPE_PRESETS)
        )
    chosen = RECIPE_PRESETS[name]
    recipe = Recipe(frozen=preset(chosen.freezes, layer_groups), **chosen.settings)
    suited = resolve(recipe, layer_groups, width, task)
    return replace(suited, epochs=suited.epochs * chosen.longer)

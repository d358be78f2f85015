"""Quick, Careful, LoRA: each fills every setting at once, and says so when one of them was changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, _n, language
from dashboard.numbers import duration, sentences
from dashboard.widgets.layer_groups_view import freeze, frozen_layer_groups
from interpret.finetuning.recipe_presets import RECIPE_PRESETS, preset_recipe

# The rank that the field shows while there are no adapters.
_RANK = 8
_CUSTOM = "custom"


class Basis(NamedTuple):
    """What the settings that suit depend on: the model and what it is trained for."""

    about: str
    names: tuple[str, ...]
    width: int
    max_tokens: int
    task: str


@dataclass(frozen=True)
class _Applied:
    """What a preset set, to be compared with what the fields say now."""

    basis: Basis
    fields: Mapping[str, Any]
    frozen: tuple[str, ...]


# Of the session: nobody chooses it.
_APPLIED = "recipe_applied"


def preset_names() -> dict[str, str]:
    """Name each preset for the reader."""
    return {"quick": _("Quick"), "careful": _("Careful"), "lora": "LoRA"}


def settle_fields(basis: Basis) -> None:
    """Give every field of the settings its value before any is drawn.

    What was typed stays, whatever model or task is chosen then; where nothing was, the preset is applied anew, as a
    learning rate that suits one model is far off for another.
    """
    state.seed(state.RECIPE)
    applied: _Applied | None = st.session_state.get(_APPLIED)
    if applied is None:
        _apply(st.session_state[state.RECIPE], basis)
    elif applied.basis != basis:
        if _changed(applied):
            _carry_over(applied, basis)
        else:
            _apply(st.session_state[state.RECIPE], basis)
    for key, value in st.session_state[_APPLIED].fields.items():
        st.session_state.setdefault(key, value)
    st.session_state[state.MOST_TOKENS] = min(int(st.session_state[state.MOST_TOKENS]), basis.max_tokens)


def _apply(name: str, basis: Basis) -> None:
    """Set every field as a preset has it."""
    recipe = preset_recipe(name, basis.names, basis.width, basis.task)
    fields = _fields(recipe, basis)
    st.session_state.update(fields)
    freeze(RECIPE_PRESETS[name].freezes, recipe.frozen, basis.names, basis.about)
    st.session_state[state.RECIPE] = name
    st.session_state[_APPLIED] = _Applied(basis, fields, recipe.frozen)


def _carry_over(applied: _Applied, basis: Basis) -> None:
    """Keep what was typed for another model or task; layers are frozen as they were, where the new model has them."""
    if basis.about != applied.basis.about:
        before = applied.basis.about
        kind, frozen = str(st.session_state[state.PRESET.of(before)]), frozen_layer_groups(before)
        known = it.finetuning.PRESETS
        same = it.finetuning.preset(kind, basis.names) if kind in known else ()
        freeze(kind, same or tuple(one for one in frozen if one in basis.names), basis.names, basis.about)
    st.session_state[_APPLIED] = replace(applied, basis=basis)


def _fields(recipe: it.Recipe, basis: Basis) -> dict[str, Any]:
    """Return what each field shows of a recipe."""
    return {
        state.HEAD_KIND: recipe.head,
        state.EPOCHS: recipe.epochs,
        state.RATE: recipe.learning_rate,
        "decay": recipe.layerwise_lr_decay,
        "batch": recipe.batch_size,
        state.MOST_TOKENS: min(recipe.max_length, basis.max_tokens),
        state.TRAIN_SEED: recipe.seed,
        "warm_up": recipe.warmup,
        "weight_decay": recipe.weight_decay,
        "masked": recipe.mask_rate,
        "short": recipe.short_rate,
        "pair_weight": recipe.pair_weight,
        "smoothing": recipe.label_smoothing,
        "balanced": recipe.balanced,
        "dropout": recipe.dropout,
        "patience": recipe.patience,
        state.TRAIN_PRECISION: recipe.precision,
        "snapshots": recipe.snapshots,
        state.LORA: bool(recipe.lora_rank),
        "lora_rank": recipe.lora_rank or _RANK,
        "replay": round(100 * recipe.replay),
        state.REGULARIZATION: recipe.regularization,
        "hold_strength": recipe.regularization_strength,
    }


def _changed(applied: _Applied) -> bool:
    """Tell whether a field says otherwise than the preset that was applied."""
    frozen = st.session_state.get(state.FROZEN.of(applied.basis.about), applied.frozen)
    fields = any(st.session_state.get(key, value) != value for key, value in applied.fields.items())
    return fields or set(frozen) != set(applied.frozen)


def preset_choice(basis: Basis) -> None:
    """Draw the choice of a preset; where a field was changed since, it says from which one the settings come."""
    names = preset_names()
    name = str(st.session_state[state.RECIPE])
    options = dict(names)
    custom = _changed(st.session_state[_APPLIED])
    if custom:
        options[_CUSTOM] = _("Custom (from {preset})").format(preset=names[name])
    widget = f"{state.RECIPE}:{language()}"
    st.session_state[widget] = _CUSTOM if custom else name

    def take() -> None:
        if st.session_state[widget] != _CUSTOM:
            _apply(st.session_state[widget], basis)

    st.segmented_control(
        _("Preset"),
        list(options),
        format_func=options.__getitem__,
        key=widget,
        on_change=take,
        required=True,
        label_visibility="collapsed",
    )


def preset_line(plan: it.finetuning.Plan, recipe: it.Recipe) -> None:
    """Say what the settings do, how long it will take here, and what they cost in quality."""
    time, epochs = duration(plan.seconds), recipe.epochs
    name = _CUSTOM if _changed(st.session_state[_APPLIED]) else str(st.session_state[state.RECIPE])
    does = {
        "quick": _n(
            "Trains the head and the upper half of the layers for {count} epoch; the lower half stays frozen, and is "
            "computed once.",
            "Trains the head and the upper half of the layers for {count} epochs; the lower half stays frozen, and is "
            "computed once.",
            epochs,
        ),
        "careful": _n(
            "Trains every layer for at most {count} epoch, the lower ones more gently, and stops when the validation "
            "loss no longer falls.",
            "Trains every layer for at most {count} epochs, the lower ones more gently, and stops when the validation "
            "loss no longer falls.",
            epochs,
        ),
        "lora": _n(
            "Trains small adapters in every layer for {count} epoch; the model's own weights stay frozen.",
            "Trains small adapters in every layer for {count} epochs; the model's own weights stay frozen.",
            epochs,
        ),
        _CUSTOM: _n(
            "Settings of your own, for {count} epoch: see “Advanced”.",
            "Settings of your own, for {count} epochs: see “Advanced”.",
            epochs,
        ),
    }[name]
    costs = {
        "quick": _(
            "Quality: Lee et al. (2019) kept 90% of it with only a quarter of the layers trained; on your rows the "
            "freezing-depth sweep under “Advanced” measures it."
        ),
        "careful": _(
            "Quality: nothing is frozen to save time. Where enough rows are held out, half of them choose the epoch "
            "and the result is measured on the others alone, so its interval is wider."
        ),
        "lora": _(
            "Quality: on par with training all weights in Hu et al. (2021), on models larger than MiniLM; on yours, "
            "the result says."
        ),
        _CUSTOM: "",
    }[name]
    takes = (
        _("**At most {time} here.**") if name == "careful" or recipe.patience else _("**About {time} here.**")
    ).format(time=time)
    st.markdown(sentences(does.format(count=f"{epochs:,}"), takes, costs))

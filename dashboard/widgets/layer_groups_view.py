"""The model as a stack whose layer groups are frozen by toggles."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.widgets.recipe_view import suggest_settings
from interpret.core.units import counted, learning_rate

_NAME_WIDTH = 120
# Blocks of the widest bar.
_WIDEST = 8


def preset_names() -> dict[str, str]:
    """Name what a preset freezes for the reader."""
    return {
        "lower half": _("embeddings and lower half of the layers"),
        "nothing": _("nothing"),
        "embeddings": _("the embeddings"),
        "all but the last quarter": _("embeddings and all but the last quarter of the layers"),
        "head only": _("all but the head"),
        "own": _("as set below"),
    }


def short_preset_names() -> dict[str, str]:
    """Name what a preset freezes in a run's name."""
    return {
        "lower half": _("lower half frozen"),
        "nothing": _("nothing frozen"),
        "embeddings": _("embeddings frozen"),
        "all but the last quarter": _("all but the last quarter frozen"),
        "head only": _("only the head trained"),
        "own": _("own choice of layers"),
    }


def layer_group_name(name: str) -> str:
    """Name a layer group for the reader."""
    # Not the name of the page, which is another word in other languages.
    named = {"embeddings": _("embeddings").capitalize(), "pooler": _("Pooler"), "head": _("Task head")}
    return named.get(name) or _("Layer {number}").format(number=name)


def preset_input(names: tuple[str, ...], width: int, about: str) -> None:
    """Draw the choice of what to freeze at once; it sets the toggles, and what goes well with them.

    Parameters
    ----------
    names
        The layer groups of the model.
    width
        Numbers of a hidden state.
    about
        Tells the model from others.
    """

    def take() -> None:
        _apply(str(st.session_state[widget]), names, width, about)

    presets = preset_names()
    widget = state.PRESET.of(about, state.chosen_language())
    st.session_state[widget] = st.session_state[state.PRESET.of(about)]
    st.selectbox(_("Freeze"), list(presets), format_func=presets.__getitem__, key=widget, on_change=take)


def _apply(preset: str, names: tuple[str, ...], width: int, about: str) -> None:
    if preset == "own":
        st.session_state[state.PRESET.of(about)] = preset
        return
    freeze(preset, it.finetuning.preset(preset, names), names, about)
    suggest_settings(width, preset == "head only")


def freeze(preset: str, frozen: tuple[str, ...], names: tuple[str, ...], about: str) -> None:
    """Freeze layer groups of a model, and note by which name."""
    st.session_state[state.PRESET.of(about)] = preset
    st.session_state[state.FROZEN.of(about)] = frozen
    for name in names:
        st.session_state[f"layer_group:{about}:{name}"] = name in frozen


def frozen_layer_groups(about: str) -> tuple[str, ...]:
    """Return what is frozen, before the stack is drawn."""
    return st.session_state[state.FROZEN.of(about)]


def layer_groups_view(plan: it.finetuning.Plan, rates: dict[str, float], about: str, names: tuple[str, ...]) -> None:
    """Draw the stack, head on top, with a toggle on each layer group that can be frozen."""

    def take(name: str) -> None:
        before = st.session_state[state.FROZEN.of(about)]
        # Adapters freeze the embeddings by themselves, which is nobody's choice.
        frozen = [
            one
            for one in names
            if (
                one in before if one == "embeddings" and adapted else st.session_state.get(f"layer_group:{about}:{one}")
            )
        ]
        st.session_state[state.FROZEN.of(about)] = tuple(frozen)
        st.session_state[state.PRESET.of(about)] = "own"

    adapted = bool(st.session_state.get(state.LORA))
    st.caption(_("Switch a layer on to freeze it: its weights stay as they are. The head is always trained."))
    most = max(layer_group.parameters for layer_group in plan.layer_groups)
    with st.container(gap=None, key="tower"):
        for layer_group in reversed(plan.layer_groups):
            row = st.container(horizontal=True, vertical_alignment="center", gap="small")
            key = f"layer_group:{about}:{layer_group.name}"
            if layer_group.name == "head":
                row.markdown(f"**{layer_group_name(layer_group.name)}**", width=_NAME_WIDTH)
            else:
                st.session_state[key] = layer_group.frozen
                row.toggle(
                    layer_group_name(layer_group.name),
                    key=key,
                    on_change=take,
                    args=(layer_group.name,),
                    width=_NAME_WIDTH,
                    disabled=adapted and layer_group.name == "embeddings",
                )
            # As wide as it is large, to the eye: layers differ little, embeddings and heads a lot.
            bar = "▇" * max(1, round(_WIDEST * (layer_group.parameters / most) ** 0.5))
            colour, word = (
                ("blue", _("frozen"))
                if layer_group.frozen
                else ("orange", _("learning rate {rate}").format(rate=learning_rate(rates[layer_group.name])))
            )
            count = counted(layer_group.parameters)
            if 0 < layer_group.learns < layer_group.parameters:
                count = _("{all} + {part} in adapters").format(part=counted(layer_group.learns), all=count)
            row.markdown(f":{colour}[{bar}] {count} · {word}", width="content")

"""The model as a tower whose floors are frozen by toggles."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.widgets.recipe_view import suggest_settings
from interpret.units import counted

_NAME_WIDTH = 120
# Blocks of the widest bar.
_WIDEST = 8
_PRESET = "preset"


def preset_names() -> dict[str, str]:
    """Name what a preset freezes for the reader."""
    return {
        "lower half": _("the lower half"),
        "nothing": _("nothing"),
        "embeddings": _("the embeddings"),
        "all but the last quarter": _("all but the last quarter"),
        "head only": _("all but the head"),
        "own": _("as toggled below"),
    }


def floor_name(name: str) -> str:
    """Name a floor for the reader."""
    named = {"embeddings": _("Embeddings"), "pooler": _("Pooler"), "head": _("Head")}
    return named.get(name) or _("Layer {number}").format(number=name)


def preset_input(names: tuple[str, ...], width: int, about: str) -> None:
    """Draw the choice of what to freeze at once; it sets the toggles, and what goes well with them.

    Parameters
    ----------
    names
        The floors of the model.
    width
        Numbers of a hidden state.
    about
        Tells the model from others.
    """
    if f"frozen:{about}" not in st.session_state:
        _apply("lower half", names, width, about)

    def take() -> None:
        _apply(str(st.session_state[widget]), names, width, about)

    presets = preset_names()
    widget = f"{_PRESET}:{about}:{state.asked_language()}"
    st.session_state[widget] = st.session_state[f"{_PRESET}:{about}"]
    st.selectbox(_("Freeze"), list(presets), format_func=presets.__getitem__, key=widget, on_change=take)


def _apply(preset: str, names: tuple[str, ...], width: int, about: str) -> None:
    st.session_state[f"{_PRESET}:{about}"] = preset
    if preset == "own":
        return
    frozen = it.preset(preset, names)
    st.session_state[f"frozen:{about}"] = frozen
    for name in names:
        st.session_state[f"floor:{about}:{name}"] = name in frozen
    suggest_settings(width, preset == "head only")


def frozen_floors(about: str) -> tuple[str, ...]:
    """Return what is frozen, before the tower is drawn."""
    return st.session_state[f"frozen:{about}"]


def tower_view(plan: it.Plan, rates: dict[str, float], about: str, names: tuple[str, ...]) -> None:
    """Draw the tower, head on top, with a toggle on each floor that can be frozen."""

    def take(name: str) -> None:
        before = st.session_state[f"frozen:{about}"]
        # Adapters freeze the embeddings by themselves, which is nobody's choice.
        frozen = [
            one
            for one in names
            if (one in before if one == "embeddings" and adapted else st.session_state.get(f"floor:{about}:{one}"))
        ]
        st.session_state[f"frozen:{about}"] = tuple(frozen)
        st.session_state[f"{_PRESET}:{about}"] = "own"

    adapted = bool(st.session_state.get("lora"))
    st.caption(_("On: frozen, it stays as it is. The head always learns."))
    most = max(floor.parameters for floor in plan.floors)
    with st.container(gap=None, key="tower"):
        for floor in reversed(plan.floors):
            row = st.container(horizontal=True, vertical_alignment="center", gap="small")
            key = f"floor:{about}:{floor.name}"
            if floor.name == "head":
                row.markdown(f"**{floor_name(floor.name)}**", width=_NAME_WIDTH)
            else:
                st.session_state[key] = floor.frozen
                row.toggle(
                    floor_name(floor.name),
                    key=key,
                    on_change=take,
                    args=(floor.name,),
                    width=_NAME_WIDTH,
                    disabled=adapted and floor.name == "embeddings",
                )
            # As wide as it is large, to the eye: layers differ little, embeddings and heads a lot.
            bar = "▇" * max(1, round(_WIDEST * (floor.parameters / most) ** 0.5))
            colour, word = (
                ("blue", _("frozen"))
                if floor.frozen
                else ("orange", _("learns at {rate}").format(rate=f"{rates[floor.name]:.1e}"))
            )
            count = counted(floor.parameters)
            if 0 < floor.learns < floor.parameters:
                count = _("{part} beside {all}").format(part=counted(floor.learns), all=count)
            row.markdown(f":{colour}[{bar}] {count} · {word}", width="content")

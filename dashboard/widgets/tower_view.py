"""The model as a tower whose floors are frozen by toggles, and all else that a recipe says."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.widgets.choices import choose
from interpret.units import counted

# What a preset is begun with: head, rate and epochs. Rates of the BERT paper where layers learn, of Turc et al. 2019
# for compact models, and far higher ones where only a head does.
_SUGGESTED = {"head": ("linear", 2e-2, 20), "layers": ("own", 5e-5, 3), "small": ("own", 2e-4, 4)}
_SMALL_WIDTH = 512
_NAME_WIDTH = 120
# Blocks of the widest bar.
_WIDEST = 8
_PRESET, _HEAD_KIND = "preset", "head_kind"


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


def head_names() -> dict[str, str]:
    """Name each head for the reader."""
    return {
        "own": _("the architecture's own, on [CLS]"),
        "linear": _("linear, on the mean of all pieces"),
        "mlp": _("MLP: one hidden layer"),
        "textcnn": _("TextCNN: windows of 3, 4 and 5 pieces"),
        "bilstm": _("BiLSTM: reads both ways"),
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
    head, rate, epochs = _SUGGESTED["head" if preset == "head only" else "small" if width < _SMALL_WIDTH else "layers"]
    st.session_state[_HEAD_KIND] = head
    st.session_state["rate"] = rate
    st.session_state["epochs"] = epochs


def frozen_floors(about: str) -> tuple[str, ...]:
    """Return what is frozen, before the tower is drawn."""
    return st.session_state[f"frozen:{about}"]


def tower_view(plan: it.Plan, rates: dict[str, float], about: str, names: tuple[str, ...]) -> None:
    """Draw the tower, head on top, with a toggle on each floor that can be frozen."""

    def take(name: str) -> None:
        frozen = [one for one in names if st.session_state.get(f"floor:{about}:{one}")]
        st.session_state[f"frozen:{about}"] = tuple(frozen)
        st.session_state[f"{_PRESET}:{about}"] = "own"

    st.caption(_("On: frozen, it stays as it is. The head is new and has to learn."))
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
                )
            # As wide as it is large, to the eye: layers differ little, embeddings and heads a lot.
            bar = "▇" * max(1, round(_WIDEST * (floor.parameters / most) ** 0.5))
            colour, word = (
                ("blue", _("frozen"))
                if floor.frozen
                else ("orange", _("learns at {rate}").format(rate=f"{rates[floor.name]:.1e}"))
            )
            row.markdown(f":{colour}[{bar}] {counted(floor.parameters)} · {word}", width="content")


def settings_input(task: str, most_tokens: int) -> dict[str, object]:
    """Draw everything of a recipe but what is frozen, and return it as keywords of `interpret.Recipe`."""
    heads = head_names() if task != "token classes" else {"own": _("the architecture's own, on each word")}
    head = choose(st.selectbox, _("Head"), heads, _HEAD_KIND)
    first, second, third = st.columns([5, 7, 6])
    state.seed("epochs", 3)
    epochs = first.number_input(_("Epochs"), 1, 1000, key="epochs", persist_state="session")
    rate = second.number_input(
        _("Learning rate"),
        1e-8,
        100.0,
        key="rate",
        format="%.2e",
        step=1e-5,
        persist_state="session",
        help=_(
            "Of the head, at its height. 2e-5 to 5e-5 where layers learn (Devlin et al. 2019), 1e-3 and more for "
            "a head alone."
        ),
    )
    decay = third.number_input(
        _("× per floor below"),
        0.1,
        1.0,
        1.0,
        0.05,
        key="decay",
        persist_state="session",
        help=_("Layer-wise decay (Howard & Ruder 2018): lower floors know more general things, and should move less."),
    )
    batch = first.number_input(_("Texts a step"), 1, 1024, 16, key="batch", persist_state="session")
    tokens = second.number_input(
        _("Pieces read of a text"), 8, most_tokens, min(128, most_tokens), key="max_tokens", persist_state="session"
    )
    seed = third.number_input(_("Seed"), 0, 99_999, 0, key="train_seed", persist_state="session")
    with st.popover(_("More settings"), icon=":material/tune:"):
        warm_up = st.slider(
            _("Warm-up: share of the steps"), 0.0, 0.5, 0.1, 0.05, key="warm_up", persist_state="session"
        )
        weight_decay = st.slider(_("Weight decay"), 0.0, 0.2, 0.01, 0.01, key="weight_decay", persist_state="session")
        smoothing = st.slider(_("Label smoothing"), 0.0, 0.3, 0.0, 0.05, key="smoothing", persist_state="session")
        balanced = st.toggle(_("Rarer classes count for more"), key="balanced", persist_state="session")
        patience = st.number_input(
            _("Stop after so many epochs without a better loss; 0 for never"),
            0,
            100,
            0,
            key="patience",
            persist_state="session",
        )
        mixed = st.toggle(
            _("Mixed precision (bfloat16)"),
            key="mixed",
            persist_state="session",
            help=_("Faster on GPUs that have it; weights stay in float32."),
        )
    return {
        "head": head,
        "epochs": int(epochs),
        "learning_rate": float(rate),
        "layer_decay": float(decay),
        "batch": int(batch),
        "max_tokens": int(tokens),
        "seed": int(seed),
        "warm_up": float(warm_up),
        "weight_decay": float(weight_decay),
        "label_smoothing": float(smoothing),
        "balanced": bool(balanced),
        "patience": int(patience),
        "precision": "bfloat16" if mixed else "float32",
    }

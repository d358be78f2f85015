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
# Hu et al. 2021, table 9: 2e-4 to 5e-4 for RoBERTa; compact models take more.
_ADAPTED_RATES = {"layers": 5e-4, "small": 2e-3}
_RANK = 8
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
    kind = "head" if preset == "head only" else "small" if width < _SMALL_WIDTH else "layers"
    head, rate, epochs = _SUGGESTED[kind]
    if st.session_state.get("lora"):
        rate = _ADAPTED_RATES.get(kind, rate)
    st.session_state[_HEAD_KIND] = head
    st.session_state["rate"] = rate
    st.session_state["epochs"] = epochs


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


def settings_input(task: str, most_tokens: int, width: int, past: bool) -> dict[str, object]:
    """Draw everything of a recipe but what is frozen, and return it as keywords of `interpret.Recipe`.

    Parameters
    ----------
    width
        Numbers of a hidden state.
    past
        Whether the model is that of a run, which knows what it learned from.
    """
    plays = task in it.GAMES
    heads = {
        "token classes": {"own": _("the architecture's own, on each word")},
        **{key: {"own": _("the architecture's own: every piece of the vocabulary")} for key in it.GAMES},
    }.get(task) or head_names()
    head = choose(st.selectbox, _("Head"), heads, _HEAD_KIND)
    rank = _adapters_input(width)
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
        smoothing, balanced, masked, short, pair_weight = 0.0, False, 0.15, 0.1, 1.0
        if plays:
            masked = st.slider(
                _("Share of the pieces to be guessed"),
                0.05,
                0.5,
                0.15,
                0.05,
                key="masked",
                persist_state="session",
                help=_("Of these 80 % are masked, 10 % replaced and 10 % kept (Devlin et al. 2019)."),
            )
            short = st.slider(
                _("Share of the passages read short"),
                0.0,
                1.0,
                0.1,
                0.05,
                key="short",
                persist_state="session",
                help=_(
                    "Of these only one to three sentences are read, so that it learns short texts too; at every pass "
                    "it is other passages. One in ten in BERT's own code."
                ),
            )
            if task == it.GAMES[1]:
                pair_weight = st.number_input(
                    _("Weight of next sentences"),
                    0.1,
                    20.0,
                    1.0,
                    0.5,
                    key="pair_weight",
                    persist_state="session",
                    help=_(
                        "How much the loss of the second game counts beside that of the words: 1 in the BERT paper. A "
                        "short training learns the words alone then."
                    ),
                )
        else:
            smoothing = st.slider(_("Label smoothing"), 0.0, 0.3, 0.0, 0.05, key="smoothing", persist_state="session")
            balanced = st.toggle(_("Rarer classes count for more"), key="balanced", persist_state="session")
        dropout = st.toggle(
            _("Dropout"),
            True,
            key="dropout",
            persist_state="session",
            help=_("Drops some states at random, against learning by heart. Much text read a few times needs none."),
        )
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
            help=_("Faster on GPUs that have it, and on recent processors; weights stay in float32."),
        )
        snapshots = st.number_input(
            _("Moments kept on the way, to be looked into"),
            0,
            20,
            3,
            key="snapshots",
            persist_state="session",
            help=_(
                "Each is as large on disk as the floors that change; with adapters as the maps that they are added to."
            ),
        )
    return {
        **_memory_input(bool(rank), past),
        "lora_rank": rank,
        "snapshots": int(snapshots),
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
        "masked": float(masked),
        "short": float(short),
        "pair_weight": float(pair_weight),
        "dropout": bool(dropout),
        "patience": int(patience),
        "precision": "bfloat16" if mixed else "float32",
    }


def _adapters_input(width: int) -> int:
    """Draw whether adapters learn in the layers' place; returns their rank, or 0."""

    def take() -> None:
        # What suits the one is far off for the other.
        kind = "small" if width < _SMALL_WIDTH else "layers"
        on = st.session_state["lora"]
        st.session_state["rate"] = _ADAPTED_RATES[kind] if on else _SUGGESTED[kind][1]

    left, right = st.columns([3, 2], vertical_alignment="bottom")
    on = left.toggle(
        _("Adapters in the layers (LoRA)"),
        key="lora",
        persist_state="session",
        on_change=take,
        help=_(
            "The layers' weights stay, and a product of two narrow matrices beside each of their linear maps learns "
            "(Hu et al. 2021). In the end it is added to the weights, and kept as a small file of its own for PEFT."
        ),
    )
    rank = right.number_input(_("Rank"), 1, 256, _RANK, key="lora_rank", persist_state="session", disabled=not on)
    return int(rank) if on else 0


def _memory_input(adapted: bool, past: bool) -> dict[str, object]:
    """Draw what is done against forgetting, and return it as keywords of `interpret.Recipe`."""
    holds = {
        "none": _("nothing"),
        "l2": _("all alike (L2-SP)"),
        **({"ewc": _("by what the old task needs (EWC)")} if past else {}),
    }
    with st.popover(_("Against forgetting"), icon=":material/history:"):
        if not past:
            st.caption(
                _("More is offered where a run is gone on from: choose its model at the side, or “Go on from here”.")
            )
        replay = 0
        if past:
            replay = st.slider(
                _("Old examples among those it learns from, in percent"),
                0,
                90,
                0,
                5,
                key="replay",
                persist_state="session",
                help=_("Drawn from what the run learned from whose model this is (rehearsal)."),
            )
        hold = "none"
        if adapted:
            st.caption(_("Adapters leave the weights where they are: nothing has to hold them."))
        else:
            hold = choose(st.selectbox, _("Hold the layers where they are"), holds, "hold")
        strength = st.number_input(
            _("How strongly"),
            0.0,
            1e6,
            0.1,
            key="hold_strength",
            format="%.3g",
            persist_state="session",
            disabled=hold == "none",
            help=_("λ in λ/2 · Σ f (w − w₀)²; f is 1, or for EWC the Fisher information, 1 on average."),
        )
    return {"replay": replay / 100, "hold": hold, "hold_strength": float(strength)}

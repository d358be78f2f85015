"""How a model is to learn: all that a recipe says but what is frozen."""

from __future__ import annotations

from typing import Any

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.widgets.choices import choose
from interpret.core.heads import HEADS
from interpret.finetuning.recipe import suited


def head_names(first: str | None) -> dict[str, str]:
    """Name each head for the reader; ``first`` is what the tokenizer calls the token before a text."""
    return {
        "own": _("the architecture's own head, on {token}").format(token=first or _("the first token")),
        **{name: _(one.title) for name, one in HEADS.items()},
    }


def suggest_settings(width: int, alone: bool) -> None:
    """Set the head, its rate and the epochs to what suits.

    Parameters
    ----------
    width
        Numbers of a hidden state.
    alone
        Whether nothing but the head learns.
    """
    # The files that come with the dashboard have classes, whatever was chosen for another one.
    task = (
        str(st.session_state.get(state.TASK, state.TASK.default))
        if st.session_state.get(state.DATA) == "file"
        else "classes"
    )
    found = suited(alone, width, task, bool(st.session_state.get(state.LORA)))
    st.session_state[state.HEAD_KIND] = found.head
    st.session_state[state.RATE] = found.learning_rate
    st.session_state[state.EPOCHS] = found.epochs


def settings_input(
    task: str, most_tokens: int, alone: bool, width: int, past: bool, first: str | None
) -> dict[str, Any]:
    """Draw everything of a recipe but what is frozen, and return it as keywords of `interpret.Recipe`.

    Every field has its value already: see `dashboard.widgets.recipe_presets.settle_fields`.

    Parameters
    ----------
    alone
        Whether nothing but the head learns.
    width
        Numbers of a hidden state.
    past
        Whether the model is that of a run, which knows what it learned from.
    first
        What its tokenizer calls the token before a text.
    """
    objective = it.finetuning.find_objective(task)
    heads = {"own": _(objective.head_about)} if objective.head_about else head_names(first)
    head = choose(st.selectbox, _("Task head"), heads, state.HEAD_KIND)
    rank = _adapters_input(task, alone, width)
    steps = _steps_input(most_tokens)
    with st.popover(_("More settings"), icon=":material/tune:"):
        warm_up = st.slider(
            _("Warmup (share of the steps)"), 0.0, 0.5, step=0.05, key="warm_up", persist_state="session"
        )
        weight_decay = st.slider(_("Weight decay"), 0.0, 0.2, step=0.01, key="weight_decay", persist_state="session")
        of_task = _objective_input(objective)
        more = _training_input()
    return {
        **_memory_input(bool(rank), past),
        **steps,
        **of_task,
        **more,
        "head": head,
        "lora_rank": rank,
        "warmup": float(warm_up),
        "weight_decay": float(weight_decay),
    }


def _steps_input(most_tokens: int) -> dict[str, Any]:
    """Draw what a step is, and how far it goes."""
    # Two rows: a label of two lines moves no field below it.
    first, second, third = st.columns([5, 7, 6], vertical_alignment="bottom")
    epochs = first.number_input(_("Epochs"), 1, 1000, key=state.EPOCHS, persist_state="session")
    rate = second.number_input(
        _("Learning rate"),
        1e-8,
        100.0,
        key=state.RATE,
        format="%e",
        step=1e-5,
        persist_state="session",
        on_change=_round_rate,
        help=_(
            "Peak learning rate of the head. 2e-5 to 5e-5 if layers are trained (Devlin et al. 2019), 1e-3 or more "
            "for a head alone."
        ),
    )
    decay = third.number_input(
        _("Layer-wise LR decay"),
        0.1,
        1.0,
        step=0.05,
        key="decay",
        persist_state="session",
        help=_(
            "Layer-wise learning-rate decay (Howard & Ruder 2018): lower layers hold more general knowledge and "
            "should change less."
        ),
    )
    first, second, third = st.columns([5, 7, 6], vertical_alignment="bottom")
    batch = first.number_input(_("Batch size"), 1, 1024, key="batch", persist_state="session")
    tokens = second.number_input(
        _("Max length (tokens)"),
        8,
        most_tokens,
        key=state.MOST_TOKENS,
        persist_state="session",
    )
    seed = third.number_input(_("Seed"), 0, 99_999, key=state.TRAIN_SEED, persist_state="session")
    return {
        "epochs": int(epochs),
        "learning_rate": float(rate),
        "layerwise_lr_decay": float(decay),
        "batch_size": int(batch),
        "max_length": int(tokens),
        "seed": int(seed),
    }


def _round_rate() -> None:
    # Steps of 1e-5 add up to 3.0000000000000004e-05, and the field shows every digit.
    st.session_state[state.RATE] = float(f"{st.session_state[state.RATE]:.6g}")


def _objective_input(objective: it.finetuning.Objective) -> dict[str, Any]:
    """Draw the settings that apply to an objective, and return them."""
    return {
        **(_classes_input() if objective.classifies else {}),
        **(_masking_input() if objective.masks else {}),
        **(_pair_input() if objective.pairs_weigh else {}),
    }


def _masking_input() -> dict[str, Any]:
    """Draw which tokens of running text are masked."""
    masked = st.slider(
        _("Masking rate (share of tokens to predict)"),
        0.05,
        0.5,
        step=0.05,
        key="masked",
        persist_state="session",
        help=_("Of these tokens, 80% are masked, 10% replaced and 10% kept (Devlin et al. 2019)."),
    )
    short = st.slider(
        _("Share of shortened passages"),
        0.0,
        1.0,
        step=0.05,
        key="short",
        persist_state="session",
        help=_(
            "Only one to three sentences of these passages are read, so that the model also learns from short texts; "
            "every epoch draws other passages. BERT's own code shortens one in ten."
        ),
    )
    return {"mask_rate": float(masked), "short_rate": float(short)}


def _pair_input() -> dict[str, Any]:
    """Draw how much next sentences count."""
    weight = st.number_input(
        _("Weight of the next-sentence loss"),
        0.1,
        20.0,
        step=0.5,
        key="pair_weight",
        persist_state="session",
        help=_(
            "Weight of the next-sentence loss relative to the masked-word loss: 1 in the BERT paper. With 1, a "
            "short training learns only the masked words."
        ),
    )
    return {"pair_weight": float(weight)}


def _classes_input() -> dict[str, Any]:
    """Draw how labels count."""
    smoothing = st.slider(_("Label smoothing"), 0.0, 0.3, step=0.05, key="smoothing", persist_state="session")
    balanced = st.toggle(_("Class weights (inverse frequency)"), key="balanced", persist_state="session")
    return {"label_smoothing": float(smoothing), "balanced": bool(balanced)}


def _training_input() -> dict[str, Any]:
    """Draw what every training may be told."""
    dropout = st.toggle(
        _("Dropout"),
        key="dropout",
        persist_state="session",
        help=_(
            "Drops some hidden states at random to reduce overfitting. Not needed for much text that is read only "
            "a few times."
        ),
    )
    patience = st.number_input(
        _("Early stopping: patience in epochs without a better validation loss (0 = off)"),
        0,
        100,
        key="patience",
        persist_state="session",
    )
    precision = choose(
        st.selectbox,
        _("Precision"),
        {"auto": _("automatic"), "float32": "float32", "bfloat16": _("mixed (bfloat16)")},
        state.TRAIN_PRECISION,
        help=_(
            "Mixed precision multiplies in bfloat16, which is faster on GPUs that support it and on recent "
            "processors; weights stay in float32. Automatic chooses it on such GPUs, unless it changes the texts' "
            "vectors too much."
        ),
    )
    snapshots = st.number_input(
        _("Snapshots to keep during training"),
        0,
        20,
        key="snapshots",
        persist_state="session",
        help=_(
            "Each takes as much disk space as the layers that change; with adapters, as much as the linear maps "
            "they are merged into."
        ),
    )
    return {
        "dropout": bool(dropout),
        "patience": int(patience),
        "precision": precision,
        "snapshots": int(snapshots),
    }


def _adapters_input(task: str, alone: bool, width: int) -> int:
    """Draw whether adapters learn in the layers' place; returns their rank, or 0."""

    def take() -> None:
        # What suits the one is far off for the other.
        st.session_state[state.RATE] = suited(alone, width, task, bool(st.session_state[state.LORA])).learning_rate

    left, right = st.columns([3, 2], vertical_alignment="bottom")
    on = left.toggle(
        _("LoRA adapters in the layers"),
        key=state.LORA,
        persist_state="session",
        on_change=take,
        help=_(
            "The layers' weights are frozen; beside each of their linear maps, a product of two narrow matrices is "
            "trained (Hu et al. 2021). After training it is merged into the weights, and also saved as a small "
            "adapter file for PEFT."
        ),
    )
    rank = right.number_input(_("Rank"), 1, 256, key="lora_rank", persist_state="session", disabled=not on)
    return int(rank) if on else 0


def _memory_input(adapted: bool, past: bool) -> dict[str, Any]:
    """Draw what is done against forgetting, and return it as keywords of `interpret.Recipe`."""
    holds = {
        "none": _("none"),
        "l2": _("L2-SP (all weights alike)"),
        **({"ewc": _("EWC (weighted by importance for the old task)")} if past else {}),
    }
    with st.popover(_("Prevent forgetting"), icon=":material/history:"):
        if not past:
            st.caption(
                _(
                    "There are more options if training continues from another run: choose it under “Starts from”, "
                    "or “Continue training from this run” at its results."
                )
            )
        replay = 0
        if past:
            replay = st.slider(
                _("Replay: old examples in the training set (%)"),
                0,
                90,
                step=5,
                key="replay",
                persist_state="session",
                help=_("Drawn from the training set of the parent run (rehearsal)."),
            )
        regularization = "none"
        if adapted:
            st.caption(_("Adapters leave the original weights unchanged, so no regularization is needed."))
        else:
            regularization = choose(
                st.selectbox, _("Regularization towards the initial weights"), holds, state.REGULARIZATION
            )
        strength = st.number_input(
            _("Regularization strength (λ)"),
            0.0,
            1e6,
            key="hold_strength",
            format="%.3g",
            persist_state="session",
            disabled=regularization == "none",
            help=_("λ in λ/2 · Σ f (w − w₀)²; f is 1 for L2-SP, and the Fisher information (1 on average) for EWC."),
        )
    return {"replay": replay / 100, "regularization": regularization, "regularization_strength": float(strength)}

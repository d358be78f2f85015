"""What a fine-tune will take and what to think twice about, before it is started."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard.language import _, explain
from interpret.core.units import counted, duration, gigabytes
from interpret.finetuning.plan import describe_plan

_MOST_PROBES = 10
# Bytes on disk that are worth a word.
_MUCH_ROOM = 200_000_000


def plan_view(plan: it.finetuning.Plan, recipe: it.Recipe) -> None:
    """Draw what it will take."""
    first, second, third = st.columns(3)
    total = plan.trainable + plan.frozen
    first.metric(
        _("Learns"), counted(plan.trainable), f"{plan.trainable / total:.1%}", delta_color="off", delta_arrow="off"
    )
    second.metric(
        _("Takes about"),
        duration(plan.seconds),
        _("{steps} steps").format(steps=f"{plan.steps:,}"),
        delta_color="off",
        delta_arrow="off",
        help=_("From a step that was timed on this device; starting takes some seconds more."),
    )
    third.metric(
        _("Memory"),
        f"{gigabytes(plan.memory)} GB",
        _("{free} GB free").format(free=gigabytes(plan.free)),
        delta_color="off",
        delta_arrow="off",
        help=_("At the most, for a process of its own."),
    )
    if plan.kept >= 0:
        layers = sum(layer_group.name.isdigit() for layer_group in plan.layer_groups)
        st.caption(
            _(
                "The embeddings and the lowest {kept} of {layers} layers are frozen: what they make of each text is "
                "computed once and kept. Frozen layers run without dropout, kept or not."
            ).format(kept=plan.kept, layers=layers)
        )

    # Weights that changed, in float32; adapters change whole maps.
    changed = sum(layer_group.parameters for layer_group in plan.layer_groups if layer_group.learns)
    room = 4 * changed * recipe.snapshots
    if room > _MUCH_ROOM:
        st.caption(
            _(
                "{count} moments on the way are kept, and take up to {size} GB on disk. “More settings” has how many."
            ).format(count=recipe.snapshots, size=gigabytes(room))
        )


def cautions_view(plan: it.finetuning.Plan, recipe: it.Recipe) -> None:
    """Say what to think twice about; that there is little to judge by stands with the rows."""
    for name, sentence in describe_plan(plan, recipe).items():
        if name in ("memory", "high rate", "slow head"):
            st.warning(explain(sentence), icon=":material/warning:")
        else:
            st.caption(":material/lightbulb: " + explain(sentence))


def probes_input(examples: it.finetuning.Examples, judged: np.ndarray, task: str) -> tuple[str, ...]:
    """Draw the sentences that are watched while the model learns."""
    if task == "token classes":
        return ()
    some = [examples.texts[int(place)] for place in judged[:: max(1, len(judged) // 3)]][:3]
    with st.expander(_("Sentences to watch while it learns")):
        label = (
            _("One a line, {most} at the most. They are compared inside the model before and after.")
            if task in it.finetuning.GAMES
            else _(
                "One a line, {most} at the most. Their answers are noted after every epoch, and they are "
                "compared inside the model before and after."
            )
        )
        text = st.text_area(
            label.format(most=_MOST_PROBES),
            "\n".join(" ".join(one.split()) for one in some),
            key=f"probes:{hash(tuple(some))}",
            height=110,
            persist_state="session",
        )
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())[:_MOST_PROBES]

"""What a fine-tune will take and what to think twice about, before it is started."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard.language import _, _n, explain
from dashboard.numbers import duration
from interpret.core.units import counted, gigabytes
from interpret.finetuning.plan import describe_plan

_MOST_PROBES = 10
# Bytes on disk that are worth a word.
_MUCH_ROOM = 200_000_000


def plan_view(plan: it.finetuning.Plan, recipe: it.Recipe) -> None:
    """Draw what it will take."""
    total = plan.trainable + plan.frozen
    # Each as wide as its words, which columns of one width would cut.
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            _("Trainable parameters"),
            counted(plan.trainable),
            f"{plan.trainable / total:.1%}",
            delta_color="off",
            delta_arrow="off",
            width="content",
        )
        st.metric(
            _("Estimated time"),
            duration(plan.seconds),
            _n("{steps} step", "{steps} steps", plan.steps).format(steps=f"{plan.steps:,}"),
            delta_color="off",
            delta_arrow="off",
            width="content",
            help=_("Extrapolated from one step timed on this device; starting takes some seconds more."),
        )
        memory = [gigabytes(int(one)) for one in plan.memory or ()]
        free = _("{free} GB free").format(free=gigabytes(plan.free))
        st.metric(
            _("Memory"),
            f"{memory[1]} GB" if memory else _("unknown"),
            # Ends that round to the same say nothing.
            _("{low} to {high} GB · {free}").format(low=memory[0], high=memory[2], free=free)
            if memory and memory[0] != memory[2]
            else free,
            delta_color="off",
            delta_arrow="off",
            width="content",
            help=_(
                "Peak of the training process: tensors counted as on the Resources page, where “Measured here” makes "
                "the interval narrower, and what the trainer has beside them."
            )
            if memory
            else _("It cannot be counted ahead for this model; the Resources page says why."),
        )
    if plan.kept >= 0:
        layers = sum(layer_group.name.isdigit() for layer_group in plan.layer_groups)
        st.caption(
            _(
                "Frozen: the embeddings, and of the layers the lowest {kept} of {layers}; their output for each "
                "text is computed once and cached. Frozen layers run without dropout, cached or not."
            ).format(kept=plan.kept, layers=layers)
        )

    # Weights that changed, in float32; adapters change whole maps.
    changed = sum(layer_group.parameters for layer_group in plan.layer_groups if layer_group.learns)
    room = 4 * changed * recipe.snapshots
    if room > _MUCH_ROOM:
        st.caption(
            _n(
                "{count} snapshot is kept during training and takes up to {size} GB of disk space. Change the number "
                "in “More settings”.",
                "{count} snapshots are kept during training and take up to {size} GB of disk space. Change the number "
                "in “More settings”.",
                recipe.snapshots,
            ).format(count=recipe.snapshots, size=gigabytes(room))
        )


def cautions_view(plan: it.finetuning.Plan, recipe: it.Recipe) -> None:
    """Say what to think twice about; that there is little to judge by stands with the rows."""
    for name, sentence in describe_plan(plan, recipe).items():
        if name in ("memory", "high rate", "slow head"):
            st.warning(explain(sentence), icon=":material/warning:")
        else:
            st.caption(":material/lightbulb: " + explain(sentence))


def probes_input(examples: it.finetuning.Examples, test: np.ndarray, task: str) -> tuple[str, ...]:
    """Draw the sentences that are watched while the model learns."""
    objective = it.finetuning.find_objective(task)
    if objective.source == "tags":
        return ()
    some = [examples.texts[int(index)] for index in test[:: max(1, len(test) // 3)]][:3]
    label = (
        _(
            "Sentences to track during training: one per line, at most {most}. The model's internals on them are "
            "compared before and after training."
        )
        if not objective.tracks_answers
        else _(
            "Sentences to track during training: one per line, at most {most}. Predictions for them are recorded "
            "after every epoch, and the model's internals on them are compared before and after training."
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

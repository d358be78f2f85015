"""A run as it goes: chosen, stopped, resumed, deleted, and drawn while it learns."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, ownership, state
from dashboard.cache import Labelled
from dashboard.figures.finetuning import MOST_POINTS, gradient_map, loss_curve, rate_curve, score_curve
from dashboard.language import _, _n, explain, literal
from dashboard.numbers import duration, listed, number
from dashboard.widgets.choices import choose
from dashboard.widgets.layer_groups_view import layer_group_name
from dashboard.widgets.models import model_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_actions import delete_popover, files_button, resume_button, stop_button
from interpret.core.units import gigabytes, learning_rate
from interpret.finetuning.metrics_log import examples_a_second
from interpret.finetuning.request import data_file, file_of_test_data
from interpret.finetuning.run_files import read_bytes
from interpret.finetuning.splits import Split

# Seconds between two looks at a run that is at work: drawing takes from the same cores where there is no GPU.
_LOOK = 2.0
_MOST_RUNS = 200


def state_names() -> dict[str, str]:
    """Name each state of a run for the reader."""
    return {
        "waiting": _("queued"),
        "running": _("training"),
        "stopping": _("stopping"),
        "stopped": _("stopped"),
        "interrupted": _("interrupted"),
        "failed": _("failed"),
        "done": _("done"),
        "damaged": _("damaged"),
    }


def watched(run_id: str) -> it.runs.Run:
    """Read a run by its id.

    Raises
    ------
    InputError
        If there is none.
    """
    return ownership.run(run_id)


def run_choice() -> it.runs.Run | None:
    """Draw the choice of a run, the newest first; None where there is none."""
    runs = ownership.runs()[:_MOST_RUNS]
    if not runs:
        return None
    names = state_names()
    labels = {
        run.id: f"{run.request.name} · {names[run.state]} · {time.strftime('%m-%d %H:%M', time.localtime(run.queued))}"
        for run in runs
    }
    chosen = choose(st.selectbox, _("Run"), labels, state.RUN)
    state.publish(state.RUN)
    return next(run for run in runs if run.id == chosen)


def run_buttons(run: it.runs.Run) -> None:
    """Draw what can be done to a run."""
    with st.container(horizontal=True, vertical_alignment="center"):
        stop_button(run, "stop_run")
        resume_button(run, "resume_run")
        delete_popover(run, "delete_run", lambda: st.session_state.pop(state.RUN, None))
        if run.state == "damaged":
            files_button(run, "files_run")
        else:
            st.caption(_facts(run))
    if run.error is not None:
        st.error(explain(run.error), icon=":material/error:")
    if run.state == "interrupted":
        st.warning(
            _("The process ended unexpectedly. Resume continues from the last checkpoint, as if it had never stopped."),
            icon=":material/power_off:",
        )


def _facts(run: it.runs.Run) -> str:
    recipe = run.request.recipe
    frozen = listed(literal(layer_group_name(one)) for one in recipe.frozen) or _("nothing")
    return " · ".join(
        [
            literal(model_name(run.request.base or recipe.model)),
            literal(run.request.data),
            _("frozen: {layer_groups}").format(layer_groups=frozen),
            *([_("LoRA rank {rank}").format(rank=recipe.lora_rank)] if recipe.lora_rank else []),
            *([_("replay: {share} old examples").format(share=f"{recipe.replay:.0%}")] if recipe.replay else []),
            *(
                [_("regularization: {how}").format(how=recipe.regularization.upper())]
                if recipe.regularization != "none"
                else []
            ),
            _n("{count} epoch at learning rate {rate}", "{count} epochs at learning rate {rate}", recipe.epochs).format(
                count=recipe.epochs, rate=learning_rate(recipe.learning_rate)
            ),
        ]
    )


def run_live(run_id: str, active: bool) -> None:
    """Draw how a run goes, again and again while it is at work."""
    st.fragment(guarded(_live), run_every=_LOOK if active else None)(run_id, active)


def _live(run_id: str, active: bool) -> None:
    run = watched(run_id)
    if run.state == "damaged":
        return
    if active and not run.active:
        # Its results are below, and nothing has to look again.
        st.rerun()
    metrics = it.runs.read_metrics(run.folder)
    if run.state == "waiting":
        ahead = ownership.waits_for(run)
        st.info(
            _(
                "Waiting for “{name}”, which is using this device or is ahead in the queue. Waiting does not count as "
                "training time."
            ).format(name=literal(ahead))
            if ahead
            else _("Waiting: another run is using this device, or the process is starting."),
            icon=":material/hourglass:",
        )
    if metrics.damaged:
        st.warning(
            _n(
                "{count} line of the metrics log cannot be read and is left out of the curves.",
                "{count} lines of the metrics log cannot be read and are left out of the curves.",
                metrics.damaged,
            ).format(count=f"{metrics.damaged:,}"),
            icon=":material/broken_image:",
        )
    if not len(metrics.number):
        if active and run.read:
            read = _("Computing the frozen layers' output, once per text: {share}").format(share=f"{run.read:.0%}")
            st.progress(min(run.read, 1.0), read)
        elif active:
            st.progress(0.0, _("Starting …"))
        return
    if active:
        share = run.step / max(run.steps, 1)
        st.progress(min(share, 1.0), _progress(run, metrics))
    _tiles(run, metrics)
    _curves(run, metrics)


def _curves(run: it.runs.Run, metrics: it.runs.MetricsLog) -> None:
    objective = it.finetuning.find_objective(run.request.task)
    majority = float(run.rows.get("majority", run.facts.get("majority", np.nan)))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### " + _("Loss"))
        st.plotly_chart(loss_curve(metrics, run.steps), key="live_loss")
    with right:
        if run.request.recipe.patience:
            help_ = _(
                "Measured after every epoch on the validation set, which chooses the epoch that is kept, so the best "
                "point is optimistic. The final evaluation is below."
            )
        else:
            help_ = None
        st.markdown("##### " + _(objective.score_title), help=help_)
        st.plotly_chart(score_curve(metrics, run.steps, majority, _(objective.score_name)), key="live_score")
    names = [layer_group_name(one) for one in metrics.layer_groups]
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.markdown(
            "##### " + _("Gradient norm per layer (how far the gradient reaches)"),
            help=_("Norm of each layer's gradient at each step, before clipping. Frozen layers have no gradient."),
        )
        st.plotly_chart(gradient_map(metrics, names), key="live_gradient")
    with right:
        st.markdown("##### " + _("Learning rate"))
        st.plotly_chart(rate_curve(metrics, run.steps), key="live_rate")
    if len(metrics.number) > MOST_POINTS:
        st.caption(
            _("For {count} steps, each curve shows {most} points: the minimum and maximum of each stretch.").format(
                count=f"{len(metrics.number):,}", most=f"{MOST_POINTS:,}"
            )
        )


def _progress(run: it.runs.Run, metrics: it.runs.MetricsLog) -> str:
    parts = [_("step {done} of {total}").format(done=f"{run.step:,}", total=f"{run.steps:,}")]
    # By the last steps: the first ones wait for memory and for what is computed once.
    recent = metrics.seconds[-50:]
    if len(recent) > 3:
        each = float(recent[-1] - recent[0]) / (len(recent) - 1)
        parts.append(_("about {left} left").format(left=duration(each * max(run.steps - run.step, 0))))
    return " · ".join(parts)


def _tiles(run: it.runs.Run, metrics: it.runs.MetricsLog) -> None:
    columns = st.columns(5)
    last = metrics.evaluations[-1] if metrics.evaluations else None
    objective = it.finetuning.find_objective(run.request.task)
    form = ".1%" if objective.score_is_share else ".3f"
    name, score = _(objective.score_label), "–" if last is None else number(last["score"], form)
    columns[0].metric(name, score)
    if last is not None and "perplexity" in last["facts"]:
        columns[0].caption(_("perplexity {number}").format(number=f"{last['facts']['perplexity']:.1f}"))
    columns[1].metric(_("Loss, running mean"), f"{float(np.mean(metrics.loss[-20:])):.4f}")
    train_rows = run.facts.get("learned", run.rows.get("learned"))
    speed = run.facts.get("per_second") if not run.active else None
    if speed is None and train_rows is not None:
        speed = examples_a_second(float(metrics.epoch[-1]), int(train_rows), float(metrics.seconds[-1]))
    columns[2].metric(
        _("Examples per second"),
        f"{speed:,.0f}" if speed else "–",
        help=_("Training examples processed divided by training time: evaluations included, waiting excluded."),
    )
    columns[3].metric(_("Time"), duration(float(metrics.seconds[-1])))
    columns[4].metric(_("Memory"), f"{gigabytes(int(metrics.memory.max()))} GB")


def run_rows(run: it.runs.Run) -> tuple[it.finetuning.Examples, Split]:
    """Return a run's rows, and which of them serve for what."""
    request = run.request
    columns = (request.text, request.label, request.pair, request.task, request.passage_words, request.tag_column)
    data = Labelled(read_bytes(data_file(run.folder, request)), request.data, *columns)
    test = None
    if request.test_data:
        test = Labelled(read_bytes(file_of_test_data(run.folder, request)), request.test_data, *columns)
    return cache.run_rows(data, test, request.recipe.held_out, request.recipe.seed, request.chooses)

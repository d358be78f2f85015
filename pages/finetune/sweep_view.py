"""Runs that differ in what they freeze alone: started together, and drawn as accuracy over cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

import interpret as it
from dashboard import jobs, ownership, state
from dashboard.figures.finetuning import cost_curve
from dashboard.language import _, _n, explain, literal
from dashboard.numbers import duration, number
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import data_table
from dashboard.widgets.models import model_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_actions import stop
from dashboard.widgets.run_view import state_names
from dashboard.widgets.shares import percent_columns, percents
from interpret.core.units import counted
from interpret.finetuning.facts import beats_baseline
from interpret.finetuning.model_selection import DRAWS
from interpret.finetuning.outcome import compare_runs

_LOOK = 2.0


def depth_name(frozen: Sequence[str]) -> str:
    """Name what a run of a sweep freezes for the reader."""
    layers = sum(one.isdigit() for one in frozen)
    if "pooler" in frozen:
        return _("all but the head")
    if not frozen:
        return _("nothing")
    return (
        _n("embeddings and {count} layer", "embeddings and {count} layers", layers).format(count=layers)
        if layers
        else _("the embeddings")
    )


def start_sweep(request: it.runs.Request, depths: Sequence[tuple[str, ...]], data: bytes, test: bytes | None) -> None:
    """Make a run for each depth, and start one process that works on them in this order."""
    group = time.strftime("%Y%m%d-%H%M%S")
    requests = [
        replace(
            request,
            # What is compared is the depths: moments on the way of each would fill the disk.
            recipe=replace(request.recipe, frozen=frozen, snapshots=0),
            name=f"{request.name} · {depth_name(frozen)}",
            group=group,
        )
        for frozen in depths
    ]
    made = jobs.new_runs(requests, data, test)
    jobs.start(*made)
    owner = ownership.owner_of(made[0].folder)
    st.session_state[state.GROUP] = group if owner is None else f"{group} {owner.id}"


def _sweeps() -> dict[str, list[it.runs.Run]]:
    found: dict[str, list[it.runs.Run]] = {}
    for run in ownership.runs():
        if run.request.group:
            # Two people may begin one in the same second.
            owner = ownership.owner_of(run.folder)
            key = run.request.group if owner is None else f"{run.request.group} {owner.id}"
            found.setdefault(key, []).append(run)
    return found


def sweep_choice() -> list[it.runs.Run]:
    """Draw the choice of a sweep, the newest first; empty where there is none."""
    sweeps = _sweeps()
    if not sweeps:
        return []
    labels = {}
    for group, runs in sweeps.items():
        queued = time.strftime("%m-%d %H:%M", time.localtime(runs[-1].queued))
        labels[group] = f"{model_name(runs[0].request.base)} · {runs[0].request.data} · {queued}"
    return sweeps[choose(st.selectbox, _("Sweep"), labels, state.GROUP)]


def sweep_live(group: str, active: bool) -> None:
    """Draw a sweep, again and again while it is at work."""
    st.fragment(guarded(_live), run_every=_LOOK if active else None)(group, active)


def _live(group: str, active: bool) -> None:
    # By depth: from nothing frozen to all but the head.
    runs = sorted(_sweeps().get(group, []), key=lambda run: len(run.request.recipe.frozen))
    if active and not any(run.active for run in runs):
        st.rerun()
    ended = [run for run in runs if run.state == "done"]
    if active:
        st.progress(len(ended) / len(runs), _("{done} of {total}").format(done=len(ended), total=len(runs)))
        if mine := tuple(run for run in runs if ownership.may_change(run.folder)):
            st.button(_("Stop the sweep"), icon=":material/stop:", key="stop_sweep", on_click=stop, args=mine)
    objective = it.finetuning.find_objective(runs[0].request.task)
    name = "entity_f1" if any("entity_f1" in run.facts for run in runs) else objective.fact
    title = _("entity F1") if name == "entity_f1" else _(objective.score_name)
    low, high = ("entity_low", "entity_high") if name == "entity_f1" else ("low", "high")
    if ended and all(beats_baseline(run.facts) is False for run in ended):
        st.error(
            _("There is no evidence that any depth beats the majority-class baseline (for regression: the mean)."),
            icon=":material/error:",
        )
    if ended:
        st.plotly_chart(
            cost_curve(
                [depth_name(run.request.recipe.frozen) for run in ended],
                [run.facts["seconds"] for run in ended],
                [run.facts[name] for run in ended],
                [(run.facts[low], run.facts[high]) if low in run.facts else None for run in ended],
                title,
                objective.score_is_share,
            ),
            key="sweep",
        )
    if len(ended) > 1 and not active:
        _verdict(ended, name, objective.score_is_share)
    names, scores = state_names(), [run.facts.get(name) for run in runs]
    data_table(
        {
            _("Frozen"): [depth_name(run.request.recipe.frozen) for run in runs],
            _("State"): [names[run.state] for run in runs],
            title: percents(scores) if objective.score_is_share else scores,
            _("Loss"): [run.facts.get("loss") for run in runs],
            _("Trainable parameters"): [counted(int(run.facts["trainable"])) if run.facts else "" for run in runs],
            _("Time"): [duration(run.facts["seconds"]) if run.facts else "" for run in runs],
        },
        column_config=percent_columns(title)
        if objective.score_is_share
        else {title: st.column_config.NumberColumn(format="%.3f")},
    )
    for run in runs:
        if run.error is not None:
            st.error(_("{name}: {value}").format(name=literal(run.request.name), value=explain(run.error)))
    st.caption(
        _(
            "All runs use the same rows, seed and settings. A learning rate that suits layers is low for a head "
            "alone: its own preset does better than its run here."
        )
    )


def _verdict(runs: list[it.runs.Run], name: str, is_share: bool) -> None:
    """Say which is best on these rows, how far being chosen by them flatters it, and which cannot be told from it."""
    found = compare_runs(runs)
    best = runs[found.choice.best]
    alike = [run for run, (low, _high) in zip(runs, found.behind, strict=True) if not low > 0]
    cheapest = min([best, *alike], key=lambda run: run.facts["seconds"])

    def written(score: float) -> str:
        return number(score, ".1%" if is_share else ".3f")

    st.info(
        _(
            "Best on these rows: {best} frozen, {score}. Cheapest that is not distinguishable from it in a row-by-row "
            "comparison: {cheap} frozen, {other}, in {share} of the time."
        ).format(
            best=depth_name(best.request.recipe.frozen),
            score=written(found.choice.score),
            cheap=depth_name(cheapest.request.recipe.frozen),
            other=written(cheapest.facts[name]),
            share=f"{cheapest.facts['seconds'] / max(best.facts['seconds'], 1e-9):.0%}",
        ),
        icon=":material/savings:",
    )
    if np.isfinite(found.choice.honest):
        st.warning(
            _(
                "The best of {among} was chosen on the same rows that it is evaluated on, which inflates its score. "
                "Chosen on one half of them and evaluated on the other (mean over {draws} random halves), the best "
                "depth scores {honest} instead of {score}. Depths with overlapping intervals may swap ranks on other "
                "rows."
            ).format(
                among=found.choice.among,
                draws=DRAWS,
                honest=written(found.choice.honest),
                score=written(found.choice.score),
            ),
            icon=":material/filter_alt:",
        )

"""Runs that differ in what they freeze alone: started together, and drawn as accuracy over cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

import interpret as it
from dashboard import jobs, state
from dashboard.figures.finetuning import cost_curve
from dashboard.language import _, explain, literal
from dashboard.widgets.choices import choose
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_view import state_names
from interpret.units import counted, duration

_LOOK = 2.0


def depth_name(frozen: Sequence[str]) -> str:
    """Name what a run of a sweep freezes for the reader."""
    layers = sum(one.isdigit() for one in frozen)
    if "pooler" in frozen:
        return _("all but the head")
    if not frozen:
        return _("nothing")
    return _("embeddings and {count} layers").format(count=layers) if layers else _("the embeddings")


def start_sweep(request: it.Request, depths: Sequence[tuple[str, ...]], data: bytes, judged: bytes | None) -> None:
    """Make a run for each depth, and start one process that works on them in this order."""
    group = time.strftime("%Y%m%d-%H%M%S")
    runs = [
        it.new_run(
            state.runs_folder(),
            replace(
                request,
                # What is compared is the depths: moments on the way of each would fill the disk.
                recipe=replace(request.recipe, frozen=frozen, snapshots=0),
                name=f"{request.name} · {depth_name(frozen)}",
                group=group,
            ),
            data,
            judged,
        )
        for frozen in depths
    ]
    jobs.start(*runs)
    st.session_state[state.GROUP] = group


def _sweeps() -> dict[str, list[it.Run]]:
    found: dict[str, list[it.Run]] = {}
    for run in it.list_runs(state.runs_folder()):
        if run.request.group:
            found.setdefault(run.request.group, []).append(run)
    return found


def sweep_choice() -> list[it.Run]:
    """Draw the choice of a sweep, the newest first; empty where there is none."""
    sweeps = _sweeps()
    if not sweeps:
        return []
    labels = {}
    for group, runs in sweeps.items():
        asked = time.strftime("%m-%d %H:%M", time.localtime(runs[-1].asked))
        labels[group] = f"{runs[0].request.base} · {runs[0].request.data} · {asked}"
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
        st.button(_("Stop the sweep"), icon=":material/stop:", key="stop_sweep", on_click=_stop, args=(runs,))
    name = "r2" if runs[0].request.task == "regression" else "accuracy"
    title = "R²" if name == "r2" else _("accuracy")
    if ended:
        st.plotly_chart(
            cost_curve(
                [depth_name(run.request.recipe.frozen) for run in ended],
                [run.facts["seconds"] for run in ended],
                [run.facts[name] for run in ended],
                [(run.facts["low"], run.facts["high"]) if "low" in run.facts else None for run in ended],
                title,
            ),
            key="sweep",
        )
    if ended and not active:
        _verdict(ended, name)
    names = state_names()
    st.dataframe(
        {
            _("Frozen"): [depth_name(run.request.recipe.frozen) for run in runs],
            _("State"): [names[run.state] for run in runs],
            title: [run.facts.get(name) for run in runs],
            _("Loss"): [run.facts.get("loss") for run in runs],
            _("Learns"): [counted(int(run.facts["trainable"])) if run.facts else "" for run in runs],
            _("Time"): [duration(run.facts["seconds"]) if run.facts else "" for run in runs],
        },
        hide_index=True,
        column_config={title: st.column_config.NumberColumn(format="percent" if name == "accuracy" else "%.3f")},
    )
    for run in runs:
        if run.error is not None:
            st.error(f"{literal(run.request.name)}: {explain(it.InterpretError(run.error[0], **run.error[1]))}")
    st.caption(
        _(
            "The same rows, seed and settings for all. A rate that suits layers is low for a head alone: its own "
            "preset "
            "does better than it does here."
        )
    )


def _verdict(runs: list[it.Run], name: str) -> None:
    """Say which is the cheapest that cannot be told from the best."""
    best = max(runs, key=lambda run: run.facts[name])
    least = best.facts.get("low", best.facts[name] - 0.02)
    alike = [run for run in runs if run.facts[name] >= least]
    cheapest = min(alike, key=lambda run: run.facts["seconds"])
    st.success(
        _(
            "Best: {best} frozen, {score}. The cheapest that so few rows cannot tell from it: {cheap} frozen, "
            "{other} in "
            "{share} of the time."
        ).format(
            best=depth_name(best.request.recipe.frozen),
            score=f"{best.facts[name]:.1%}" if name == "accuracy" else f"{best.facts[name]:.3f}",
            cheap=depth_name(cheapest.request.recipe.frozen),
            other=f"{cheapest.facts[name]:.1%}" if name == "accuracy" else f"{cheapest.facts[name]:.3f}",
            share=f"{cheapest.facts['seconds'] / max(best.facts['seconds'], 1e-9):.0%}",
        ),
        icon=":material/savings:",
    )


@guarded
def _stop(runs: list[it.Run]) -> None:
    for run in runs:
        if run.active:
            it.ask_to_stop(run)

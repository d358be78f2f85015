"""Heads taken out: the switches, what changes in numbers, and the long run over a labelled file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.components.switches import Heads, read_off, switches
from dashboard.language import _, literal
from dashboard.subject import Subject
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.head_choice import chosen_head

if TYPE_CHECKING:
    from interpret.attention.ablation import Answers

_KEPT = "heads_off"


def heads_off(encoder: it.Encoder) -> Heads:
    """Return which heads are switched off, in this session or by the URL."""
    if _KEPT not in st.session_state:
        given = st.query_params.get(state.OFF, "").split(",")
        st.session_state[_KEPT] = [
            [int(part) for part in one.split(".")] for one in given if re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", one)
        ]
    return read_off(st.session_state[_KEPT], encoder.layers, encoder.heads)


def switch_heads(subject: Subject) -> Heads:
    """Draw a switch for every head and return which are off, with the URL kept to it."""
    encoder = cache.encoder(subject.spec)
    off = heads_off(encoder)
    # Another model has other heads, and "all on" is decided here and not in the browser.
    key = f"switches:{subject.spec.checkpoint.name}:{st.session_state.get('switches_round', 0)}"
    off = switches(encoder.layers, encoder.heads, off, key)
    st.session_state[_KEPT] = [list(one) for one in off]
    state.remember(state.OFF, ",".join(f"{layer}.{head}" for layer, head in off) or None)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _(
                "Ablated: {off} of {all} heads. Click a head to toggle it, or a layer's name to toggle all its heads; "
                "arrow keys move, Space toggles."
            ).format(off=len(off), all=encoder.layers * encoder.heads)
        )
        if off:
            st.button(_("Restore all heads"), on_click=_decide, args=((),), icon=":material/restart_alt:", key="all_on")
        else:
            layer, head = chosen_head(subject)
            st.button(
                _("Ablate layer {layer}, head {head}").format(layer=layer, head=head),
                on_click=_decide,
                args=(((layer, head),),),
                icon=":material/toggle_off:",
                help=_("The head selected in the explorer"),
                key="take_out",
            )
    return off


def _decide(off: Heads) -> None:
    st.session_state[_KEPT] = [list(one) for one in off]
    st.session_state["switches_round"] = st.session_state.get("switches_round", 0) + 1


def show_similarity(result: it.attention.Ablation) -> None:
    """Show how near the text's vectors stay, and what moved most."""
    columns = st.columns(3)
    help = _("Cosine between the text's vectors before and after ablation; 1 means unchanged.")
    columns[0].metric(_("Sentence vector (mean): cosine"), f"{result.similarity['mean']:.4f}", help=help)
    name = _("First token ({token}): cosine").format(token=literal(result.tokens.strings[0]))
    columns[1].metric(name, f"{result.similarity['first']:.4f}", help=help)
    last = result.distance[-1]
    most = int(last.argmax())
    columns[2].metric(
        _("Largest change in the last layer"),
        f"{literal(result.tokens.labels[most])} · {last[most]:.3f}",
        help=_("The token whose last hidden state changed most, relative to the norm of that state."),
    )


def show_answers(encoder: it.Encoder, answers: Answers | None) -> None:
    """Show what the model's own task head says before and after, or why there is nothing to show."""
    if answers is None:
        if encoder.task is None:
            st.caption(_("This checkpoint has no task head that gives probabilities, so there are none to compare."))
        elif encoder.task.kind == "span":
            st.caption(
                _("This model finds answers in passages, which the “Questions” page shows; none is compared here.")
            )
        else:
            st.caption(
                _("This model predicts masked words: put {mask} into the text to compare its guesses.").format(
                    mask=literal(encoder.mask or "")
                )
            )
        return
    data_table(
        answer_table(answers),
        column_config={
            name: st.column_config.NumberColumn(format="%.4f") for name in (_("Before"), _("After"), _("Change"))
        },
    )


def answer_table(answers: Answers) -> dict[str, list[Any]]:
    """Return before and after as columns: a row for each answer, the ones that changed most first."""
    change = answers.after - answers.before
    order = np.argsort(-abs(change), axis=None, kind="stable")
    rows, labels = np.unravel_index(order, change.shape)
    columns: dict[str, list[Any]] = {}
    if answers.rows != ("",):
        columns[_("Token")] = [answers.rows[i] for i in rows]
    return {
        **columns,
        _("Model output"): [answers.labels[i] for i in labels],
        _("Before"): answers.before[rows, labels].tolist(),
        _("After"): answers.after[rows, labels].tolist(),
        _("Change"): change[rows, labels].tolist(),
    }


def ablation_analysis(subject: Subject, off: Heads) -> Analysis:
    """Describe what is measured."""
    shown = (".distance", ".similarity", ".answers")
    return Analysis("attention.ablate", subject, name="ablation", shows=shown, heads=off)


def ablation_downloads(analysis: Analysis, stem: str) -> list[Download]:
    """Offer the distances as files."""

    def table() -> bytes:
        result: it.attention.Ablation = analysis.result
        levels = ["inputs", *(f"layer {i}" for i in range(len(result.distance) - 1))]
        return as_csv(
            {
                "#": list(range(len(result.tokens))),
                "token": list(result.tokens.labels),
                **{level: row.tolist() for level, row in zip(levels, result.distance, strict=True)},
            }
        )

    def numbers() -> bytes:
        result: it.attention.Ablation = analysis.result
        answers = result.answers
        return as_json(
            {
                **analysis.about,
                "tokens": result.tokens.strings,
                "distance": result.distance.tolist(),
                "similarity": result.similarity,
                "answers": None
                if answers is None
                else {
                    "rows": answers.rows,
                    "labels": answers.labels,
                    "before": answers.before.tolist(),
                    "after": answers.after.tolist(),
                },
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("Change of each token's hidden state, layer by layer")),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with model, text and settings")
        ),
    ]

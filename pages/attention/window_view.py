"""A sliding window: its global tokens, the narrowest that keeps things, and the numbers as files."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis
from dashboard.components.maps import HeadMap
from dashboard.figures import numbered
from dashboard.language import _
from dashboard.numbers import number
from dashboard.subject import Subject
from dashboard.widgets.choices import choose
from dashboard.widgets.export import Download, as_csv, as_json


def global_tokens_of(encoder: it.Encoder, tokens: it.Tokens, subject: Subject) -> tuple[int, ...]:
    """Draw the choice of tokens that see all others, and return them."""
    kinds = {
        "none": (_("none"), ()),
        "first": (tokens.strings[0], (0,)),
        "special": (_("special tokens"), tuple(np.flatnonzero(tokens.special).tolist())),
    }
    if subject.pair is not None:
        # As Longformer's readers have the question: Beltagy et al. 2020, section 3.1.
        kinds["text"] = (_("the first text"), tuple(np.flatnonzero(tokens.segment == 0).tolist()))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = choose(
            st.segmented_control,
            _("Global tokens"),
            {name: one[0] for name, one in kinds.items()},
            state.GLOBAL,
            help=_("They see all other tokens, and all others see them, however far away."),
        )
        state.publish(state.GLOBAL)
        names = numbered(tokens.labels)
        more = st.multiselect(
            _("More global tokens"),
            tokens.shown.tolist(),
            format_func=lambda index: names[index],
            key=f"global_tokens:{hash((subject.spec, subject.text, subject.pair))}",
            placeholder=_("none"),
            persist_state="session",
            width=360,
        )
    return tuple(sorted({*kinds[kind][1], *more}))


def window_analysis(subject: Subject, global_tokens: tuple[int, ...]) -> Analysis:
    """Describe what is read."""
    return Analysis(
        "attention.sweep_windows",
        subject,
        name="sweep",
        shows=(".widths", ".lost", ".similarity", ".answers"),
        global_tokens=global_tokens,
    )


def smallest_of(result: it.attention.WindowSweep, cosine: float) -> dict[str, int]:
    """Return the narrowest window that keeps the sentence vector, and the answer where the head gives one."""
    found = {"vector": result.smallest(result.similarity["mean"] >= cosine)}
    same = None if result.answers is None else result.answers.same
    return found if same is None else {"answer": result.smallest(same), **found}


def show_kept(result: it.attention.WindowSweep, at: int, smallest: dict[str, int]) -> None:
    """Show what is left, lost and kept through one of the windows, and the narrowest ones that keep it."""
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            _("Pairs of tokens left"),
            number(float(result.left[at]), ".1%"),
            help=_("Of all pairs of a query and a key; the rest would not be computed."),
            width="content",
        )
        st.metric(
            _("Attention mass lost, mean of heads"),
            number(float(result.lost[at].mean()), ".1%"),
            _("uniform attention: {share}").format(share=number(float(result.uniform[at]), ".1%")),
            delta_color="off",
            delta_arrow="off",
            help=_(
                "Of the whole model's weights, what queries give to keys outside of the window. Below it what a head "
                "loses that gives all tokens the same weight."
            ),
            width="content",
        )
        st.metric(
            _("Sentence vector (mean): cosine"),
            number(float(result.similarity["mean"][at]), ".4f"),
            help=_("With the vector of the whole model; 1 means unchanged."),
            width="content",
        )
        for name, value in smallest.items():
            label = _("Narrowest that keeps the answer") if name == "answer" else _("Narrowest that keeps the vector")
            st.metric(
                label,
                f"{value:,}",
                help=_("Neighbours on either side, from where on every wider window that was tried keeps it too."),
                width="content",
            )


def changes_line(result: it.attention.WindowSweep, at: int) -> str:
    """Say in Markdown how many answers change through one of the windows; nothing where the head gives none."""
    answers = result.answers
    if answers is None or answers.said is None or answers.said_through is None:
        return ""
    changed = sum(one != other for one, other in zip(answers.said, answers.said_through[at], strict=True))
    return _("**Answers that change through this window:** {changed} of {total}.").format(
        changed=changed, total=len(answers.said)
    )


def window_maps(result: it.attention.WindowSweep, at: int) -> list[HeadMap]:
    """Return what each head loses through one of the windows, and how far it reaches."""
    return [
        HeadMap(
            _("Attention mass lost"),
            _("What each head gives to tokens outside of the window, on average over queries."),
            result.lost[at],
            0.0,
            max(float(result.lost[at].max()), float(result.uniform[at]), 0.01),
        ),
        HeadMap(
            _("Neighbours for 90% of the mass"),
            _("The narrowest window through which a head loses no more than a tenth."),
            result.reach(0.1),
            0.0,
            float(max(result.widths[-1], 1)),
        ),
    ]


def window_downloads(analysis: Analysis, result: it.attention.WindowSweep, stem: str) -> list[Download]:
    """Offer what was found through each window, and what each head loses, as files."""

    def table() -> bytes:
        columns: dict[str, Any] = {
            "neighbours": result.widths.tolist(),
            "pairs_left": result.left.tolist(),
            "attention_lost_mean": result.lost.mean(axis=(1, 2)).tolist(),
            "cosine_mean": result.similarity["mean"].tolist(),
            "cosine_first": result.similarity["first"].tolist(),
        }
        answers = result.answers
        if answers is not None:
            if answers.said_through is not None:
                columns["answer"] = [" · ".join(one) for one in answers.said_through]
                columns["answer_kept"] = answers.same.tolist() if answers.same is not None else []
            for row, name in enumerate(answers.rows):
                for label, values in zip(answers.labels, answers.windowed[:, row].T, strict=True):
                    columns[f"{name}: {label}".removeprefix(": ")] = values.tolist()
        return as_csv(columns)

    def heads() -> bytes:
        width, layer, head = (one.ravel() for one in np.indices(result.lost.shape))
        return as_csv(
            {
                "neighbours": result.widths[width].tolist(),
                "layer": layer.tolist(),
                "head": head.tolist(),
                "attention_lost": result.lost.ravel().tolist(),
            }
        )

    def numbers() -> bytes:
        answers = result.answers
        return as_json(
            {
                **analysis.about,
                "tokens": result.tokens.strings,
                "widths": result.widths.tolist(),
                "lost": result.lost.tolist(),
                "uniform": result.uniform.tolist(),
                "left": result.left.tolist(),
                "moved": result.moved.tolist(),
                "similarity": {name: one.tolist() for name, one in result.similarity.items()},
                "answers": None
                if answers is None
                else {
                    "rows": answers.rows,
                    "labels": answers.labels,
                    "ordinary": answers.ordinary.tolist(),
                    "windowed": answers.windowed.tolist(),
                    "said": answers.said,
                    "said_through": answers.said_through,
                },
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("What is left, lost and answered through each window")),
        Download(
            _("CSV of heads"),
            f"{stem}-heads.csv",
            "text/csv",
            heads,
            _("Attention mass that each head loses through each window"),
        ),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with model, text and settings")
        ),
    ]

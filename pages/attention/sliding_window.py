"""What if each token saw its neighbours only: what each head loses through a window, and what the model says then."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.components.maps import head_maps
from dashboard.language import _, _n
from dashboard.subject import Subject
from dashboard.widgets.ablation_view import show_answers
from dashboard.widgets.choices import choose
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.head_choice import choose_head, chosen_head, head_buttons
from dashboard.widgets.long_work import long_work
from dashboard.widgets.notices import guarded
from interpret.attention.sliding_window import widths_to_try
from interpret.core.characters import beginning
from pages.attention.window_figures import pattern_map, width_curves
from pages.attention.window_view import (
    changes_line,
    global_tokens_of,
    show_kept,
    smallest_of,
    window_analysis,
    window_downloads,
    window_maps,
)

MAPS = "window_maps"
# Tokens times windows, layers and the width's square that are read by itself: a few seconds on two cores.
_SOON = 8e9
# The narrowest that was shown last.
_FOLLOWED = "window_followed"
# Tokens of which every pair is drawn.
_MOST_DRAWN = 160


@guarded
def sliding_window(subject: Subject) -> None:
    """The window's width and its global tokens; the answer, the vector and each head's loss through it."""
    encoder = cache.encoder(subject.spec)
    tokens = encoder.tokens(subject.text, subject.pair)
    st.markdown(
        _(
            "Each token sees its neighbours only, as in Longformer, whose cost grows with the length and not with its "
            "square; global tokens see, and are seen by, all others. What does this model, which was trained to look "
            "everywhere, lose?"
        )
    )
    chosen = global_tokens_of(encoder, tokens, subject)
    widths = widths_to_try(len(tokens))
    analysis = window_analysis(subject, chosen)
    result: it.attention.WindowSweep | None = long_work(
        "sliding_window",
        repr(analysis),
        _n("Read the text through {count} window", "Read the text through {count} windows", len(widths)).format(
            count=len(widths)
        ),
        lambda progress: analysis.run(progress=progress),
        {"windows read": _("windows read")},
        auto=len(tokens) * len(widths) * encoder.layers * encoder.width**2 <= _SOON,
        keep=3,
    )
    if result is None:
        st.info(
            _n(
                "The text has {tokens} token and is read once through each window, from no neighbours at all to all "
                "of them.",
                "The text has {tokens} tokens and is read once through each window, from no neighbours at all to all "
                "of them.",
                len(tokens),
            ).format(tokens=f"{len(tokens):,}"),
            icon=":material/width:",
        )
        return
    _show(encoder, subject, analysis, result)


def _show(encoder: it.Encoder, subject: Subject, analysis: Analysis, result: it.attention.WindowSweep) -> None:
    chosen = choose(
        st.segmented_control,
        _("Cosine that the sentence vector has to keep"),
        {one: one for one in ("0.90", "0.95", "0.99")},
        state.KEPT_COSINE,
    )
    cosine = float(chosen)
    smallest = smallest_of(result, cosine)
    default = max(smallest.values())
    # Who has not moved it sees the narrowest that keeps things, of another text or model too.
    if st.session_state.get(_FOLLOWED) == st.session_state.get(state.WIDTH, default):
        st.session_state[state.WIDTH] = default
    st.session_state[_FOLLOWED] = default
    width = choose(
        st.select_slider,
        _("Neighbours that each token sees on either side"),
        {int(one): f"{one:,}" for one in result.widths},
        state.WIDTH,
        default,
    )
    state.publish(state.WIDTH, default)
    at = int(np.flatnonzero(result.widths == width)[0])
    show_kept(result, at, smallest)
    if result.left[-1] < 1:
        st.caption(
            _(
                "Some layers of this model are local already: there a window only narrows what a token sees, and "
                "global tokens see no further than the model lets them."
            )
        )
    st.plotly_chart(width_curves(result, width, cosine), key="over_width")
    line = changes_line(result, at)
    if line:
        st.markdown(line)
    show_answers(encoder, result.answers_at(at))
    head = chosen_head(subject)
    model = subject.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("window", model, subject.text[:30], str(width))
    clicked = head_maps(window_maps(result, at), head, f"{model} · {beginning(subject.text)}", stem, MAPS)
    if clicked:
        choose_head(*clicked)
        st.rerun()
    head_buttons(*head)
    if len(result.tokens) <= _MOST_DRAWN:
        with st.expander(_("Which token sees which")):
            st.plotly_chart(pattern_map(result, width), key="pattern")
    export_bar(window_downloads(analysis, result, stem), analysis, picture=MAPS)
    st.caption(
        _(
            "What this does not mean: a model that was trained with a window learns to do with it, and may lose "
            "nothing where this one does; and what holds for this text may not hold for another. Pairs left are pairs "
            "that a program for windows would compute: here all are computed, and some are left out. Beltagy et al. "
            "(2020), section 3.1."
        )
    )

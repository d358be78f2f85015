"""Masking shown: 15% chosen, 80/10/10, and what each costs the model."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from interpret.core.characters import beginning
from pages.pretraining.masking_view import (
    DRAWS,
    WORDS,
    mask_often,
    masking_analysis,
    masking_downloads,
    masking_input,
    masking_means,
    masking_table,
    masking_words,
)


@guarded
def masking(subject: Subject) -> None:
    """Which tokens are selected, masked, replaced or kept in one draw, and the loss over many draws."""
    encoder = cache.encoder(subject.spec)
    encoder.check_guesses()
    tokens = encoder.tokens(subject.text, subject.pair)
    masking, seed = masking_input()
    _once(subject, masking, seed)
    if encoder.mask in tokens.strings:
        # Said above: the words are not known.
        return
    st.markdown("#### " + _("Loss by kind of token, over {count} draws").format(count=DRAWS))

    def work(progress: Progress) -> dict[str, tuple[float, int]]:
        return mask_often(subject, masking, progress)

    means = long_work("game:often", repr((subject, masking)), _("Draw many times"), work, auto=True, keep=8)
    if means is not None:
        masking_means(means)


@guarded
def _once(subject: Subject, masking: it.pretraining.Masking, seed: int) -> None:
    analysis = masking_analysis(subject, masking, seed)
    masked: it.pretraining.MaskedText = analysis.result
    model = subject.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("masking-game", model, subject.text[:40], str(seed))
    masking_words(masked, f"{model} · {beginning(subject.text)}", stem)
    st.caption(
        _("Tokens that seed {seed} selects: {chosen} of {tokens}; special tokens are never selected.").format(
            chosen=len(masked.positions), tokens=int((~masked.tokens.special).sum()), seed=seed
        )
    )
    number = st.column_config.NumberColumn(format="%.3f")
    data_table(
        masking_table(masked),
        column_config={
            _("Loss (nats)"): st.column_config.NumberColumn(format="%.3f", help=_("−log p of the true token")),
            _("Loss without masking (nats)"): number,
        },
    )
    export_bar(masking_downloads(analysis, stem), analysis, picture=WORDS)

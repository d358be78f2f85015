"""The masking game shown: 15% chosen, 80/10/10, and what each costs the model."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from pages.pretraining.masking_view import (
    DRAWS,
    WORDS,
    game_analysis,
    game_downloads,
    game_input,
    game_means,
    game_table,
    game_words,
    mask_often,
)


@guarded
def game(subject: Subject) -> None:
    encoder = cache.encoder(subject.spec)
    encoder.check_guesses()
    tokens = encoder.tokens(subject.text, subject.pair)
    masking, seed = game_input()
    _once(subject, masking, seed)
    if encoder.mask in tokens.strings:
        # Said above: the words are not known.
        return
    st.markdown("#### " + _("Loss by kind of token, over {count} draws").format(count=DRAWS))

    def work(progress: Progress) -> dict[str, tuple[float, int]]:
        return mask_often(subject, masking, progress)

    means = long_work("game:often", repr((subject, masking)), _("Draw many times"), work, auto=True, keep=8)
    if means is not None:
        game_means(means)


@guarded
def _once(subject: Subject, masking: it.pretraining.Masking, seed: int) -> None:
    analysis = game_analysis(subject, masking, seed)
    played: it.pretraining.MaskedText = analysis.result
    model = subject.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("masking-game", model, subject.text[:40], str(seed))
    game_words(played, f"{model} · {subject.text[:80]}", stem)
    st.caption(
        _("Seed {seed} selects {chosen} of {tokens} tokens; special tokens are never selected.").format(
            chosen=len(played.place), tokens=int((~played.tokens.special).sum()), seed=seed
        )
    )
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        game_table(played),
        hide_index=True,
        column_config={
            _("Loss"): st.column_config.NumberColumn(format="%.3f", help=_("-log p of the true token, in nats")),
            _("Loss without masking"): number,
        },
    )
    export_bar(game_downloads(analysis, stem), analysis, picture=WORDS)

"""Next sentence: what the model says of a pair, and what it goes by."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.language import _, _n
from dashboard.subject import Subject
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from dashboard.widgets.text_input import offer_second_text
from interpret.pretraining.next_sentence import check_pairs
from pages.pretraining.next_sentence_view import (
    answer_view,
    following_downloads,
    following_lines,
    following_view,
    pairs_input,
)


@guarded
def following(subject: Subject) -> None:
    check_pairs(cache.encoder(subject.spec))
    _one(subject)
    if subject.pair is None:
        offer_second_text()
    st.markdown("#### " + _("What does the model rely on? True pairs beside shuffled and swapped ones"))
    _many(subject)
    st.caption(
        _(
            "What this does not mean: a sentence that does not follow here may well follow elsewhere. RoBERTa did as "
            "well without the task (Liu et al. 2019). ALBERT's authors found it too easy, since texts from elsewhere "
            "are mostly about something else, and predict the order instead (Lan et al. 2020)."
        )
    )


@guarded
def _one(subject: Subject) -> None:
    asked = cache.next_sentence(subject)
    answer_view(asked, cache.next_sentence(Subject(subject.spec, subject.pair or "", subject.text)))


@guarded
def _many(subject: Subject) -> None:
    given = pairs_input()
    if given is None:
        return

    def work(progress: Progress) -> it.pretraining.NextSentenceScores:
        return it.pretraining.score_pairs(cache.encoder(subject.spec), given.pairs, progress=progress)

    label = _n("Evaluate {count} pair", "Evaluate {count} pairs", len(given.pairs)).format(
        count=f"{len(given.pairs):,}"
    )
    found = long_work("following", repr((subject.spec, given.about)), label, work, auto=len(given.pairs) <= 100, keep=4)
    if found is None:
        return
    following_view(given, found)
    stem = file_stem("next-sentence", subject.spec.checkpoint.name.split("/")[-1], given.name)
    export_bar(following_downloads(given, found, stem), following_lines(subject))

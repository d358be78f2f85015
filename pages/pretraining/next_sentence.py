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
    answer_analysis,
    answer_view,
    following_analysis,
    following_downloads,
    following_view,
    pairs_input,
)


@guarded
def following(subject: Subject) -> None:
    """The probability that the second text follows the first, and the accuracy over shuffled and swapped pairs."""
    check_pairs(cache.encoder(subject.spec))
    _one(subject)
    if subject.pair is None:
        offer_second_text()
    st.markdown("#### " + _("Topic or order: true, shuffled and swapped pairs"))
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
    given: it.pretraining.NextSentence = answer_analysis(subject.spec, subject.text, subject.pair).result
    answer_view(given, answer_analysis(subject.spec, subject.pair or "", subject.text).result)


@guarded
def _many(subject: Subject) -> None:
    given = pairs_input()
    if given is None:
        return

    analysis, count = following_analysis(subject.spec, given), len(given.pairs.result)

    def work(progress: Progress) -> it.pretraining.NextSentenceScores:
        found: it.pretraining.NextSentenceScores = analysis.run(progress=progress)
        return found

    label = _n("Evaluate {count} pair", "Evaluate {count} pairs", count).format(count=f"{count:,}")
    found = long_work("following", repr((subject.spec, given.pairs.key)), label, work, auto=count <= 100, keep=4)
    if found is None:
        return
    following_view(given, found)
    stem = file_stem("next-sentence", subject.spec.checkpoint.name.split("/")[-1], given.pairs.file)
    one = [] if subject.pair is None else [answer_analysis(subject.spec, subject.text, subject.pair)]
    export_bar(following_downloads(given, found, stem), *one, analysis)

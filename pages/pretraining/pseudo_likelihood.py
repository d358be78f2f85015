"""How surprised is BERT: pseudo-log-likelihood word by word, of two sentences, and of a file of pairs."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.language import _, _n
from dashboard.subject import Subject
from dashboard.widgets.choices import segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from pages.pretraining.fill_mask_view import surprisal_analysis
from pages.pretraining.pseudo_likelihood_view import (
    WORDS,
    pairs_input,
    preferences_analysis,
    preferences_downloads,
    preferences_view,
    surprisal_downloads,
    surprisal_table,
    surprisal_tiles,
    surprisal_words,
    verdict,
)

# Reads so many tokens in all by itself: a text is read once for each of its tokens.
_SOON_TOKENS = 25_000


@guarded
def surprisal(subject: Subject) -> None:
    """The surprisal of each word and the text's pseudo-perplexity; or minimal pairs of a file."""
    over = segments(
        _("Measured on"),
        {"text": _("This text"), "pairs": _("A file of sentence pairs: which sentence is likelier")},
        state.SURPRISAL_OVER,
    )
    state.publish(state.SURPRISAL_OVER)
    state.seed(state.WITHIN)
    within = st.toggle(
        _("Mask the rest of the word too"),
        key=state.WITHIN,
        persist_state="session",
        help=_(
            "A rare word of many tokens looks likely, because its first tokens give away the last ones. With this on, "
            "the tokens that follow in the same word are masked as well (Kauf & Ivanova 2023)."
        ),
    )
    state.publish(state.WITHIN)
    (_texts if over == "text" else _pairs)(subject, bool(within))


def _texts(subject: Subject, within: bool) -> None:
    first = _read(subject, within, "first")
    if first is None:
        return
    surprisal_tiles(first)
    state.seed(state.SURPRISAL_OTHER)
    other = st.text_input(
        _("Compare with another sentence"),
        key=state.SURPRISAL_OTHER,
        persist_state="session",
        placeholder=_("For example, the same sentence with one word exchanged"),
    )
    state.publish(state.SURPRISAL_OTHER)
    words = segments(_("Colour"), {"words": _("Words"), "tokens": _("Tokens")}, state.SURPRISAL_UNIT) == "words"
    model = subject.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("surprise", model, subject.text[:40])
    found = [(_("Surprisal of each word: the stronger the colour, the less it was expected"), first)]
    analyses = [surprisal_analysis(subject, within)]
    if other and other.strip():
        beside: list[it.pretraining.PseudoLikelihood] = []
        _other_text(Subject(subject.spec, other), within, beside)
        for second in beside:
            found = [(_("First"), first), (_("Second"), second)]
            analyses.append(surprisal_analysis(Subject(subject.spec, other), within))
            st.markdown(verdict(first, second))
    surprisal_words(found, words, f"{model} · {subject.text[:80]}", stem)
    with st.expander(_("The words as a table")):
        data_table(
            surprisal_table(first),
            column_config={
                _("Surprisal (bits)"): st.column_config.NumberColumn(format="%.2f"),
                _("Probability"): st.column_config.NumberColumn(format="%.2e"),
            },
        )
    export_bar(surprisal_downloads(analyses, [one for _name, one in found], stem), *analyses, picture=WORDS)
    st.caption(
        _(
            "What this does not mean: each word is predicted with all others in view, so the sum is not the "
            "probability of the sentence, and numbers of models with different vocabularies cannot be compared. A bit "
            "is a factor of two: 10 bits are about one in a thousand."
        )
    )


# What is wrong with it takes nothing from the first one.
@guarded
def _other_text(subject: Subject, within: bool, found: list[it.pretraining.PseudoLikelihood]) -> None:
    second = _read(subject, within, "second")
    if second is not None:
        found.append(second)


@guarded
def _pairs(subject: Subject, within: bool) -> None:
    given = pairs_input()
    if given is None:
        return

    analysis, count = preferences_analysis(subject.spec, given, within), len(given.pairs.result)

    def work(progress: Progress) -> it.pretraining.MinimalPairs:
        found: it.pretraining.MinimalPairs = analysis.run(progress=progress)
        return found

    label = _n("Score {count} pair", "Score {count} pairs", count).format(count=f"{count:,}")
    found = long_work(
        "preferences", repr((subject.spec, given.pairs.key, within)), label, work, auto=count <= 50, keep=4
    )
    if found is None:
        return
    preferences_view(given, found)
    stem = file_stem("pairs", subject.spec.checkpoint.name.split("/")[-1], given.pairs.file)
    export_bar(preferences_downloads(given, found, stem), analysis)


def _read(subject: Subject, within: bool, which: str) -> it.pretraining.PseudoLikelihood | None:
    encoder = cache.encoder(subject.spec)

    def work(progress: Progress) -> it.pretraining.PseudoLikelihood:
        found: it.pretraining.PseudoLikelihood = surprisal_analysis(subject, within).run(progress=progress)
        return found

    soon = len(encoder.tokens(subject.text, subject.pair)) ** 2 <= _SOON_TOKENS
    about = repr((subject, within))
    found: it.pretraining.PseudoLikelihood | None = long_work(
        f"surprise:{which}", about, _("Compute pseudo-perplexity"), work, auto=soon, keep=8
    )
    return found

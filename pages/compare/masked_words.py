"""What two models guess for each word of the text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.analysis import Analysis
from dashboard.language import _, explain, literal
from dashboard.numbers import between, number, sentences
from dashboard.subject import Subject
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.models import encoder_of, model_name
from dashboard.widgets.notices import guarded
from interpret.core.checkpoints import BUILT_INS, GUESSER, MULTILINGUAL
from pages.compare.figures import word_bars
from pages.compare.two import Two

# So many tokens through both models are some seconds on two cores.
_SOON_TOKENS = 20_000


@guarded
def masked_words(two: Two) -> None:
    """Each word hidden in turn: how surprised both models are by it, and what they would have written."""
    guessers = _guessers(two)
    if guessers is None:
        return
    two = guessers
    analysis = Analysis(
        "pretraining.compare_guesses",
        two.first,
        name="guesses",
        shows=(".words.labels", ".first_bits", ".second_bits", ".first_guesses", ".second_guesses"),
        first=two.first.spec,
        second=two.second.spec,
    )
    tokens = len(cache.encoder(two.first.spec).tokens(two.first.text, two.first.pair))

    def work(progress: Progress) -> it.pretraining.GuessComparison:
        found: it.pretraining.GuessComparison = analysis.run(progress=progress)
        return found

    found = long_work(
        "both_guesses",
        repr((two.first, two.second)),
        _("Hide each word in turn"),
        work,
        {"first": literal(two.names[0]), "second": literal(two.names[1])},
        auto=tokens**2 <= _SOON_TOKENS,
        keep=4,
    )
    if found is None:
        return
    st.markdown(_line(two, found))
    st.plotly_chart(
        word_bars(found.words.labels, found.first_bits, found.second_bits, two.names, _("surprisal (bits)")),
        key="surprisal",
    )
    first, second = two.names
    order = np.argsort(-np.abs(found.second_bits - found.first_bits), kind="stable")
    data_table(
        {
            _("Word"): [found.words.labels[i] for i in order],
            _("Guess: {model}").format(model=first): [found.first_guesses[i] for i in order],
            _("Bits: {model}").format(model=first): [float(found.first_bits[i]) for i in order],
            _("Guess: {model}").format(model=second): [found.second_guesses[i] for i in order],
            _("Bits: {model}").format(model=second): [float(found.second_bits[i]) for i in order],
        },
        key="guesses",
        column_config={
            _("Bits: {model}").format(model=name): st.column_config.NumberColumn(format="%.2f") for name in two.names
        },
    )
    st.caption(
        _(
            "The words first on which the models differ most. The guess is for the whole word hidden; bits are those "
            "of the word that stands there, each of its tokens with those behind it hidden too (Kauf & Ivanova 2023). "
            "What this does not mean: fewer bits say that the word was expected, not that the model is right about it."
        )
    )
    stem = two.stem("masked-words")
    export_bar(
        [
            Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(_table(found)), _("A row for each word")),
            Download(
                "JSON",
                f"{stem}.json",
                "application/json",
                lambda: as_json(
                    {
                        **analysis.about,
                        "words": _table(found),
                        "difference_bits": found.difference,
                        "difference_interval": found.difference_interval if len(found.words) > 1 else None,
                    }
                ),
                _("The same values, with both models"),
            ),
        ],
        analysis,
    )


def _guessers(two: Two) -> Two | None:
    """Return both with their heads for masked words; None where one has none, which is said."""
    subjects, names = [], []
    for name, subject in zip(two.names, (two.first, two.second), strict=True):
        encoder = cache.encoder(subject.spec)
        own = subject.spec.checkpoint.name
        if own in BUILT_INS and own != MULTILINGUAL:
            # MiniLM's stands in for those that were published without, under its own name.
            encoder, name = encoder_of(GUESSER), model_name(GUESSER)
        try:
            encoder.check_guesses()
        except it.CheckpointError as error:
            st.info(
                _("{model}: {why}").format(model=literal(name), why=explain(error)), icon=":material/extension_off:"
            )
            return None
        subjects.append(Subject(encoder.spec, two.first.text, two.first.pair))
        names.append(name)
    if subjects[0].spec == subjects[1].spec:
        st.info(
            _(
                "For both the head for masked words that comes with Bertoscope would answer, which is MiniLM's: their "
                "guesses would be the same. Choose another model for one of them, such as "
                "google-bert/bert-base-uncased, or one whose pretraining you continued."
            ),
            icon=":material/extension_off:",
        )
        return None
    for name, instead in zip(two.names, names, strict=True):
        if name != instead:
            st.caption(
                _("{model} was published without a head for masked words: {instead} guesses in its place.").format(
                    model=literal(name), instead=literal(instead)
                )
            )
    return replace(two, first=subjects[0], second=subjects[1], names=(names[0], names[1]))


def _line(two: Two, found: it.pretraining.GuessComparison) -> str:
    low, high = found.difference_interval
    means = _("Mean surprisal per word: {first} {one} bits, {second} {other} bits.").format(
        first=literal(two.names[0]),
        one=number(float(found.first_bits.mean()), ".2f"),
        second=literal(two.names[1]),
        other=number(float(found.second_bits.mean()), ".2f"),
    )
    ends = between((low, high), ".2f")
    value = number(found.difference, "+.2f")
    if np.isnan(low) or low <= 0 <= high:
        said = _("Which of them expects these words better is not known: {value} bits ({interval}).")
    else:
        said = _("**{model} expects these words better**: {value} bits per word ({interval}).")
    better = two.names[0 if found.difference > 0 else 1]
    return sentences(means, said.format(model=literal(better), value=value, interval=ends))


def _table(found: it.pretraining.GuessComparison) -> dict[str, list[object]]:
    return {
        "word": list(found.words.labels),
        "first_guess": list(found.first_guesses),
        "first_bits": found.first_bits.tolist(),
        "second_guess": list(found.second_guesses),
        "second_bits": found.second_bits.tolist(),
    }

"""What is said of the heads that ship with Bertoscope."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, literal
from dashboard.numbers import listed, sentences
from dashboard.widgets.data_table import data_table
from dashboard.widgets.models import model_name
from interpret.core.builtin import Figure, pretraining_facts
from interpret.core.checkpoints import BUILT_IN, GUESSER, MULTILINGUAL, SMALLEST
from pages.pretraining.fill_mask_view import percent


def say_how_good(encoder: it.Encoder) -> None:
    """Say of the shipped heads what they are and how well they guess; nothing of other models."""
    if encoder.spec.checkpoint.name != GUESSER:
        return
    facts = pretraining_facts()
    parts = []
    if state.chosen_value(state.MODEL) == BUILT_IN:
        parts.append(
            _("The built-in MiniLM was published without its pretraining heads; here it has newly trained ones.")
        )
    chosen = state.chosen_value(state.MODEL)
    if chosen in (MULTILINGUAL, SMALLEST):
        parts.append(
            _(
                "Pretraining heads are missing in {model}: here the built-in MiniLM guesses, which reads English."
            ).format(model=model_name(chosen))
        )
    if chosen == MULTILINGUAL:
        parts.append(_("For Chinese choose google-bert/bert-base-chinese."))
    parts.append(
        _(
            "**A small model, whose heads were trained on only {count} books.** On whole books that they never saw "
            "({books}), read in passages of {words} words, top-1 accuracy on tokens selected as in training is "
            "{first} and top-5 accuracy {five}; accuracy at distinguishing consecutive from random halves is {next} "
            "({hidden} with those tokens masked; chance: 50%). On other and on short texts it does worse: top-1 "
            "accuracy is {everyday} on everyday text and {encyclopaedia} on an encyclopaedia, and on the order of two "
            "everyday sentences it is not distinguishable from chance. For better guesses choose a larger model, such "
            "as google-bert/bert-base-uncased."
        ).format(
            count=facts.training_books,
            books=listed(map(literal, facts.books)),
            words=facts.words,
            first=percent(facts.first),
            five=percent(facts.five),
            next=percent(facts.following),
            hidden=percent(facts.following_hidden),
            **{one.domain: percent(one.value) for one in facts.figures if one.measure == "first"},
        )
    )
    st.caption(sentences(*parts))
    with st.expander(_("Accuracy by kind of text")):
        data_table(figures_table(facts.figures))
        st.caption(
            _(
                "Intervals are 95%, by passage, document or sentence, as tokens of the same unit are not "
                "independent. Figures measured outside this project came without row counts and intervals. The model "
                "card says how the others were obtained."
            )
        )


def figures_table(figures: Sequence[Figure]) -> dict[str, list[str]]:
    """Return a row for each figure: of which texts, what, how much, how surely, on which rows, by whom."""
    domains = {"novels": _("novels"), "everyday": _("everyday text"), "encyclopaedia": _("encyclopaedia")}
    measures = {
        "first": _("top-1 accuracy"),
        "five": _("top-5 accuracy"),
        "content first": _("top-1 accuracy, content words"),
        "content five": _("top-5 accuracy, content words"),
        "perplexity": _("pseudo-perplexity"),
        "next": _("next-passage accuracy, unmasked"),
        "next hidden": _("next-passage accuracy, tokens masked"),
        "sentence shuffled": _("next-sentence accuracy vs shuffled"),
        "sentence swapped": _("next-sentence accuracy vs swapped"),
    }
    units = {
        "tokens": _("{count} tokens"),
        "pairs": _("{count} pairs"),
        "passages": _("{count} passages"),
        "documents": _("{count} documents"),
        "sentences": _("{count} sentences"),
    }

    def number(one: Figure, value: float | None) -> str:
        return "–" if value is None else f"{value:,.0f}" if one.measure == "perplexity" else percent(value)

    def rows(one: Figure) -> str:
        counts = ((one.rows, one.unit), (one.clusters, one.cluster))
        return " · ".join(units[unit].format(count=f"{count:,}") for count, unit in counts if count and unit) or "–"

    return {
        _("Texts"): [domains[one.domain] for one in figures],
        _("Measure"): [measures[one.measure] for one in figures],
        _("Value"): [number(one, one.value) for one in figures],
        "95%": [
            "–"
            if one.low is None
            else _("{low} to {high}").format(low=number(one, one.low), high=number(one, one.high))
            for one in figures
        ],
        _("Rows"): [rows(one) for one in figures],
        _("Source"): [one.source for one in figures],
        _("Measured by"): [_("this project") if one.origin == "project" else _("others") for one in figures],
    }

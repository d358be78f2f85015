"""What is said of the heads that ship with Bertoscope."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, literal
from dashboard.widgets.guess_view import percent
from interpret.core.builtin import Figure, guesser_facts
from interpret.core.checkpoints import BUILT_IN, GUESSER


def say_how_good(encoder: it.Encoder) -> None:
    """Say of the shipped heads what they are and how well they guess; nothing of other models."""
    if encoder.spec.checkpoint.name != GUESSER:
        return
    facts = guesser_facts()
    parts = []
    if state.asked(state.MODEL, BUILT_IN) == BUILT_IN:
        parts.append(
            _("The built-in MiniLM was published without the heads of its pre-training; here it has new ones.")
        )
    parts.append(
        _(
            "**A small model, whose heads learned from {count} books and no more.** In whole books that they never saw "
            "({books}), read in passages of {words} words, its first guess is right for {first} of the tokens chosen "
            "as in training, and among its first five for {five}; of consecutive and random halves it tells {next} "
            "right ({hidden} with those tokens hidden; by chance: 50 %). In other texts and in short ones it does "
            "worse: of everyday text its first guess is right for {everyday}, of an encyclopaedia for {encyclopaedia}, "
            "and the order of two everyday sentences is not told from chance. For better guesses choose a larger "
            "model, such as google-bert/bert-base-uncased."
        ).format(
            count=facts.learned,
            books=literal(", ".join(facts.books)),
            words=facts.words,
            first=percent(facts.first),
            five=percent(facts.five),
            next=percent(facts.following),
            hidden=percent(facts.following_hidden),
            **{one.domain: percent(one.value) for one in facts.figures if one.measure == "first"},
        )
    )
    st.caption(" ".join(parts))
    with st.expander(_("How good it is, on which texts")):
        st.dataframe(figures_table(facts.figures), hide_index=True)
        st.caption(
            _(
                "Intervals are at 95 %, by passage, document or sentence, whose tokens hang together. What was "
                "measured outside this project came without its rows and intervals. How the others were made stands in "
                "the model's card."
            )
        )


def figures_table(figures: Sequence[Figure]) -> dict[str, list[str]]:
    """Return a row for each figure: of which texts, what, how much, how surely, on which rows, by whom."""
    domains = {"novels": _("novels"), "everyday": _("everyday text"), "encyclopaedia": _("encyclopaedia")}
    measures = {
        "first": _("first guess right"),
        "five": _("among the first five"),
        "content first": _("content words, first guess right"),
        "content five": _("content words, among the first five"),
        "perplexity": _("pseudo-perplexity"),
        "next": _("next passage told, as written"),
        "next hidden": _("next passage told, tokens hidden"),
        "sentence shuffled": _("next sentence told from another"),
        "sentence swapped": _("order of two sentences told"),
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
        "95 %": [
            "–"
            if one.low is None
            else _("{low} to {high}").format(low=number(one, one.low), high=number(one, one.high))
            for one in figures
        ],
        _("Rows"): [rows(one) for one in figures],
        _("Source"): [one.source for one in figures],
        _("Measured"): [
            _("by this project") if one.origin == "project" else _("outside this project") for one in figures
        ],
    }

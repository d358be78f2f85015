"""What is said of the heads that ship with Bertoscope."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, literal
from dashboard.widgets.guess_view import percent
from interpret.checkpoints import BUILT_IN, GUESSER
from interpret.guesser import guesser_facts


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
            "({books}), read in passages of {words} words, its first guess is right for {first} of the pieces chosen "
            "as in training, and among its first five for {five}; of consecutive and random halves it tells {next} "
            "right ({hidden} with those pieces hidden; by chance: 50 %). In short texts it does worse. For better "
            "guesses choose a larger model, such as google-bert/bert-base-uncased."
        ).format(
            count=facts.learned,
            books=literal(", ".join(facts.books)),
            words=facts.words,
            first=percent(facts.first),
            five=percent(facts.five),
            next=percent(facts.following),
            hidden=percent(facts.following_hidden),
        )
    )
    st.caption(" ".join(parts))

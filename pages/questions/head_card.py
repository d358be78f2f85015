"""What is said of the head for questions that ships with Bertoscope."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.numbers import between, sentences
from dashboard.widgets.models import model_name
from interpret.core.builtin import reader_facts
from interpret.core.checkpoints import READER


def say_how_good(encoder: it.Encoder) -> None:
    """Say of the shipped head what it is and how well it answers; nothing of other models."""
    if encoder.spec.checkpoint.name != READER:
        return
    facts, chosen, parts = reader_facts(), state.chosen_value(state.MODEL), []
    if chosen != READER:
        parts.append(
            _("{model} comes without a head for question answering: here MiniLM answers with a new one.").format(
                model=model_name(chosen)
            )
        )
    parts.append(
        _(
            "**A small head, trained on {count} questions about short English passages.** On {questions} others about "
            "{passages} passages that it never saw, its F1 is {f1} ({interval}) and {exact} of its answers are exact; "
            "the sentence with most of the question's words has an F1 of {baseline}. On Wikipedia its F1 is only "
            "{wikipedia} ({wikipedia_interval}; that sentence: {wikipedia_baseline}). For better answers choose a "
            "model that was trained on SQuAD, such as deepset/tinyroberta-squad2, or train one on your own questions."
        ).format(
            count=facts.training_questions,
            questions=facts.questions,
            passages=facts.passages,
            f1=f"{facts.f1:.1%}",
            interval=between(facts.f1_interval),
            exact=f"{facts.exact:.1%}",
            baseline=f"{facts.baseline:.1%}",
            wikipedia=f"{facts.wikipedia_f1:.1%}",
            wikipedia_interval=between(facts.wikipedia_interval),
            wikipedia_baseline=f"{facts.wikipedia_baseline:.1%}",
        )
    )
    st.caption(sentences(*parts))

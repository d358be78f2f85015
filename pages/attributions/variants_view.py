"""Other ways of writing a text, and what the model says of each."""

from __future__ import annotations

from typing import Any

import streamlit as st

import interpret as it
from dashboard.language import _, literal
from dashboard.numbers import listed, number


def search_names() -> dict[str, str]:
    """Name each way of searching for the reader."""
    return {
        "delete": _("deleting words"),
        "nearest": _("replacing words with those of the nearest embeddings"),
        "hotflip": _("replacing words as the gradient suggests (HotFlip)"),
        "masked": _("replacing words with the model's own masked-word guesses"),
    }


def variants_table(question: it.attribution.TargetFunction, variants: it.attribution.Variants) -> dict[str, list[Any]]:
    """Return a row for each variant: what changed, how it reads, and each class's probability."""
    changed = [
        listed(f"{one.before} → {one.after}" if one.after else f"– {one.before}" for one in changes) or _("(original)")
        for changes in variants.changes
    ]
    return {
        _("Changes"): changed,
        **{
            label or question.target.kind: [round(float(one), 4) for one in variants.probabilities[:, place]]
            for place, label in enumerate(variants.labels)
        },
        _("Text"): list(variants.texts),
    }


def chances_table(question: it.attribution.TargetFunction, variants: it.attribution.Variants) -> None:
    """Show the text as it is, and below it with its changes, as a short table."""
    table = variants_table(question, variants)
    st.dataframe(table, hide_index=True, key="chances")
    target = question.target
    column = target.index if len(variants.labels) > 1 else 0
    if len(variants.changes) > 1:
        before, after = (float(variants.probabilities[row, column]) for row in (0, 1))
        st.markdown(
            _("With these words switched off: **{before} → {after}** ({change}). The model reads: “{text}”").format(
                before=f"{before:.4f}",
                after=f"{after:.4f}",
                change=number(after - before, "+.4f"),
                text=literal(variants.texts[1]),
            )
        )
    else:
        st.caption(
            _(
                "No word is switched off. Switch off the word that the scores rank highest, and see whether it "
                "really matters most."
            )
        )

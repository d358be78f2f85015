"""Other ways of writing a text, and what the model says of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

import interpret as it
from dashboard.language import _, literal
from dashboard.numbers import listed, number
from dashboard.widgets.data_table import data_table
from dashboard.widgets.shares import percent_columns, percents


def search_names() -> dict[str, str]:
    """Name each way of searching for the reader."""
    return {
        "delete": _("deleting words"),
        "nearest": _("replacing words with those of the nearest embeddings"),
        "hotflip": _("replacing words as the gradient suggests (HotFlip)"),
        "masked": _("replacing words with the model's own masked-word guesses"),
    }


def variants_table(
    target_function: it.attribution.TargetFunction, variants: it.attribution.Variants
) -> dict[str, list[Any]]:
    """Return a row for each variant: what changed, how it reads, and each class's probability."""
    changed = [
        listed(f"{one.before} → {one.after}" if one.after else f"– {one.before}" for one in changes) or _("(original)")
        for changes in variants.changes
    ]
    return {
        _("Changes"): changed,
        **{
            label or target_function.target.kind: [round(float(one), 4) for one in variants.probabilities[:, index]]
            for index, label in enumerate(variants.labels)
        },
        _("Text"): list(variants.texts),
    }


def change_of(target_function: it.attribution.TargetFunction, before: float, after: float) -> dict[str, str]:
    """Write what the model gave before and after a change: probabilities in per cent, other outputs as they are."""
    if not target_function.kind.likely:
        return {
            "before": number(before, ".4f"),
            "after": number(after, ".4f"),
            "change": number(after - before, "+.4f"),
        }
    points = _("{points} percentage points").format(points=number(100 * (after - before), "+.1f"))
    return {"before": f"{before:.1%}", "after": f"{after:.1%}", "change": points}


def variants_view(
    target_function: it.attribution.TargetFunction, table: dict[str, list[Any]], labels: Sequence[str], key: str
) -> None:
    """Draw `variants_table`, with probabilities in per cent."""
    shares = [label or target_function.target.kind for label in labels if target_function.kind.likely]
    shown = {name: percents(values) if name in shares else values for name, values in table.items()}
    data_table(shown, key=key, column_config=percent_columns(*shares))


def chances_table(target_function: it.attribution.TargetFunction, variants: it.attribution.Variants) -> None:
    """Show the text as it is, and below it with its changes, as a short table."""
    table = variants_table(target_function, variants)
    variants_view(target_function, table, variants.labels, "chances")
    target = target_function.target
    column = target.index if len(variants.labels) > 1 else 0
    if len(variants.changes) > 1:
        before, after = (float(variants.probabilities[row, column]) for row in (0, 1))
        st.markdown(
            _("With these words switched off: **{before} → {after}** ({change}). The model reads: “{text}”").format(
                **change_of(target_function, before, after), text=literal(variants.texts[1])
            )
        )
    else:
        st.caption(
            _(
                "No word is switched off. Switch off the word that the scores rank highest, and see whether it "
                "really matters most."
            )
        )

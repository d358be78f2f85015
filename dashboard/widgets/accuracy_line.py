"""What an accuracy is worth, in one sentence: on which rows, how surely, beside what a guess would give."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard.language import _, literal


def accuracy_line(measured: it.Accuracy, basis: str) -> None:
    """Say how often a classifier is right, and in plain sight where that is no better than always guessing one class.

    Parameters
    ----------
    basis
        On which rows: one of `interpret.attribution.rows.BASES`.
    """
    low, high = measured.interval
    said = _(
        "**Accuracy {accuracy}** (95 %: {low} to {high}) on {count} rows {basis}; always guessing “{name}”: {guess}."
    ).format(
        accuracy=f"{measured.share:.1%}",
        low=f"{low:.0%}",
        high=f"{high:.0%}",
        count=f"{measured.count:,}",
        basis=_bases()[basis],
        name=literal(measured.commonest),
        guess=f"{measured.majority:.1%}",
    )
    if measured.beats_majority:
        st.markdown(said)
        return
    st.error(
        _(
            "**At or below the majority class**: these rows do not show that the classifier tells anything, so what is "
            "explained here explains nothing about the labels."
        )
        + " "
        + said,
        icon=":material/do_not_disturb_on:",
    )


def _bases() -> dict[str, str]:
    return {
        "out-of-fold": _("that it was fitted on, each answered by one fitted without it (out-of-fold)"),
        "not learned from": _("that it did not learn from"),
        "learned from": _("that it **learned from**: it says little about others"),
        "not known": _("of which it is not known whether it learned from them"),
    }

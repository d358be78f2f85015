"""What an accuracy is worth, in one sentence: on which rows, how surely, beside what a guess would give."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard.language import _, _n, literal
from dashboard.numbers import sentences


def accuracy_line(measured: it.Accuracy, basis: str, explains: bool = True) -> None:
    """Say how often a classifier is right, and in plain sight where that is no better than always guessing one class.

    Parameters
    ----------
    basis
        On which rows: one of `interpret.attribution.row_attributions.BASES`.
    explains
        Whether its answers are explained below.
    """
    low, high = measured.interval
    said = _n(
        "**Accuracy {accuracy}** (95%: {low} to {high}) on {count} row {basis}; majority-class baseline "
        "(always “{name}”): {guess}.",
        "**Accuracy {accuracy}** (95%: {low} to {high}) on {count} rows {basis}; majority-class baseline "
        "(always “{name}”): {guess}.",
        measured.count,
    ).format(
        accuracy=f"{measured.share:.1%}",
        low=f"{low:.1%}",
        high=f"{high:.1%}",
        count=f"{measured.count:,}",
        basis=_bases()[basis],
        name=literal(measured.commonest),
        guess=f"{measured.majority:.1%}",
    )
    if measured.beats_majority:
        st.markdown(said)
        return
    st.error(
        sentences(
            _(
                "**Not shown to beat the majority-class baseline**: these rows give no evidence that the classifier "
                "distinguishes the classes, so the explanations here say nothing about the labels."
            )
            if explains
            else _(
                "**Not shown to beat the majority-class baseline**: these rows give no evidence that the classifier "
                "distinguishes the classes."
            ),
            said,
        ),
        icon=":material/do_not_disturb_on:",
    )


def _bases() -> dict[str, str]:
    return {
        "out-of-fold": _("that it was fitted on, each predicted out-of-fold by a classifier fitted without it"),
        "not learned from": _("not used in training"),
        "learned from": _("**used in training**: it says little about other texts"),
        "not known": _("(not known whether used in training)"),
    }

"""An answer in its passage, and those that come next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.analysis import Analysis
from dashboard.language import _, literal
from dashboard.subject import Subject
from dashboard.widgets.data_table import data_table
from dashboard.widgets.shares import percent_bar, percents
from interpret.core.characters import beginning
from interpret.core.question_answering import MOST_TOKENS

if TYPE_CHECKING:
    from interpret.core.question_answering import Answers

# Characters of a passage on either side of an answer, where not all of it is shown.
_AROUND = 80
# Of an answer that is listed beside a better one.
_LEAST = 0.001


def answers_analysis(subject: Subject) -> Analysis:
    """Describe what a passage, the second text, answers to a question, the first."""
    return Analysis(
        "answer_question",
        subject.spec,
        shows=(".answers", ".no_answer"),
        question=subject.text,
        passage=subject.pair or "",
    )


def answer_in_passage(found: Answers, whole: bool = False) -> None:
    """Draw the best answer, marked where it stands, and say what its probability is of.

    Parameters
    ----------
    whole
        Whether all of the passage is shown.
    """
    best = found.answers[0]
    before, after = found.passage[: best.start], found.passage[best.end :]
    # Text that is taken literally loses the spaces at its ends.
    lead, trail = (" " if one.isspace() else "" for one in (before[-1:], after[:1]))
    if not whole:
        before, after = _end_of(before), beginning(after, _AROUND)
    st.subheader(
        _("No answer, {share}").format(share=f"{found.no_answer:.1%}")
        if found.no_answer > best.probability
        else _("Answer: {text}, {share}").format(text=literal(best.text), share=f"{best.probability:.1%}"),
        anchor=False,
    )
    st.markdown(f"{literal(before)}{lead}:orange-background[**{literal(best.text)}**]{trail}{literal(after)}")
    if found.no_answer > best.probability:
        st.caption(
            _("Marked is the stretch that fits best, with a probability of {share}.").format(
                share=f"{best.probability:.1%}"
            )
        )
    st.caption(
        _(
            "Probabilities are shares among all stretches of up to {count} tokens, and no answer at all. A model that "
            "was not trained on questions without an answer says nothing by the latter."
        ).format(count=MOST_TOKENS)
    )


def answers_table(found: Answers) -> None:
    """Draw the best answers with their probabilities: the best one, and others that are not next to impossible."""
    some = [one for index, one in enumerate(found.answers) if not index or one.probability >= _LEAST]
    data_table(
        {
            _("Answer"): [*(one.text for one in some), _("no answer")],
            _("Probability"): percents([*(one.probability for one in some), found.no_answer]),
        },
        column_config={_("Answer"): st.column_config.TextColumn(width=200), _("Probability"): percent_bar(130)},
    )


def _end_of(text: str) -> str:
    """Return the last characters of a text, from the beginning of a word on."""
    return text if len(text) <= _AROUND else "…" + text[-_AROUND:].partition(" ")[2]

"""What the classifier answers: every class's probability, the true label, and why one class and not another."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, literal
from dashboard.numbers import listed, number
from dashboard.widgets.data_table import data_table
from dashboard.widgets.passage_answer import answer_in_passage, answers_analysis, answers_table
from dashboard.widgets.shares import percent_bar, percents
from dashboard.widgets.target_view import TargetChoice, choose_class, choose_contrast
from dashboard.widgets.text_input import offer_second_text
from interpret.core.accuracy import text_key
from interpret.core.labels import as_number, is_missing, labels_in
from interpret.core.word_tags import OUTSIDE, word_tags

_MOST_SHOWN, _MOST_TAGGED = 6, 12
# From which probability on a class is given by a model whose classes stand each by itself.
_GIVEN_FROM = 0.5
# Characters in a line of the table's first column at the least, and in pixels a line, and a row at the most.
_CHARACTERS, _LINE, _MOST_HEIGHT = 20, 18, 126


def answer_card(choice: TargetChoice) -> None:
    """Draw the answer of a classifier, or of a head with one number, before anything is explained; else nothing."""
    if choice.kind.scores:
        _score_card(choice)
    elif choice.kind.tags:
        _tag_card(choice)
    elif choice.kind.from_passage:
        _passage_card(choice)
    elif choice.kind.classifier and len(choice.classes) > 1:
        _class_card(choice)


def _score_card(choice: TargetChoice) -> None:
    function = choice.target_function
    bounded = function.encoder.task is not None and function.encoder.task.bounded
    answer = float(function.probabilities(function.own[None])[0, 0])
    with st.container(border=True):
        st.subheader(
            _("{name}: {value}").format(name=literal(function.target.name), value=number(answer, ".3f")), anchor=False
        )
        if bounded:
            st.markdown(
                _("As the model's folder says, that is the sigmoid of its logit, {logit}.").format(
                    logit=number(function.output, ".3f")
                )
            )
            if choice.subject.pair is None:
                st.caption(_("Such a model was trained to score pairs, such as a question and a passage."))
                offer_second_text()
        row = choice.subject.row
        given = None if row is None else as_number(row.label)
        if given is None:
            st.caption(_("The true value is not known."))
        else:
            st.markdown(
                _("True value: {value}; difference: {difference}.").format(
                    value=number(given, ".3f"), difference=number(answer - given, "+.3f")
                )
            )
        _faithfulness_link()


def _tag_card(choice: TargetChoice) -> None:
    function = choice.target_function
    encoder, target = function.encoder, function.target
    labels = () if encoder.task is None else encoder.task.labels
    probabilities = function.probabilities(function.own[None])[0]
    order = [int(i) for i in np.argsort(-probabilities, kind="stable")]
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="large")
        with left:
            st.subheader(
                _("“{word}”: {name}, {share}").format(
                    word=literal(target.other),
                    name=literal(labels[order[0]]),
                    share=f"{float(probabilities[order[0]]):.1%}",
                ),
                anchor=False,
            )
            tagged = [one for one in word_tags(encoder, function.tokens) if one.tag != OUTSIDE]
            said = [f"{literal(one.word)} ({literal(one.tag)} {one.probability:.0%})" for one in tagged[:_MOST_TAGGED]]
            st.markdown(
                _("Words with a tag: {words}").format(words=listed(said)) if said else _("No word is given a tag.")
            )
            _faithfulness_link()
        with right:
            _probabilities(labels, probabilities, order)


def _passage_card(choice: TargetChoice) -> None:
    found = answers_analysis(choice.subject).result
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="large")
        with left:
            answer_in_passage(found)
            _faithfulness_link()
        with right:
            answers_table(found)


def _class_card(choice: TargetChoice) -> None:
    function = (
        choice.target_function
        if choice.kind.predicts
        else choice.make_target_function(choice.subject.text, "predicted")
    )
    probabilities = function.probabilities(function.own[None])[0]
    order = [int(i) for i in np.argsort(-probabilities, kind="stable")]
    best, second = order[:2]
    own = function.encoder.task if choice.head is None else None
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="large")
        if own is not None and not own.exclusive:
            with left:
                _given_card(choice, probabilities, order)
            with right:
                _probabilities(choice.classes, probabilities, order, exclusive=False)
            return
        with left:
            st.subheader(
                _("Predicted: {name}, {share}").format(
                    name=literal(choice.classes[best]), share=f"{float(probabilities[best]):.1%}"
                ),
                anchor=False,
            )
            _true_label(choice, choice.classes[best])
            if choice.kind.predicts:
                label = _("Why {name} and not {other}?").format(
                    name=literal(choice.classes[best]), other=literal(choice.classes[second])
                )
                st.button(label, key="why_not", on_click=choose_contrast, args=(choice, best, second))
            else:
                st.button(_("Explain the predicted class"), key="why_predicted", on_click=choose_class, args=(choice,))
            _faithfulness_link()
        with right:
            _probabilities(choice.classes, probabilities, order)


def _given_card(choice: TargetChoice, probabilities: np.ndarray, order: list[int]) -> None:
    """Say which classes a model gives whose classes stand each by itself, and which the file says."""
    given = [choice.classes[i] for i in order if probabilities[i] >= _GIVEN_FROM]
    st.subheader(
        _("Predicted: {names}").format(names=listed(map(literal, given)))
        if given
        else _("Predicted: none of the classes"),
        anchor=False,
    )
    row = choice.subject.row
    if row is None or is_missing(row.label):
        st.caption(_("The true label is not known."))
    else:
        true = set(labels_in(row.label, choice.classes))
        st.markdown(
            _("True labels: {names}; {verdict}").format(
                names=literal(row.label), verdict=_("all right") if true == set(given) else _("not the same")
            )
        )
    st.caption(
        _("Each class stands by itself: it is predicted from a probability of 50% on. What is explained is one class.")
    )
    _faithfulness_link()


def _true_label(choice: TargetChoice, predicted: str) -> None:
    """Say what the file says the class is, where the text is a row of one, and whether the answer is right.

    A classifier knows the rows that it was fitted on: of these the answer counts that was found without them, as in the
    whole file and in a report.
    """
    row = choice.subject.row
    label = "" if row is None else row.label.strip()
    if not label or (label not in choice.classes and is_missing(label)):
        st.caption(_("The true label is not known."))
        return
    name = f"**{literal(label)}**"
    if label not in choice.classes:
        st.markdown(_("True label: {name}, which is no class of this classifier.").format(name=name))
        return
    head: it.LinearHead | None = None if choice.head is None else choice.head.result
    without = "" if head is None else head.out_of_fold.get(text_key(choice.subject.text), "")
    right = label == (without or predicted)
    if without:
        said = _(
            "True label: {name}. The classifier was fitted on this row; without it, it predicts {other}: {verdict}."
        )
    else:
        said = _("True label: {name}, as predicted.") if right else _("True label: {name}; the prediction is wrong.")
    icon = ":material/check_circle:" if right else ":material/cancel:"
    st.markdown(
        f"{icon} "
        + said.format(name=name, other=f"**{literal(without)}**", verdict=_("right") if right else _("wrong"))
    )


def _probabilities(
    classes: tuple[str, ...], probabilities: np.ndarray, order: list[int], exclusive: bool = True
) -> None:
    """Draw the likeliest classes with their probabilities, and of exclusive ones what the others have together."""
    shown = order[:_MOST_SHOWN]
    lines = max(-(-len(classes[i]) // _CHARACTERS) for i in shown)
    data_table(
        {
            _("Class"): [classes[i] for i in shown],
            _("Probability"): percents(float(probabilities[i]) for i in shown),
        },
        # Long names have several lines: two can begin alike.
        row_height=None if lines == 1 else min(_LINE * lines + _LINE, _MOST_HEIGHT),
        # However long its name is, the bar stays in sight.
        column_config={_("Class"): st.column_config.TextColumn(width=170), _("Probability"): percent_bar(130)},
    )
    if exclusive and len(order) > _MOST_SHOWN:
        rest = float(probabilities[order[_MOST_SHOWN:]].sum())
        st.caption(_("All other classes together: {share}").format(share=f"{rest:.1%}"))


def _faithfulness_link() -> None:
    st.button(
        _("How far can this be believed? See “Faithfulness”"),
        key="to_faithfulness",
        type="tertiary",
        icon=":material/arrow_forward:",
        on_click=_to_faithfulness,
    )


def _to_faithfulness() -> None:
    st.session_state[state.WHY] = "quality"

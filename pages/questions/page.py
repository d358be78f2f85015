"""Question answering: where a passage answers a question, and how sure the model is of it."""

from __future__ import annotations

import streamlit as st

from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.windows import warn_of_unknown
from pages.questions.answers import answers
from pages.questions.head_card import say_how_good
from pages.questions.question_input import question_input

st.title(_("Question answering: where is the answer in the passage?"))
given = question_input()
encoder = chosen_encoder(head="span")
say_how_good(encoder)
if given is not None:
    warn_of_unknown(encoder, [(given.question, given.passage)])
    answers(Subject(encoder.spec, given.question, given.passage, given.row))

"""Which head looks where, how that comes about, where it leads, and whether it matters."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.sentence_view import prompted
from dashboard.widgets.tabs import Tab, draw_tabs
from dashboard.widgets.text_input import text_input
from dashboard.widgets.windows import fit, warn_of_unknown
from interpret.core.sentences import sentence
from pages.attention.ablation import ablation
from pages.attention.bertviz import bertviz
from pages.attention.compare import compare
from pages.attention.flow import flow
from pages.attention.heads import heads
from pages.attention.sliding_window import sliding_window
from pages.attention.steps import steps
from pages.attention.where import where

TABS = [
    Tab("where", sentence("Attention maps"), where),
    Tab("compare", sentence("Compare two heads"), compare),
    Tab("steps", sentence("Q·K·V, step by step"), steps),
    Tab("flow", sentence("Attention flow"), flow),
    Tab("heads", sentence("Types of heads"), heads),
    Tab("ablation", sentence("Ablate heads"), ablation),
    Tab("window", sentence("Sliding window"), sliding_window),
    Tab("bertviz", "BertViz", bertviz),
]

st.title(_("Attention: which head looks where?"))
chosen_text = text_input()
encoder = chosen_encoder()
if chosen_text.pair is None:
    encoder = prompted(encoder)
subject = fit(encoder, chosen_text.text, chosen_text.pair, chosen_text.row)
warn_of_unknown(encoder, [(subject.text, subject.pair)])
draw_tabs(TABS, state.TAB, subject)

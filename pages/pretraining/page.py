"""The two tasks that BERT was pretrained on, masked words and next sentences, from the inside."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.tabs import Tab, draw_tabs
from dashboard.widgets.text_input import text_input
from dashboard.widgets.windows import fit, warn_of_unknown
from interpret.core.sentences import sentence
from pages.pretraining.fill_mask import guess
from pages.pretraining.heads_card import say_how_good
from pages.pretraining.masking import masking
from pages.pretraining.next_sentence import following
from pages.pretraining.pseudo_likelihood import surprisal

TABS = [
    Tab("guess", sentence("Masked words"), guess),
    Tab("game", sentence("Masking"), masking),
    Tab("surprise", sentence("Pseudo-perplexity"), surprisal),
    Tab("following", sentence("Next sentence"), following),
]

st.title(_("Pretraining: masked words and next sentence"))
# No heads that read Chinese come with Bertoscope.
chosen_text = text_input(code="en")
encoder = chosen_encoder(head="masked words")
subject = fit(encoder, chosen_text.text, chosen_text.pair, chosen_text.row)
warn_of_unknown(encoder, [(subject.text, subject.pair)])
say_how_good(encoder)
draw_tabs(TABS, state.PRE, subject)

"""The two games that BERT learned from, masked words and next sentences, from the inside."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.guesser import say_how_good
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.tabs import lazy_tabs
from dashboard.widgets.text_input import text_input
from dashboard.widgets.windows import fit, warn_of_unknown
from pages.pretraining_tabs.following import following
from pages.pretraining_tabs.game import game
from pages.pretraining_tabs.guess import guess
from pages.pretraining_tabs.surprise import surprise

st.title(_("Pretraining: the tasks BERT learned from"))
chosen_text = text_input()
encoder = chosen_encoder(guesses=True)
text, pair = fit(encoder, chosen_text.text, chosen_text.pair)
warn_of_unknown(encoder, [(text, pair)])
say_how_good(encoder)
tab, place = lazy_tabs(
    {
        "guess": _("Masked words"),
        "game": _("Masking"),
        "surprise": _("Pseudo-perplexity"),
        "following": _("Next sentence"),
    },
    state.PRE,
)
with place:
    {"guess": guess, "game": game, "surprise": surprise, "following": following}[tab](encoder.spec, text, pair)

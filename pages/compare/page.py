"""Two models on one text, or on one collection: what each makes of it, and where they differ."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.sentence_view import prompted
from dashboard.widgets.tabs import Tab, draw_tabs
from dashboard.widgets.text_input import text_input
from dashboard.widgets.windows import fit_both
from interpret.core.sentences import sentence
from pages.compare.attention import attention
from pages.compare.attributions import attributions
from pages.compare.embeddings import embeddings
from pages.compare.masked_words import masked_words
from pages.compare.overview import overview
from pages.compare.predictions import predictions
from pages.compare.tokenizers import tokenizers
from pages.compare.two import Two, second_input

TABS = [
    Tab("overview", sentence("Size and speed"), overview),
    Tab("tokenizers", sentence("Tokenizers"), tokenizers),
    Tab("attention", sentence("Attention heads"), attention),
    Tab("embeddings", sentence("Embeddings"), embeddings),
    Tab("predictions", sentence("Predictions"), predictions),
    Tab("attributions", sentence("Attributions"), attributions),
    Tab("masked", sentence("Masked words"), masked_words),
]

st.title(_("Compare two models: what does the other one make of it?"))
chosen_text = text_input()
encoder = chosen_encoder()
other, models, names = second_input(encoder)
if chosen_text.pair is None:
    encoder = prompted(encoder)
if encoder.spec.checkpoint == other.spec.checkpoint:
    st.info(_("Both are the same model. Choose another one to compare it with."), icon=":material/compare:")
else:
    first, second = fit_both(encoder, other, chosen_text.text, chosen_text.pair, chosen_text.row)
    draw_tabs(TABS, state.TWO, Two(first, second, models, names))

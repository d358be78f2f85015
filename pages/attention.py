"""Which head looks where, how that comes about, where it leads, and whether it matters."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.tabs import lazy_tabs
from dashboard.widgets.text_input import text_input
from dashboard.widgets.windows import fit, warn_of_unknown
from pages.attention_tabs.ablation import ablation
from pages.attention_tabs.bertviz import bertviz
from pages.attention_tabs.flow import flow
from pages.attention_tabs.heads import heads
from pages.attention_tabs.steps import steps
from pages.attention_tabs.where import where

st.title(_("Attention: which head looks where?"))
chosen_text = text_input()
encoder = chosen_encoder()
text, pair = fit(encoder, chosen_text.text, chosen_text.pair)
warn_of_unknown(encoder, [(text, pair)])
tab, place = lazy_tabs(
    {
        "where": _("Where heads look"),
        "steps": _("Q·K·V, step by step"),
        "flow": _("Attention flow"),
        "heads": _("Types of heads"),
        "ablation": _("Ablate heads"),
        "bertviz": "BertViz",
    },
    state.TAB,
)
with place:
    {"where": where, "steps": steps, "flow": flow, "heads": heads, "ablation": ablation, "bertviz": bertviz}[tab](
        encoder.spec, text, pair
    )

"""Fine-tune a model with layer groups frozen by toggles, watch it learn, and see what came of it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.tabs import Tab, draw_tabs
from interpret.core.sentences import sentence
from pages.finetune.changes import inside
from pages.finetune.results import watch
from pages.finetune.setup import setup
from pages.finetune.sweep import sweep

TABS = [
    Tab("setup", sentence("Set up"), setup),
    Tab("watch", sentence("Training & results"), watch),
    Tab("inside", sentence("What changed in the model"), inside),
    Tab("sweep", sentence("Freezing-depth sweep"), sweep),
]

st.title(_("Fine-tune: train the model on your labels"))
draw_tabs(TABS, state.STAGE)

"""Fine-tune a model with layer groups frozen by toggles, watch it learn, and see what came of it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.tabs import lazy_tabs
from pages.finetune_tabs.inside import inside
from pages.finetune_tabs.setup import setup
from pages.finetune_tabs.sweep import sweep
from pages.finetune_tabs.watch import watch

st.title(_("Fine-tune: train the model on your labels"))
tab, place = lazy_tabs(
    {
        "setup": _("Set up"),
        "watch": _("Training & results"),
        "inside": _("What changed in the model"),
        "sweep": _("How many layers to train?"),
    },
    state.STAGE,
)
with place:
    {"setup": setup, "watch": watch, "inside": inside, "sweep": sweep}[tab]()

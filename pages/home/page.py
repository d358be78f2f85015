"""What this is, and where to go: three doors, and what was done last."""

from __future__ import annotations

import streamlit as st

from dashboard import page_file, state
from dashboard.language import _
from pages.home.doors import doors
from pages.home.recent import recent

if set(st.query_params) - set(state.EVERYWHERE):
    # The page of attention was here before: its links open it still.
    st.switch_page(page_file("attention"), query_params=state.address())

st.title(_("See inside BERT, and change it"))
st.markdown(
    _(
        "Bertoscope shows what a BERT model reads, what its layers and heads make of it, and why it answers as it "
        "does: on your own texts, with your own models. Everything runs on this machine, and what is estimated comes "
        "with its uncertainty."
    )
)
doors()
recent()

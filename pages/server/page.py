"""What the server is at, for whoever runs it: who is here, what is kept where, and a button each to free it."""

from __future__ import annotations

import streamlit as st

from dashboard import ownership
from dashboard.language import _
from pages.server.entries import entries
from pages.server.resources import cache_card, device_card, disk_card, memory_card, queue_card, sessions_card

st.title(_("Server"))
if not ownership.runs_server():
    st.info(_("This page is for whoever runs the server."), icon=":material/lock:")
else:
    st.button(_("Refresh"), icon=":material/refresh:", key="server_refresh")
    left, right = st.columns(2, gap="medium")
    with left:
        sessions_card()
        memory_card()
        cache_card()
    with right:
        queue_card()
        device_card()
        disk_card()
    entries()

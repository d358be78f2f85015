"""What a model takes of memory and time: counted before anything is run, and measured on this machine."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.tabs import Tab, draw_tabs
from interpret.core.sentences import sentence
from pages.resources.changes_view import changes
from pages.resources.measured_view import measured
from pages.resources.memory_view import memory
from pages.resources.table_view import table
from pages.resources.work_input import work_input

TABS = [
    Tab("memory", sentence("Memory and time"), memory),
    Tab("changes", sentence("What needs less"), changes),
    Tab("measured", sentence("Measured here"), measured),
    Tab("table", sentence("The classic table"), table),
]

st.title(_("Resources: what does a model take of memory and time?"))
planned = work_input()
if planned is not None:
    draw_tabs(TABS, state.RESOURCES, planned)

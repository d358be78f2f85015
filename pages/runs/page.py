"""All fine-tunes: sorted, compared, named, taken along, and gone on from."""

from __future__ import annotations

import streamlit as st

from dashboard.language import _
from dashboard.widgets.run_report import run_report
from pages.runs.compare import compare_view
from pages.runs.one_view import lineage_view, one_view
from pages.runs.runs_view import runs_table

st.title(_("Runs: what was trained, and from what"))
chosen = runs_table()
if len(chosen) == 1:
    one_view(chosen[0])
    lineage_view(chosen[0])
    run_report(chosen[0].run)
if chosen:
    compare_view(chosen)

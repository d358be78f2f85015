"""A report for an auditor: what a run's model predicts on the rows that it held out, and why."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard.language import _
from dashboard.report.run_report import report_of_run
from dashboard.widgets.export import file_stem
from dashboard.widgets.long_work import Progress
from dashboard.widgets.models import RUN, encoder_of
from dashboard.widgets.notices import guarded
from dashboard.widgets.report_button import report_button
from dashboard.widgets.run_view import run_rows


@guarded
def run_report(run: it.runs.Run | None) -> None:
    """Offer a report of a run; nothing for one that has no model, or whose model does not classify single texts."""
    if run is None or run.model is None or run.active or run.request.task != "classes" or run.request.pair:
        return

    def make(progress: Progress) -> it.attribution.Report:
        return report_of_run(run, encoder_of(RUN + run.id), read=run_rows, progress=progress)

    st.markdown("##### " + _("Report for an auditor"))
    about = repr((run.id, run.step, run.ended))
    report_button("run", about, make, file_stem("report", run.request.name), _("Report on the held-out rows"))

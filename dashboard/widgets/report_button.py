"""A report to take away: made at a click, then as a page in either language, and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, language, languages
from dashboard.report.html import html_file, json_file
from dashboard.widgets.choices import choose
from dashboard.widgets.long_work import Progress, long_work

# Of each a session keeps the last ones: some hundred kilobytes.
_KEPT = 3


def report_button(
    key: str,
    about: str,
    make: Callable[[Progress], it.attribution.Report],
    stem: str,
    label: str | None = None,
) -> None:
    """Draw the button that makes a report, and once it is made its files.

    Parameters
    ----------
    key, about
        The place on the page, and what tells this report from another: see `long_work`.
    make
        Makes it; called with ``progress(done, total, stage)``.
    stem
        What the files are called, but for their ends.
    label
        What the button says, if not that it makes a report.
    """

    def work(progress: Progress) -> dict[str, Any]:
        return it.attribution.report_json(make(progress))

    document = long_work(
        f"report:{key}",
        about,
        label or _("Make a report (HTML and JSON)"),
        work,
        {"cases": _("cases"), "rows": _("rows")},
        keep=_KEPT,
    )
    if document is None:
        st.caption(
            _(
                "One page for an auditor: accuracy with its interval, calibration, words for and against, contrast, "
                "counterfactuals and faithfulness of single rows, and what all this does not say. Works offline, "
                "prints, and has all numbers as JSON beside it."
            )
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        code = choose(
            st.selectbox, _("Language of the report"), languages(), state.REPORT_LANGUAGE, language(), width=180
        )
        json_name = f"{stem}.json"
        st.download_button(
            _("Report (HTML)"),
            partial(html_file, document, json_name, code),
            file_name=f"{stem}.{code.replace('_', '-')}.html",
            mime="text/html",
            key=f"report:{key}:html",
            on_click="ignore",
            icon=":material/description:",
            type="primary",
            help=_("One file that works offline; print it to PDF from the browser"),
        )
        st.download_button(
            _("Report (JSON)"),
            partial(json_file, document),
            file_name=json_name,
            mime="application/json",
            key=f"report:{key}:json",
            on_click="ignore",
            icon=":material/data_object:",
            help=_("Every number of the page, for a machine"),
        )

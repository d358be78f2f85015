"""The views of results: one for each kind, in a file of its own, which registers itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import streamlit as st

import interpret as it
from dashboard.language import _
from dashboard.widgets.data_table import choose_row
from dashboard.widgets.export import as_csv
from pages.finetune.next_steps import open_in

MOST_ROWS = 500
Found = TypeVar("Found", bound=it.finetuning.Results)
View = Callable[[it.runs.Run, it.finetuning.Outcome, Found], None]
VIEWS: dict[type[Any], View[Any]] = {}


def draws(kind: type[Found]) -> Callable[[View[Found]], View[Found]]:
    """Let a function draw results of a kind."""

    def register(view: View[Found]) -> View[Found]:
        VIEWS[kind] = view
        return view

    return register


def metric(column: Any, label: str, value: str, interval: str, about: str) -> None:
    """Draw a number with its 95% interval."""
    column.metric(label, value, interval, delta_color="off", delta_arrow="off", help=about)


def evaluated_rows(
    run: it.runs.Run,
    outcome: it.finetuning.Outcome,
    shown: np.ndarray,
    table: Mapping[str, Sequence[Any]],
    every: Callable[[], Mapping[str, Sequence[Any]]],
    columns: Mapping[str, Any],
    download: str = "",
) -> None:
    """Draw rows of the results as a table: one of them is explained or looked at, and all can be taken along.

    Parameters
    ----------
    shown
        Which rows of the results stand in the table.
    table
        What is said of those, by the columns' titles; the file's other columns come behind.
    every
        Returns what an export says of all rows, by the columns' names there.
    columns
        How columns are drawn, by their titles.
    download
        What the export is called.
    """
    whole = outcome.origin.some(shown).beside(table)
    if run.request.label not in table:
        # It stands there as what is true; exports have it by its own name too.
        whole.pop(run.request.label, None)
    picked = choose_row(
        whole, len(shown), key=f"evaluated_rows:{run.id}:{hash(shown.tobytes())}", column_config=dict(columns)
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, page in ((_("Explain in Attributions"), "attributions"), (_("Show its attention"), "attention")):
            if st.button(label, icon=":material/open_in_new:", disabled=picked is None, key=f"open:{page}"):
                assert picked is not None
                open_in(page, run, outcome, int(shown[picked]))
        st.download_button(
            download or _("All evaluated rows (CSV)"),
            lambda: as_csv(outcome.origin.beside(every())),
            f"{run.id}-evaluated.csv",
            "text/csv",
            icon=":material/download:",
        )
        if picked is None:
            st.caption(_("Choose a row of the table first."))

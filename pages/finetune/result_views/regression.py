"""How good a regression is: its numbers, and the rows that are furthest off."""

from __future__ import annotations

from typing import Any

import streamlit as st

import interpret as it
from dashboard.figures.finetuning import fit_cloud
from dashboard.language import _
from dashboard.numbers import number
from dashboard.widgets.baseline_view import between
from pages.finetune.result_views.view import MOST_ROWS, draws, evaluated_rows, metric


@draws(it.finetuning.RegressionResults)
def regression_view(run: it.runs.Run, outcome: it.finetuning.Outcome, found: it.finetuning.RegressionResults) -> None:
    """Draw R², the errors, and the rows that are furthest off."""
    columns = st.columns(4)
    metric(
        columns[0],
        "R²",
        number(found.r2),
        between(found.interval, ".2f"),
        _(
            "Share of the variance that is explained; 0 is no better than always predicting the mean. Interval by "
            "bootstrap."
        ),
    )
    drawn = _("Interval by bootstrap over rows.")
    metric(columns[1], _("Mean absolute error"), f"{found.mae:.4g}", between(found.mae_interval, ".4g"), drawn)
    metric(columns[2], "RMSE", f"{found.rmse:.4g}", between(found.rmse_interval, ".4g"), drawn)
    ranks = _("Spearman's rank correlation; interval over rows (Bonett & Wright 2000).")
    metric(columns[3], _("Rank correlation"), number(found.spearman), between(found.spearman_interval, ".2f"), ranks)
    left, right = st.columns(2, gap="large")
    left.plotly_chart(fit_cloud(found.truth, found.answers, outcome.origin.numbers), key="fit")
    shown = found.mistakes[:MOST_ROWS]
    right.markdown(_("Largest errors first:"))
    with right:
        evaluated_rows(
            run,
            outcome,
            shown,
            {
                _("True"): found.truth[shown].tolist(),
                _("Prediction"): found.answers[shown].tolist(),
                _("Row"): [outcome.origin.numbers[i] for i in shown],
                _("Text"): [outcome.texts[i] for i in shown],
            },
            lambda: _all_rows(outcome, found),
            # What is off comes first: beside the picture there is no room for all.
            {_("Prediction"): st.column_config.NumberColumn(format="%.4g")},
        )


def _all_rows(outcome: it.finetuning.Outcome, found: it.finetuning.RegressionResults) -> dict[str, list[Any]]:
    return {
        "text": list(outcome.texts),
        **({"second_text": list(outcome.pairs)} if outcome.pairs is not None else {}),
        "true": found.truth.tolist(),
        "predicted": found.answers.tolist(),
        "row": list(outcome.origin.numbers),
    }

"""How good a run's model is: its numbers, its confusions, how sure it is, and the rows behind each."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT, state
from dashboard.figures.finetuning import calibration_curve, fit_cloud
from dashboard.language import _, literal
from dashboard.widgets.export import as_csv
from dashboard.widgets.game_view import game_view
from dashboard.widgets.models import RUN

_MOST_ROWS = 500


def result_view(run: it.Run) -> None:
    """Draw what came of a run that is done or stopped.

    Raises
    ------
    InputError
        If nothing has come of it.
    """
    outcome = it.read_outcome(run)
    st.divider()
    if isinstance(outcome.found, it.GameResults):
        game_view(run, outcome, outcome.found)
        return
    st.markdown(
        "#### " + _("How good it is on {count} rows that it never learned from").format(count=len(outcome.truth))
    )
    if isinstance(outcome.found, it.Fit):
        _fit(run, outcome, outcome.found)
        return
    _numbers(outcome.found)
    _remembered(run)
    rows = _confusion(outcome, outcome.found, run.id)
    _rows(run, outcome, outcome.found, rows)
    left, right = st.columns(2, gap="large")
    precise = _("Precision of the class")
    with left:
        st.markdown("##### " + _("Each class"))
        st.dataframe(
            _classes(outcome.found),
            hide_index=True,
            column_config=_shares(precise, _("Recall"), "F1"),
        )
    with right:
        st.markdown(
            "##### " + _("Can its probabilities be taken at their word?"),
            help=_("The expected calibration error is the mean distance from the line (Guo et al. 2017)."),
        )
        st.plotly_chart(calibration_curve(outcome.found), key="calibration")


def _shares(*names: str) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format="percent") for name in names}


def _numbers(found: it.Results) -> None:
    places = st.columns(4)
    low, high = found.interval
    places[0].metric(
        _("Accuracy"),
        f"{found.accuracy:.1%}",
        _("95 %: {low} to {high}").format(low=f"{low:.0%}", high=f"{high:.0%}"),
        delta_color="off",
        delta_arrow="off",
        help=_("The range is Wilson's interval: what chance alone would still allow with so few rows."),
    )
    places[1].metric(
        _("Macro-F1"),
        f"{found.macro_f1:.3f}",
        help=_("The mean of the classes' F1: rare classes count as much as common ones."),
    )
    places[2].metric(_("Always guessing"), f"{found.majority:.1%}", help=_("The commonest class, whatever the text."))
    places[3].metric(_("Calibration error"), f"{found.ece:.1%}")


def _remembered(run: it.Run) -> None:
    """Say what the model still knows of what it had learned in the run that it went on from."""
    facts = run.facts
    if "parent_accuracy" not in facts:
        return
    before = facts.get("parent_accuracy_before", float("nan")), facts.get("parent_loss_before", float("nan"))
    st.info(
        _(
            "On the rows by which the model was judged that this one goes on from: accuracy {before} → {after}, loss "
            "{loss_before} → {loss_after}."
        ).format(
            before=f"{before[0]:.1%}",
            after=f"{facts['parent_accuracy']:.1%}",
            loss_before=f"{before[1]:.4f}",
            loss_after=f"{facts['parent_loss']:.4f}",
        ),
        icon=":material/history_edu:",
    )


def _confusion(outcome: it.Outcome, found: it.Results, run_id: str) -> np.ndarray:
    """Draw the confusion matrix; returns the rows of the cell that is chosen, or else those that are wrong."""
    st.markdown(
        "##### " + _("Which class was given for which"),
        help=_("Rows are true classes, columns what the model said. Choose a cell to see its texts."),
    )
    truth = _("true ↓ · given →")
    table = {
        truth: list(found.labels),
        **{f"{name} ": found.confusion[:, place].tolist() for place, name in enumerate(found.labels)},
    }
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        key=f"confusion:{run_id}",
        column_config={f"{name} ": st.column_config.NumberColumn(name, width="small") for name in found.labels},
    )
    answers = found.answers
    true = np.array([found.labels.index(one) for one in outcome.truth])
    cells = event.selection.get("cells", [])
    if cells and cells[0][1] != truth:
        row, name = cells[0]
        column = list(found.labels).index(name.removesuffix(" "))
        chosen = np.flatnonzero((true == row) & (answers == column))
        st.markdown(
            _("**{count}** of “{truth}” were called “{given}”:").format(
                count=len(chosen), truth=literal(found.labels[row]), given=literal(found.labels[column])
            )
        )
        return chosen[np.argsort(-found.chances[chosen], kind="stable")]
    if len(found.mistakes):
        st.markdown(_("**{count}** mistakes, the surest first:").format(count=len(found.mistakes)))
    else:
        st.markdown(_("No mistakes. Choose a cell to see its texts."))
    return found.mistakes


def _rows(run: it.Run, outcome: it.Outcome, found: it.Results, rows: np.ndarray) -> None:
    if not len(rows):
        return
    shown = rows[:_MOST_ROWS]
    table = {
        _("Text"): [outcome.texts[i] for i in shown],
        _("True"): [outcome.truth[i] for i in shown],
        _("Given"): [found.labels[int(found.answers[i])] for i in shown],
        _("Probability"): [float(found.chances[i]) for i in shown],
        _("Row"): [outcome.origin.numbers[i] for i in shown],
    }
    event = st.dataframe(
        outcome.origin.some(shown).beside(table),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"judged_rows:{run.id}:{hash(rows.tobytes())}",
        column_config={**_shares(_("Probability")), _("Text"): st.column_config.TextColumn(width="large")},
    )
    picked = event.selection.rows
    place = int(shown[picked[0]]) if picked and picked[0] < len(shown) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, page in ((_("Explain it in Attributions"), "attributions"), (_("See its attention"), "attention")):
            if st.button(label, icon=":material/open_in_new:", disabled=place is None, key=f"open:{page}"):
                assert place is not None
                open_in(page, run, outcome.texts[place], outcome.pairs[place] if outcome.pairs else None)
        st.download_button(
            _("All judged rows (CSV)"),
            lambda: as_csv(_all_rows(outcome, found)),
            f"{run.id}-judged.csv",
            "text/csv",
            icon=":material/download:",
        )
        if place is None:
            st.caption(_("Choose a row of the table first."))


def open_in(page: str, run: it.Run, text: str, pair: str | None) -> None:
    """Go to another page with a run's model and a text."""
    st.session_state[state.MODEL] = RUN + run.id
    st.session_state["source"] = "typed"
    st.session_state[state.TEXT] = text
    st.session_state["with_pair"] = pair is not None
    if pair is not None:
        st.session_state[state.PAIR] = pair
    st.switch_page(ROOT / "pages" / f"{page}.py")


def _all_rows(outcome: it.Outcome, found: it.Results) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {
        "text": list(outcome.texts),
        **({"second_text": list(outcome.pairs)} if outcome.pairs is not None else {}),
        "true": list(outcome.truth),
        "given": [found.labels[int(one)] for one in found.answers],
        "probability": [float(one) for one in found.chances],
        "row": list(outcome.origin.numbers),
    }
    return outcome.origin.beside(table)


def _classes(found: it.Results) -> dict[str, list[object]]:
    return {
        _("Class"): list(found.labels),
        _("Rows"): found.confusion.sum(axis=1).tolist(),
        _("Precision of the class"): found.precision.tolist(),
        _("Recall"): found.recall.tolist(),
        "F1": found.f1.tolist(),
    }


def _fit(run: it.Run, outcome: it.Outcome, found: it.Fit) -> None:
    places = st.columns(4)
    places[0].metric(
        "R²", f"{found.r2:.3f}", help=_("The share of the variance explained; 0 is as good as always saying the mean.")
    )
    places[1].metric(_("Mean error"), f"{found.mae:.4g}")
    places[2].metric("RMSE", f"{found.rmse:.4g}")
    places[3].metric(_("Rank correlation"), f"{found.spearman:.3f}")
    left, right = st.columns(2, gap="large")
    left.plotly_chart(fit_cloud(found.truth, found.answers, outcome.origin.numbers), key="fit")
    shown = found.mistakes[:_MOST_ROWS]
    right.markdown(_("The furthest off first:"))
    right.dataframe(
        outcome.origin.some(shown).beside(
            {
                _("Text"): [outcome.texts[i] for i in shown],
                _("True"): found.truth[shown].tolist(),
                _("Given"): found.answers[shown].tolist(),
                _("Row"): [outcome.origin.numbers[i] for i in shown],
            }
        ),
        hide_index=True,
    )

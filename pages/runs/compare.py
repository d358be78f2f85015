"""Several runs beside each other: their curves, whether their rows are the same, and what was set otherwise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.figures.finetuning import overlaid
from dashboard.language import _, _n, literal
from dashboard.numbers import duration, listed
from dashboard.widgets.choices import segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_view import run_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pages.runs.runs_view import Row

_MOST_ALIKE = 6


@guarded
def compare_view(rows: list[Row]) -> None:
    """Draw the curves of several runs on top of each other, and what they were asked that differs."""
    here = [row.run for row in rows if row.run is not None]
    if len(rows) > 1:
        st.markdown("#### " + _("Comparison"))
        _rows_line(rows)
    if here:
        what = segments(
            _("Curve"), {"score": _("held-out score"), "loss": _("loss"), "rate": _("learning rate")}, state.CURVE
        )
        metrics = {f"{run.request.name} · {run.id[-8:]}": it.runs.read_metrics(run.folder) for run in here}
        st.plotly_chart(overlaid(metrics, what), key="overlaid")
    if len(rows) > 1:
        _settings(rows)


def _rows_line(rows: Sequence[Row]) -> None:
    """Say whether the runs are reported on the same rows: else their scores differ by the rows too."""
    groups: dict[frozenset[tuple[str, ...]] | None, list[Row]] = {}
    for row in rows:
        groups.setdefault(_evaluated_rows(row), []).append(row)
    unknown = groups.pop(None, [])
    if len(groups) > 1:
        parts = [
            _n("{count} row of {file} ({names})", "{count} rows of {file} ({names})", len(found)).format(
                count=f"{len(found):,}",
                file=literal(some[0].recorded.params.get("data", "")),
                names=listed(literal(one.recorded.name) for one in some),
            )
            for found, some in groups.items()
            if found is not None
        ]
        st.warning(
            _(
                "**These runs were evaluated on different rows:** {groups}. A difference between their scores may come "
                "from the rows alone. To compare them, train them on the same file with the same seed, the same "
                "held-out share, and early stopping in all of them or in none."
            ).format(groups=listed(parts)),
            icon=":material/difference:",
        )
    elif groups and not unknown:
        (found,) = groups
        st.caption(
            _n(
                "All of them were evaluated on the same {count} row.",
                "All of them were evaluated on the same {count} rows.",
                len(found or ()),
            ).format(count=f"{len(found or ()):,}")
        )
    if unknown:
        st.warning(
            _(
                "The data of these runs cannot be read here, so it is not known whether they were evaluated on the "
                "same rows as the others: {names}."
            ).format(names=listed(literal(one.recorded.name) for one in unknown)),
            icon=":material/help:",
        )


def _evaluated_rows(row: Row) -> frozenset[tuple[str, ...]] | None:
    """Return the rows that a run is reported on, as they read; None where its data is not here or not readable."""
    if row.run is None:
        return None
    try:
        examples, split = run_rows(row.run)
    except it.InputError:
        return None
    some = examples.some(split.test)
    texts, pairs = some.texts, some.pairs or ("",) * len(some)
    labels = some.labels or ("",) * len(some)
    return frozenset(zip(texts, pairs, labels, strict=True))


def _settings(rows: Sequence[Row]) -> None:
    names = sorted({name for row in rows for name in row.recorded.params})
    differing = [name for name in names if len({row.recorded.params.get(name) for row in rows}) > 1]
    st.markdown("##### " + _("Settings that differ"))
    if not differing:
        st.caption(_("None: all settings are the same."))
        return
    table = {_("Setting"): differing}
    for row in rows:
        title = f"{row.recorded.name} · {time.strftime('%m-%d %H:%M:%S', time.localtime(row.recorded.begun))}"
        table[title] = [row.recorded.params.get(name, "") for name in differing]
    data_table(table, key="differing")
    took = [
        _("{name}: {value}").format(
            name=literal(row.recorded.name), value=duration(row.recorded.metrics.get("final_seconds", 0.0))
        )
        for row in rows[:_MOST_ALIKE]
    ]
    st.caption(" · ".join(took))

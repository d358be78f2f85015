"""Three rows that articles on BERT repeat, each put to the test: as counted, and as measured here."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

import interpret as it
from dashboard.language import _
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from interpret.core.units import gigabytes
from interpret.resources.calibration import Range
from interpret.resources.claims import Claim, as_measured, on_a_card, verdict
from interpret.resources.workload import KERNELS
from pages.resources.planned import Planned, Shape

Found = Mapping[tuple[str, str], it.resources.Prediction]


@guarded
def table(planned: Planned) -> None:
    """The table with its verdicts, and how they come about."""
    st.markdown(
        _(
            "“Memory grows with the square of the length” stands in every article on BERT, with a table of cards. "
            "It holds where all weights of attention are computed and kept (eager). In tiles, memory grows in "
            "proportion to the length, and only the time goes on with the square."
        )
    )

    def work(progress: Progress) -> Found:
        found = {}
        wanted = [(name, kernel) for name in it.resources.CLAIMS for kernel in KERNELS]
        for index, (name, kernel) in enumerate(wanted):
            progress(index, len(wanted), "rows")
            claim = it.resources.CLAIMS[name]
            found[name, kernel] = _shape(claim).predict(claim.by(kernel))
        return found

    found: Found | None = long_work(
        "resource_table", "table", _("Put the table to the test"), work, {"rows": _("rows")}, auto=True
    )
    if found is None:
        return
    rows = [_row(planned, name, kernel, found[name, kernel]) for name in it.resources.CLAIMS for kernel in KERNELS]
    columns = {title: [row[title] for row in rows] for title in rows[0]}
    data_table(columns, key="classic_table", height=35 * (len(rows) + 1) + 3)
    st.caption(
        _(
            "Full fine-tunes of a base-sized model (12 layers, 768 wide) in float32 with AdamW and dropout; the third "
            "row is an encoder with 1,024 positions and scores over all words for each token, as writing has them. "
            "“Correct”: it fits, and not on the next smaller card that is sold. “Too high”: the smaller card has room "
            "too. “Too low”: it does not fit. A verdict is said where the whole range, with a card's context, lies on "
            "one side."
        )
    )
    st.caption(
        _(
            "SDPA on a processor computes all weights while attention has dropout, and so does not differ from eager "
            "here; on a card it works in tiles, as in each third row, which leaves out that dropout. What is "
            "measured is measured on this machine's device, and what its C library keeps is among it. Nothing "
            "was measured on a card by us: its range is a guess."
        )
    )
    st.markdown(_("To measure a row here: click it above the controls, then “Measure now” on the tab “Measured here”."))
    export_bar(
        [
            Download("CSV", "resources-classic-table.csv", "text/csv", lambda: as_csv(columns), _("A row for each")),
            Download(
                "JSON",
                "resources-classic-table.json",
                "application/json",
                lambda: as_json(rows),
                _("All numbers of this tab"),
            ),
        ],
        lines=_LINES,
    )


_LINES = """import interpret as it

for name, claim in it.resources.CLAIMS.items():
    for kernel in ("eager", "sdpa", "flash"):
        predicted = it.resources.predict(it.resources.find_config(claim.shape), claim.by(kernel))
        print(name, kernel, predicted.peak / 1e9)
"""


def verdict_names() -> dict[str, str]:
    """Name the verdicts for the reader."""
    return {
        "true": _("correct"),
        "too high": _("too high"),
        "too low": _("too low"),
        "undecided": _("undecided"),
    }


def _shape(claim: Claim) -> Shape:
    lines = f"config = it.resources.find_config({claim.shape!r})\n"
    return Shape(claim.shape, claim.shape, lines, it.resources.find_config(claim.shape))


def _row(planned: Planned, name: str, kernel: str, predicted: it.resources.Prediction) -> dict[str, str]:
    claim = it.resources.CLAIMS[name]
    work = claim.by(kernel)
    taken = on_a_card(predicted, it.resources.calibrate((), "cuda", work))
    shape = _shape(claim).about
    point = next((one for one in planned.points if one.shape == shape and one.work == work), None)
    kernels = {"eager": "eager", "sdpa": "SDPA", "flash": _("SDPA in tiles")}
    card, title = it.resources.card_for(taken), _(claim.title)
    return {
        _("Row"): f"{title} · {work.batch} × {work.length}",
        _("Claim"): _("{size} GB").format(size=claim.words),
        _("Kernel"): kernels[kernel],
        _("Counted"): f"{gigabytes(predicted.peak)} GB",
        _("On a card"): _range(taken),
        _("As counted"): verdict_names()[verdict(claim, taken)],
        _("Smallest card"): "–" if card is None else _("{size} GB").format(size=card),
        _("Measured here"): "–" if point is None else f"{gigabytes(point.taken)} GB",
        _("As measured"): "–" if point is None else verdict_names()[verdict(claim, as_measured(point))],
    }


def _range(taken: Range) -> str:
    return _("{low} to {high} GB").format(low=gigabytes(int(taken[0])), high=gigabytes(int(taken[2])))

"""A report for an auditor: of a whole file that was explained, or of the one text on the page."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

import interpret as it
from dashboard import ROOT, cache, data_slot, ownership, state
from dashboard.data_slot import SlotFile
from dashboard.language import _
from dashboard.report.facts import file_facts, head_facts, run_facts
from dashboard.widgets.export import file_stem
from dashboard.widgets.long_work import Progress
from dashboard.widgets.method_input import How
from dashboard.widgets.models import model_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.report_button import report_button
from dashboard.widgets.run_view import run_rows
from dashboard.widgets.target_view import TargetChoice
from interpret.attribution.head_files import read_head
from interpret.attribution.row_jobs import RowJob
from interpret.core.file_rows import FileRows, parse_row_numbers


@guarded
def rows_report(job: RowJob, file: SlotFile, found: it.attribution.RowAttributions, stem: str) -> None:
    """Offer a report of a file's rows; nothing where something else than a class is explained."""
    if not found.known:
        return
    st.markdown("#### " + _("Report for an auditor"))
    typed = st.text_input(
        _("Rows to show in detail, by number"),
        key="report_rows",
        placeholder=_("such as 3, 17, 40"),
        help=_(
            "Left empty: up to ten wrong predictions, the most confident first, and the most and the least confident "
            "row of each class."
        ),
        width=360,
    )
    cases = None
    if typed and typed.strip():
        cases = it.attribution.rows_numbered(found, parse_row_numbers(typed))

    def make(progress: Progress) -> it.attribution.Report:
        encoder = cache.encoder(job.request.spec)
        head = read_head(job.folder, encoder)
        table = file.table
        label = job.request.label if job.request.label >= 0 else None
        columns = [None if one is None else table.columns[one] for one in (label, file.roles.id)]
        return it.attribution.make_report(
            encoder,
            found,
            head=head,
            cases=cases,
            data_card=file.card,
            file=file_facts(file.name, file.uploaded, table.encoding, table.columns[job.request.text], *columns),
            training=training_facts(job.request.spec, head, job.request.classifier),
            progress=progress,
        )

    report_button("rows", repr((job.folder.name, job.made, job.done, cases)), make, file_stem("report", stem))


@guarded
def text_report(choice: TargetChoice, how: How) -> None:
    """Offer a report of the one text that is explained; nothing where something else than a class is."""
    signed = [method for method in how.methods if it.attribution.METHODS[method].signed]
    if not choice.kind.predicts or choice.subject.pair is not None or not signed or choice.target_function.stands_alone:
        return
    row, spec = choice.subject.row, choice.subject.spec

    def make(progress: Progress) -> it.attribution.Report:
        encoder, head = cache.encoder(spec), None if choice.head is None else choice.head.result
        origin = FileRows((1,)) if row is None else FileRows((row.number,), {name: (one,) for name, one in row.columns})
        found = it.attribution.attribute_rows(
            encoder,
            [choice.subject.text],
            [row.label] if row is not None and row.label else None,
            choice.target,
            signed[0],
            how.baseline,
            head=head,
            origin=origin,
            seed=how.seed,
            progress=progress,
        )
        file = {} if row is None else {"name": row.file}
        training = training_facts(spec, head, choice.classifier)
        return it.attribution.make_report(
            encoder, found, head=head, cases=[0], file=file, training=training, progress=progress
        )

    stem = file_stem("report", model_name(spec.checkpoint.name), choice.subject.text[:40])
    report_button("text", f"{choice.about}:{how}", make, stem, _("Report of this text (HTML and JSON)"))


def training_facts(spec: it.EncoderSpec, head: it.LinearHead | None, classifier: str) -> dict[str, Any]:
    """Return what is known of what a classifier was trained on, for a report.

    Parameters
    ----------
    classifier
        What tells one head from another: `TargetChoice.classifier`.
    """
    if head is None:
        folder = Path(spec.checkpoint.name).parent
        # Of a run whose files are damaged nobody knows it any more.
        with suppress(it.InputError):
            if spec.checkpoint.source == "folder" and folder.parent == state.runs_folder().resolve():
                return run_facts(ownership.run(folder.name), run_rows)
        return {}
    kind, _colon, about = classifier.partition(":")
    if kind == "starter":
        return head_facts(head, about, (ROOT / "dashboard/examples" / about).read_bytes())
    fitted = data_slot.find_file(about.partition(":")[0])
    return head_facts(head, None if fitted is None else fitted.name, None if fitted is None else fitted.uploaded)

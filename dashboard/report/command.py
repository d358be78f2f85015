"""What the command that writes a report does."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import interpret as it
from dashboard.report.facts import classifying_outcome, file_facts, head_facts, run_facts, training_texts_of
from dashboard.report.html import html_file, json_file
from dashboard.report.run_report import report_of_run
from interpret.attribution.command import explain_table, fit_on, show_progress, text_name
from interpret.attribution.report.report import check_method
from interpret.core.column_roles import ColumnRoles, guess_roles
from interpret.core.data_card import make_data_card
from interpret.core.files import Table


def run(args: argparse.Namespace, table: Table | None, known: Table | None) -> None:
    """Do what the command is asked.

    Parameters
    ----------
    args
        What `bertoscope_cli.report` reads, with its language found.
    table
        The file whose rows are reported on; None for a run's own.
    known
        The file that a head is fitted on, if one is to be.

    Raises
    ------
    InterpretError
        If the rows cannot be explained or reported on.
    """
    check_method(args.method)
    report = _of_file(args, table, known) if table is not None else _of_run(args)
    document = it.attribution.report_json(report)
    beside = args.out.with_suffix(".json")
    beside.write_bytes(json_file(document))
    args.out.write_bytes(html_file(document, beside.name, args.language))
    _say(f"{args.out} and {beside}: {len(report.found.rows)} rows, {len(report.cases)} in detail")


def _of_file(args: argparse.Namespace, table: Table, known: Table | None) -> it.attribution.Report:
    text = text_name(args, table)
    roles = _roles(table, text, args.label)
    trained_in = None if args.run is None else it.runs.read_run(args.run)
    training_texts = None
    if trained_in is not None:
        classifying_outcome(trained_in)
        training_texts = training_texts_of(trained_in)
    encoder = it.load_encoder(args.model if trained_in is None else str(trained_in.model), device=args.device)
    fitted = None if known is None else fit_on(args, encoder, known)
    head = None if fitted is None else fitted.head
    found = explain_table(args, encoder, table, text, head, training_texts)
    training: dict[str, Any] = {}
    if fitted is not None:
        training = head_facts(fitted.head, args.fit.name, args.fit.read_bytes(), fitted.left_out)
    elif trained_in is not None:
        training = run_facts(trained_in)
    label, id_ = (None if one is None else table.columns[one] for one in (roles.label, roles.id))
    return _make(
        args,
        encoder,
        found,
        head=head,
        data_card=make_data_card(table, roles),
        file=file_facts(args.file.name, args.file.read_bytes(), table.encoding, text, label, id_),
        training=training,
    )


def _of_run(args: argparse.Namespace) -> it.attribution.Report:
    trained_in = it.runs.read_run(args.run)
    classifying_outcome(trained_in)
    encoder = it.load_encoder(str(trained_in.model), device=args.device)
    return report_of_run(
        trained_in,
        encoder,
        args.method,
        args.baseline,
        args.tolerance,
        args.rows,
        progress=show_progress,
        seed=args.seed,
        beside=it.load_beside(encoder) if args.device == "auto" else (),
    )


def _make(
    args: argparse.Namespace, encoder: it.Encoder, found: it.attribution.RowAttributions, **more: Any
) -> it.attribution.Report:
    cases = None if args.rows is None else it.attribution.rows_numbered(found, args.rows)
    return it.attribution.make_report(encoder, found, cases=cases, progress=show_progress, **more)


def _roles(table: Table, text: str, label: str | None) -> ColumnRoles:
    """Return which column is what: the text and the label as said, the rest as guessed."""
    roles = guess_roles(table).chosen("text", table.columns.index(text))
    return roles.chosen("label", table.columns.index(label) if label in table.columns else None)


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - to its terminal

"""A report of a fine-tuned model over the rows that its run held out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import interpret as it
from dashboard.report.facts import (
    ReadRows,
    classifying_outcome,
    file_facts,
    read_rows,
    run_facts,
    training_texts_of,
)
from interpret.core.column_roles import guess_roles
from interpret.core.data_card import make_data_card
from interpret.core.files import read_table
from interpret.finetuning.request import data_file, file_of_test_data
from interpret.finetuning.run_files import read_bytes

Progress = Callable[[int, int, str], None]


def report_of_run(
    run: it.runs.Run,
    encoder: it.Encoder,
    method: str = "integrated_gradients",
    baseline: str = "pad",
    tolerance: float = 0.01,
    numbers: tuple[int, ...] | None = None,
    read: ReadRows = read_rows,
    progress: Progress | None = None,
    **more: Any,
) -> it.attribution.Report:
    """Explain the rows that a run held out, each for the class that its model predicts, and report on them.

    Parameters
    ----------
    encoder
        The run's model.
    method, baseline, tolerance
        See `interpret.attribute`.
    numbers
        Rows to look at closely, by their numbers in the file; chosen by rule unless given.
    read
        Reads a run's rows.
    **more
        Handed to `interpret.attribution.attribute_rows`.

    Raises
    ------
    InputError
        If the run's model does not classify single texts, or its files are damaged.
    """
    outcome = classifying_outcome(run)
    found = it.attribution.attribute_rows(
        encoder,
        outcome.texts,
        outcome.truth,
        method=method,
        baseline=baseline,
        tolerance=tolerance,
        origin=outcome.origin,
        training_texts=training_texts_of(run, read),
        progress=progress,
        **more,
    )
    request = run.request
    name = request.test_data or request.data
    content = read_bytes((file_of_test_data if request.test_data else data_file)(run.folder, request))
    table = read_table(content, name)
    guessed = guess_roles(table)
    roles = guessed.chosen("text", table.columns.index(request.text))
    roles = roles.chosen("label", table.columns.index(request.label))
    id_ = None if roles.id is None else table.columns[roles.id]
    return it.attribution.make_report(
        encoder,
        found,
        cases=None if numbers is None else it.attribution.rows_numbered(found, numbers),
        data_card=make_data_card(table, roles),
        file=file_facts(name, content, table.encoding, request.text, request.label, id_),
        training=run_facts(run, read, outcome.chosen),
        progress=progress,
    )

"""What the command that explains a file's rows does."""

import argparse
import math
import sys
from collections.abc import Collection
from typing import NamedTuple

from interpret.attribution.row_attributions import RowAttributions, write_rows
from interpret.attribution.rows import attribute_rows
from interpret.attribution.targets.classifier import class_names
from interpret.core.column_roles import text_column
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import InputError
from interpret.core.file_rows import rows_of
from interpret.core.files import Table
from interpret.core.labels import is_missing, multi_labels
from interpret.core.linear_head import LinearHead, fit_head
from interpret.core.multi_device import load_beside

_MOST_LISTED = 10
_BASES = {
    "out-of-fold": "answered by heads that were fitted without them (out-of-fold)",
    "not learned from": "which the head was not fitted on",
    "learned from": "which the head was fitted on, so the accuracy is optimistic",
    "not known": "of which it is not known whether the model was trained on them",
}


class Fitted(NamedTuple):
    """A linear head, and how many rows were left out that have no text or no label."""

    head: LinearHead
    left_out: int


def run(args: argparse.Namespace, table: Table, known: Table | None) -> None:
    """Do what the command is asked.

    Parameters
    ----------
    args
        What `interpret.attribution.arguments` reads.
    table
        The file whose rows are explained.
    known
        The file that a head is fitted on, if one is to be.
    """
    text = text_name(args, table)
    encoder = load_encoder(args.model, device=args.device)
    head = None if known is None else fit_on(args, encoder, known).head
    found = explain_table(args, encoder, table, text, head)
    write_rows(found, args.out)
    _report(found)
    if class_names(encoder, head):
        for name in found.classes:
            words = ", ".join(f"{word} {mean:+.2f}" for word, mean, *_ in found.words(name)[:5])
            _say(f"{name}: {words}")


def text_name(args: argparse.Namespace, table: Table) -> str:
    """Return the name of the column with the text, before a model is loaded for it.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    name = args.text or table.columns[text_column(table, args.file.name)]
    _column(table, name)
    return str(name)


def fit_on(args: argparse.Namespace, encoder: Encoder, known: Table) -> Fitted:
    """Fit a linear head on a labelled file."""
    texts = _column(known, args.text or known.columns[text_column(known, args.fit.name)])
    labels = _column(known, args.label)
    several = multi_labels(labels)
    if several is not None:
        raise InputError(
            "A label cell holds several labels, such as “{cell}”. Give each row one label.", cell=several[:60]
        )
    kept = [index for index, label in enumerate(labels) if texts[index].strip() and not is_missing(label)]
    head = fit_head(encoder, [texts[index] for index in kept], [labels[index].strip() for index in kept])
    _say(f"{len(kept)} rows fitted, {len(texts) - len(kept)} without a text or a label left out")
    return Fitted(head, len(texts) - len(kept))


def explain_table(
    args: argparse.Namespace,
    encoder: Encoder,
    table: Table,
    text: str,
    head: LinearHead | None,
    training_texts: Collection[str] | None = None,
) -> RowAttributions:
    """Explain a file's rows, whose text is in the column ``text``, and say how far that is."""
    # Of a file beside the one that a head was fitted on, labels are compared where it has any.
    labelled_too = args.label is not None and (args.fit is None or args.label in table.columns)
    return attribute_rows(
        encoder,
        _column(table, text),
        _column(table, args.label) if labelled_too else None,
        int(args.target) if args.target.isdecimal() else args.target,
        args.method,
        args.baseline,
        args.tolerance,
        head=head,
        highlights=None if args.highlights is None else _column(table, args.highlights),
        origin=rows_of(table, range(len(table.rows)), [text]),
        training_texts=training_texts,
        seed=args.seed,
        progress=show_progress,
        beside=load_beside(encoder) if args.device == "auto" else (),
    )


def _report(found: RowAttributions) -> None:
    cut = sum(row.cut for row in found.rows)
    _say(f"{len(found.rows)} rows explained, {len(found.skipped)} skipped, {cut} read in their first window only")
    for index, error in found.skipped[:_MOST_LISTED]:
        _say(f"  row {found.number(index)} skipped: {error}")
    for basis, one in found.accuracies.items():
        low, high = one.interval
        worth = "" if one.beats_majority else " (not shown to be better)"
        _say(
            f"accuracy {one.share:.1%} (95%: {low:.1%} to {high:.1%}) on {one.count} rows, {_BASES[basis]}; "
            f"majority-class baseline (“{one.commonest}”): {one.majority:.1%}{worth}"
        )
    if found.plausibility:
        listed = ", ".join(
            f"{name} {mean:.3f}" + ("" if math.isnan(half) else f" ± {half:.3f}")
            for name, (mean, half) in found.plausibility.items()
        )
        _say(f"plausibility over {sum(row.human is not None for row in found.rows)} rows with highlights: {listed}")
    for index, error in found.unmarked[:_MOST_LISTED]:
        _say(f"  highlights of row {found.number(index)} not used: {error}")


def show_progress(done: int, total: int, _stage: str) -> None:
    """Say on a terminal how far work is."""
    if sys.stderr.isatty():
        _say(f"\r{done:,} of {total:,}", "" if done < total else "\n")


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr)  # noqa: T201 - to its terminal


def _column(table: Table, name: str) -> list[str]:
    if name not in table.columns:
        raise InputError(
            "There is no column “{name}”. The file has: {known}.", name=name, known=", ".join(table.columns)
        )
    index = table.columns.index(name)
    return [row[index] for row in table.rows]

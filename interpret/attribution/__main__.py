"""Explain a file's rows from a terminal: ``python -m interpret.attribution FILE --method … --out …``."""

import argparse
import sys
from pathlib import Path

from interpret.attribution.methods import METHODS
from interpret.attribution.question import BASELINES
from interpret.attribution.rows import explain_rows, write_rows
from interpret.attribution.targets import class_names
from interpret.checkpoints import BUILT_IN
from interpret.encoder import load_encoder
from interpret.errors import InputError, InterpretError
from interpret.files import Table, read_table
from interpret.linear_head import fit_head


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m interpret.attribution", description=__doc__)
    parser.add_argument("file", type=Path, help="a file with a text in each row: .csv .tsv .jsonl .txt")
    parser.add_argument("--out", type=Path, required=True, help="the CSV that is written")
    parser.add_argument("--model", default=BUILT_IN, help="built-in name, hub id, or folder")
    parser.add_argument("--text", help="the column with the text; the one with the longest texts unless given")
    parser.add_argument("--label", help="the column with the label")
    parser.add_argument("--highlights", help="the column with what people marked")
    parser.add_argument("--fit", type=Path, help="a labelled file to fit a linear head on, for a model without one")
    parser.add_argument("--target", default="predicted", help="predicted, a class, norm, or unit LAYER.UNIT")
    parser.add_argument("--method", default="integrated_gradients", choices=METHODS)
    parser.add_argument("--baseline", default="pad", choices=BASELINES)
    parser.add_argument("--tolerance", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args(arguments)
    try:
        _explain(asked)
    except InterpretError as error:
        _say(f"interpret.attribution: {error}")
        return 2
    except OSError as error:
        _say(f"interpret.attribution: {error.filename}: {error.strerror}")
        return 2
    return 0


def _explain(asked: argparse.Namespace) -> None:
    if not asked.out.resolve().parent.is_dir():
        raise InputError("There is no folder “{folder}” to write into. Make it first.", folder=str(asked.out.parent))
    if asked.fit is not None and asked.label is None:
        raise InputError("A head is fitted on labels: name their column with --label.")
    table = read_table(asked.file.read_bytes(), asked.file.name)
    texts = _column(table, asked.text) or [row[table.longest_column] for row in table.rows]
    encoder = load_encoder(asked.model, device=asked.device)
    head = None
    if asked.fit is not None:
        known = read_table(asked.fit.read_bytes(), asked.fit.name)
        rows = _column(known, asked.text) or [row[known.longest_column] for row in known.rows]
        head = fit_head(encoder, rows, _column(known, asked.label) or [])
    found = explain_rows(
        encoder,
        texts,
        _column(table, asked.label) if asked.fit is None or asked.label in table.columns else None,
        int(asked.target) if asked.target.isdecimal() else asked.target,
        asked.method,
        asked.baseline,
        asked.tolerance,
        head=head,
        highlights=_column(table, asked.highlights),
        seed=asked.seed,
        progress=_tell,
    )
    write_rows(found, asked.out)
    _say(f"{len(found.rows)} rows explained, {len(found.skipped)} skipped")
    if class_names(encoder, head):
        for name in found.classes:
            words = ", ".join(f"{word} {mean:+.2f}" for word, mean, *_ in found.words(name)[:5])
            _say(f"{name}: {words}")


def _tell(done: int, total: int, _stage: str) -> None:
    if sys.stderr.isatty():
        _say(f"\r{done:,} of {total:,}", "" if done < total else "\n")


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr)  # noqa: T201 - to its terminal


def _column(table: Table, name: str | None) -> list[str] | None:
    if name is None:
        return None
    if name not in table.columns:
        raise InputError(
            "There is no column “{name}”. The file has: {known}.", name=name, known=", ".join(table.columns)
        )
    place = table.columns.index(name)
    return [row[place] for row in table.rows]


if __name__ == "__main__":
    sys.exit(main())

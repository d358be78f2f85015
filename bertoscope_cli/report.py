"""``bertoscope report``: a file's predictions, explained for an auditor, as one page of HTML and its JSON."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from bertoscope_cli.folders import app_folder
from interpret.attribution.arguments import add_options
from interpret.core.errors import InputError
from interpret.core.file_rows import parse_row_numbers
from interpret.core.files import Table, read_table
from interpret.core.terminal import Parser

PROG = "bertoscope report"


def make_parser() -> Parser:
    """Return what reads the command's arguments."""
    parser = Parser(
        PROG,
        "Report on a classifier's predictions over a file, or over what a fine-tuning run held out: accuracy, "
        "calibration, the words behind single predictions and how far to believe them. One page of HTML that works "
        "offline and prints, and the same numbers as JSON beside it.",
        [
            f"{PROG} letters.csv --label topic --fit labelled.csv --out report.html",
            f"{PROG} letters.csv --label topic --fit letters.csv --rows 3,17,40 --language zh_CN --out report.html",
            f"{PROG} --run my-model --out report.html",
        ],
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        nargs="?",
        help="file with a text in each row: .csv .tsv .jsonl .txt …; may be left out with --run",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="HTML", help="page to write; the JSON is put beside it"
    )
    group = parser.add_argument_group("report")
    group.add_argument(
        "--rows",
        type=_numbers,
        metavar="N,N,…",
        help="rows to show in detail, by their numbers in the file (default: wrong predictions, and the most and least "
        "certain of each class)",
    )
    group.add_argument("--language", default="en", metavar="CODE", help="language of the page: en or zh_CN")
    group.add_argument(
        "--run",
        type=Path,
        metavar="FOLDER",
        help="folder of a fine-tuning run, whose model is reported on; without FILE, over the rows that it held out",
    )
    add_options(parser)
    return parser


def main(arguments: list[str]) -> int:
    """Write the report; returns the exit status."""
    args = make_parser().parse_args(arguments)
    sys.path.insert(0, str(app_folder()))
    if find_spec("babel") is None:
        raise ImportError("a report needs the package babel, which is not installed. Run: pip install babel")
    table, known = _checked(args)
    # PyTorch takes seconds to load, which nobody should wait for who has mistyped a name.
    from dashboard.report.command import run

    run(args, table, known)
    return 0


def _checked(args: argparse.Namespace) -> tuple[Table | None, Table | None]:
    """Return the file to report on and the one to fit a head on, where there are any; refuse what cannot be."""
    from dashboard.language import languages, nearest_language

    known_language = nearest_language(args.language)
    if known_language is None:
        raise InputError(
            "There is no language “{code}”. Choose one of: {known}.",
            code=args.language,
            known=", ".join(languages()),
        )
    args.language = known_language
    if args.file is None and args.run is None:
        raise InputError("Name the file to report on, or a fine-tuning run with --run.")
    if args.run is not None and args.fit is not None:
        raise InputError("The model of a run has a classifier of its own. Leave out --fit, or --run.")
    if args.fit is not None and args.label is None:
        raise InputError("Fitting a head needs labels: name their column with --label.")
    if not args.out.resolve().parent.is_dir():
        raise InputError("The folder “{folder}” does not exist. Create it first.", folder=str(args.out.parent))
    if args.out.suffix.lower() == ".json":
        raise InputError("The page cannot be called “{name}”: the JSON is put beside it.", name=args.out.name)
    table = None if args.file is None else read_table(args.file.read_bytes(), args.file.name)
    return table, None if args.fit is None else read_table(args.fit.read_bytes(), args.fit.name)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return parse_row_numbers(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

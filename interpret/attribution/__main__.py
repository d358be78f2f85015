"""Explain a file's rows from a terminal: ``python -m interpret.attribution FILE --method … --out …``."""

import argparse
import sys

from interpret.attribution.arguments import make_parser
from interpret.core.errors import InputError, InterpretError
from interpret.core.files import Table, read_table


def main(arguments: list[str] | None = None, prog: str = "python -m interpret.attribution") -> int:
    """Run the command; returns its exit status."""
    args = make_parser(prog).parse_args(arguments)
    name = prog.split()[-1]
    try:
        table, known = _files(args)
        # PyTorch takes seconds to load, which nobody should wait for who has mistyped a name.
        from interpret.attribution.command import run

        run(args, table, known)
    except InterpretError as error:
        _say(f"{name}: {error}")
        return 2
    except OSError as error:
        _say(f"{name}: {error.filename}: {error.strerror}")
        return 2
    return 0


def _files(args: argparse.Namespace) -> tuple[Table, Table | None]:
    """Return the file to explain, and the one to fit a head on if there is to be one."""
    if not args.out.resolve().parent.is_dir():
        raise InputError("The folder “{folder}” does not exist. Create it first.", folder=str(args.out.parent))
    if args.fit is not None and args.label is None:
        raise InputError("Fitting a head needs labels: name their column with --label.")
    table = read_table(args.file.read_bytes(), args.file.name)
    return table, None if args.fit is None else read_table(args.fit.read_bytes(), args.fit.name)


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - to its terminal


if __name__ == "__main__":
    sys.exit(main())

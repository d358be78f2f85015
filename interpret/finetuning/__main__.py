"""Fine-tune from a terminal: ``python -m interpret.finetuning --data FILE --text … --label … --out FOLDER``.

``python -m interpret.finetuning FOLDER …`` works on runs that are there already, and goes on where they were. With
``--wait`` it loads what it needs and waits to be told their folders, as JSON on a line of its input: an app can have
one ready before anybody starts a run.
``accelerate launch --multi_gpu -m interpret.finetuning …`` takes either to several processes.
"""

import argparse
import os
import sys

from interpret.core.errors import InputError, InterpretError
from interpret.finetuning.arguments import make_parser


def main(arguments: list[str] | None = None, prog: str = "python -m interpret.finetuning") -> int:
    """Run the command; returns its exit status."""
    args = make_parser(prog).parse_args(arguments)
    name = prog.split()[-1]
    try:
        content, test_content = _files(args)
        if args.wait:
            # Behind whoever looks at a page meanwhile.
            os.nice(5)
        # PyTorch takes seconds to load, which nobody should wait for who has mistyped a name.
        from interpret.finetuning.command import run

        return run(args, content, test_content)
    except InterpretError as error:
        _say(f"{name}: {error}")
    except OSError as error:
        _say(f"{name}: {error.filename}: {error.strerror}")
    return 2


def _files(args: argparse.Namespace) -> tuple[bytes | None, bytes | None]:
    """Return the files to learn from and to test with, where there are any that this process is to read."""
    if args.wait:
        return None, None
    if args.runs:
        # Loads NumPy, which nobody needs who asks for help.
        from interpret.finetuning.run_files import check_is_run

        # One that has gone by the time that it is its turn is no hindrance to those before it.
        check_is_run(args.runs[0])
        return None, None
    if args.data is None or args.out is None:
        raise InputError("Name a run's folder, or give a labelled file with --data and an output folder with --out.")
    # Of the processes of `accelerate launch` the first one reads them.
    if int(os.environ.get("RANK", "0")):
        return None, None
    return args.data.read_bytes(), args.test_data.read_bytes() if args.test_data is not None else None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - to its terminal


if __name__ == "__main__":
    sys.exit(main())

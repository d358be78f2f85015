"""What a model takes, from a terminal: ``python -m interpret.resources MODEL --batch 32 --length 128 --train``."""

import sys

from interpret.core.errors import InterpretError
from interpret.resources.arguments import make_parser


def main(arguments: list[str] | None = None, prog: str = "python -m interpret.resources") -> int:
    """Run the command; returns its exit status."""
    args = make_parser(prog).parse_args(arguments)
    name = prog.removeprefix("python -m ")
    try:
        # PyTorch takes seconds to load, which nobody should wait for who has mistyped a name.
        from interpret.resources.command import run

        run(args)
    except InterpretError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - to its terminal
        return 2
    except OSError as error:
        print(f"{name}: {error.filename}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

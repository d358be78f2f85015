"""Embed a corpus from a terminal, on one process or on many: ``accelerate launch -m interpret.embeddings CORPUS OUT``.

OUT is what `interpret.load_embeddings` opens.
"""

import os
import sys

from interpret.core.errors import InterpretError
from interpret.embeddings.arguments import make_parser
from interpret.embeddings.corpus_file import corpus_texts


def main(arguments: list[str] | None = None, prog: str = "python -m interpret.embeddings") -> int:
    """Run the command; returns its exit status."""
    args = make_parser(prog).parse_args(arguments)
    name = prog.split()[-1]
    try:
        # The processes of `accelerate launch` agree on what is wrong, so that none is left waiting.
        texts = None if "RANK" in os.environ else corpus_texts(args.corpus, args.column, args.out)
        # PyTorch takes seconds to load, which nobody should wait for who has mistyped a name.
        from interpret.embeddings.command import run
    except InterpretError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - to its terminal
        return 2
    return run(args, name, texts)


if __name__ == "__main__":
    sys.exit(main())

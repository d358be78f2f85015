"""What the commands share: help that reads well, and a usage error in one sentence."""

import argparse
import shutil
from collections.abc import Iterable
from typing import Any, NoReturn

# Of a help page: wider lines are hard to read.
_WIDTH = 100


class Parser(argparse.ArgumentParser):
    """Reads a command's arguments.

    Parameters
    ----------
    prog
        What the command is called, as a person types it.
    what
        What it does, in a line.
    examples
        Lines for a terminal, shown at the end of the help; those with a blank before them belong to the line above.
    notes
        What else is to be known, shown before the examples.
    """

    def __init__(self, prog: str, what: str, examples: Iterable[str] = (), notes: str = "") -> None:
        lines = [notes, *(["examples:", *(f"  {one}" for one in examples)] if examples else [])]
        super().__init__(prog=prog, description=what, epilog="\n".join(filter(None, lines)), formatter_class=_Formatter)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one sentence, and end with status 2."""
        self.exit(2, f"{self.prog}: {message}. “{self.prog} --help” shows what there is.\n")


def alias(group: argparse._ActionsContainer, old: str, dest: str, **options: Any) -> None:
    """Let an option be given by a name that it had before, which no help shows."""
    group.add_argument(old, dest=dest, help=argparse.SUPPRESS, **{"default": argparse.SUPPRESS} | options)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Says each default once, keeps examples as they are written, and is no wider than can be read."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=min(shutil.get_terminal_size((_WIDTH, 0)).columns, _WIDTH))

    def _get_help_string(self, action: argparse.Action) -> str:
        said = action.help or ""
        if not action.option_strings or action.default in (None, "", argparse.SUPPRESS) or "default:" in said:
            return said
        if isinstance(action, argparse.BooleanOptionalAction):
            return f"{said} (default: {'yes' if action.default else 'no'})"
        return said if action.nargs == 0 else f"{said} (default: %(default)s)"

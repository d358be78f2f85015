"""Another process, with make-believe cards of its own: ``python -m tests.device.beside -m MODULE WORD …``.

What starts `sys.executable` while `believing_beside` is on starts this, and with it the same module with the same
words: processes of the code that is tested need not know.
"""

import runpy
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.device.believe import Cards, believing

ROOT = Path(__file__).parents[2]


@contextmanager
def believing_beside(folder: Path) -> Iterator[None]:
    """Let every process that is started by the interpreter's name, with ``-m``, have make-believe cards too."""
    script = folder / "python"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))}:"$PYTHONPATH" '
        f'exec {shlex.quote(sys.executable)} -m tests.device.beside "$@"\n'
    )
    script.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(script))
        yield


if __name__ == "__main__":
    dash, module, *words = sys.argv[1:]
    assert dash == "-m", "only modules are started so"
    sys.argv = [module, *words]
    with believing(Cards()):
        runpy.run_module(module, run_name="__main__", alter_sys=True)

"""Execute the notebooks in `docs/notebooks/` and store what comes out: ``python -m tests.notebooks``.

`make notebooks` calls it. Their cells are plain Python, so that nothing of Jupyter is needed.
"""

import ast
import contextlib
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs/notebooks"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def read(file: Path) -> dict[str, Any]:
    """Read a notebook (nbformat 4)."""
    return json.loads(file.read_text("utf-8"))


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells that are executed, in order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@contextlib.contextmanager
def beside_the_repository() -> Iterator[None]:
    """Be in an empty folder which the files of the repository seem to lie around, as they do around the notebooks."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / FOLDER.relative_to(ROOT)
        place.mkdir(parents=True)
        (Path(folder) / "dashboard").symlink_to(ROOT / "dashboard")
        os.chdir(place)
        try:
            yield
        finally:
            os.chdir(before)


def execute(notebook: dict[str, Any]) -> list[str]:
    """Run all cells in one namespace, and return what each prints, with its last value where that is an expression."""
    names: dict[str, Any] = {"__name__": "notebook"}
    return [_run("".join(cell["source"]), names) for cell in code_cells(notebook)]


def _run(source: str, names: dict[str, Any]) -> str:
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
            if value is not None:
                print(repr(value))  # noqa: T201 - into what the cell gives
    return out.getvalue()


def stored(notebook: dict[str, Any]) -> list[str]:
    """Return what each cell has given when it was executed last."""
    return ["".join(line for output in cell["outputs"] for line in output["text"]) for cell in code_cells(notebook)]


def alike(one: str, other: str) -> bool:
    """Whether two outputs are the same, but for one unit of the last digit shown: rounding may fall on either side."""
    if NUMBER.sub("", one).split() != NUMBER.sub("", other).split():
        return False
    pairs = list(zip(NUMBER.findall(one), NUMBER.findall(other), strict=False))
    if len(pairs) != len(NUMBER.findall(one)) or len(pairs) != len(NUMBER.findall(other)):
        return False
    return all(_near(first, second) for first, second in pairs)


def _near(one: str, other: str) -> bool:
    digits = max(len(number.partition(".")[2]) for number in (one, other))
    # Whole numbers are counts, which nothing rounds.
    return one == other if digits == 0 else abs(float(one) - float(other)) < 1.5 * 10**-digits


def write(file: Path) -> None:
    """Execute a notebook and store its outputs in it."""
    notebook = read(file)
    with beside_the_repository():
        given = execute(notebook)
    for place, (cell, text) in enumerate(zip(code_cells(notebook), given, strict=True), 1):
        cell["execution_count"] = place
        lines = text.splitlines(keepends=True)
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": lines}] if lines else []
    file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    for one in sorted(FOLDER.glob("*.ipynb")):
        write(one)

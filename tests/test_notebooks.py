"""The notebooks in `docs/notebooks/` give what they store, and use nothing but the library and Python's own modules."""

import ast
import json
import re
import sys

import pytest

from tests import notebooks
from tests.notebooks import FOLDER, alike, beside_the_repository, code_cells, execute, read, stored

NOTEBOOKS = {file.stem: read(file) for file in sorted(FOLDER.glob("*.ipynb"))}
notebook = pytest.mark.parametrize("notebook", NOTEBOOKS.values(), ids=NOTEBOOKS)


def test_there_are_three():
    assert list(NOTEBOOKS) == ["attention", "explain", "finetune"]


@pytest.mark.slow
@notebook
def test_the_cells_give_what_is_stored(notebook):
    """Where this fails, `make notebooks` executes them anew; look at what has changed."""
    with beside_the_repository():
        given = execute(notebook)
    for cell, now, before in zip(code_cells(notebook), given, stored(notebook), strict=True):
        assert alike(now, before), f"{''.join(cell['source'])}\n\ngives\n{now}\nand stores\n{before}"


@notebook
def test_all_cells_are_executed_in_order_and_give_something(notebook):
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = code_cells(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(text.strip() for text in stored(notebook))
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


@notebook
def test_text_begins_with_a_title_and_a_chinese_summary_and_ends_with_what_is_not_said(notebook):
    texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert re.match(r"# \w[^\n]+\n\n", texts[0])
    assert re.search(r"\*\*中文摘要\*\*：[\u4e00-\u9fff]", texts[0])
    assert "## What this does not mean" in texts[-1]
    for target in re.findall(r"\]\(([^)#]+)", "\n".join(texts)):
        assert (FOLDER / target).is_file(), target


@notebook
def test_public_names_and_pythons_own_are_enough(notebook):
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            imported = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(one == "interpret" or one.split(".")[0] in sys.stdlib_module_names for one in imported)
            assert not (isinstance(node, ast.Attribute) and node.attr.startswith("_"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("accuracy 0.88 of 60", "accuracy 0.88 of 60", True),
        ("accuracy 0.88 of 60", "accuracy 0.89 of 60", True),
        ("accuracy 0.88 of 60", "accuracy 0.90 of 60", False),
        ("accuracy 0.88 of 60", "accuracy 0.88 of 61", False),
        ("accuracy 0.88", "accuracy  0.88\n", True),
        ("-0.00", "0.00", True),
        ("bank 0.50", "river 0.50", False),
        ("0.5 0.5", "0.5", False),
    ],
)
def test_only_rounding_is_forgiven(one, other, same):
    assert alike(one, other) == same


def test_what_is_stored_is_what_comes_out(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# A"]},
        {"cell_type": "code", "source": ["a = 2\n", "print(a)\n", "a * 3"], "outputs": [], "execution_count": None},
        {"cell_type": "code", "source": ["b = a"], "outputs": [], "execution_count": None},
    ]
    file = tmp_path / "a.ipynb"
    file.write_text(json.dumps({"cells": cells}))
    notebooks.write(file)
    assert stored(read(file)) == ["2\n6\n", ""]
    assert [cell["execution_count"] for cell in code_cells(read(file))] == [1, 2]

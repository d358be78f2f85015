"""A file is one idea, and a function is read at once, docstring and all: neither is too long, unless it says why."""

import ast
import re

import pytest

from dashboard import ROOT

MODULE, FUNCTION = 350, 80
FOLDERS = ("interpret", "dashboard", "pages", "bertoscope", "bertoscope_cli")
FILES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]


def excused(lines, first, limit):
    """Tell whether the comment right above a line says why what begins there is longer."""
    above = lines[first - 2] if first > 1 else ""
    return re.fullmatch(rf"\s*# Longer than {limit} lines: \S.{{9,}}", above) is not None


def too_long(source):
    """Return what is longer than its limit and gives no reason, with how long it is."""
    lines, tree = source.splitlines(), ast.parse(source)
    found = []
    # Of a module the reason stands below its docstring.
    behind = (tree.body[0].end_lineno if tree.body and ast.get_docstring(tree) else 0) + 3
    if len(lines) > MODULE and not any(excused(lines, line, MODULE) for line in range(2, behind + 1)):
        found.append(("the module", len(lines)))
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        count = node.end_lineno - node.lineno + 1
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        if count > FUNCTION and not excused(lines, first, FUNCTION):
            found.append((node.name, count))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_is_longer_than_its_limit(file):
    assert too_long(file.read_text("utf-8")) == []


def function(lines, above=""):
    return f'{above}def long():\n    """Do.\n\n    More.\n    """\n' + "    pass\n" * (lines - 5)


def test_a_docstring_is_counted_and_a_reason_is_read():
    assert too_long(function(80)) == []
    assert too_long(function(81)) == [("long", 81)]
    assert too_long(function(81, "# Longer than 80 lines: one table of names.\n")) == []
    assert too_long(function(81, "# Longer than 80 lines:\n")) == [("long", 81)]
    inside = "class A:\n" + "".join(f"    {line}\n" for line in function(81, "@property\n").splitlines())
    assert too_long(inside) == [("long", 81)]
    assert too_long("x = 1\n" * 350) == []
    assert too_long('"""A."""\n' + "x = 1\n" * 350) == [("the module", 351)]
    assert too_long('"""A."""\n\n# Longer than 350 lines: one table of words.\n' + "x = 1\n" * 350) == []

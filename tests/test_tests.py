"""What is asked of tests: that each can fail, and that those of pages do not pin the wording."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from dashboard import ROOT
from dashboard.language import CATALOGUES

# Sentences of the interface, or parts of them, that tests of pages and journeys hold. They are found by key, role and
# test id instead (`tests.apps`, `tests.browser.conftest`): lower a number when there are fewer.
PINNED = {"tests/browser": 10, "tests/pages": 110}


@cache
def modules() -> dict[Path, ast.Module]:
    return {file: ast.parse(file.read_text("utf-8")) for file in sorted((ROOT / "tests").rglob("*.py"))}


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def called(node):
    return {ast.unparse(one.func).rpartition(".")[2] for one in ast.walk(node) if isinstance(one, ast.Call)}


def can_fail(node) -> bool:
    """Whether it says itself what is right."""
    names = called(node)
    return any(isinstance(one, ast.Assert) for one in ast.walk(node)) or any(
        name in ("raises", "expect", "fail", "approx") or name.startswith("assert_") for name in names
    )


def test_each_test_can_fail():
    """By itself, or in a function of the tests that it calls."""
    known = defaultdict(list)
    for tree in modules().values():
        for one in functions(tree):
            known[one.name].append(one)
    found = [
        f"{file.relative_to(ROOT)}:{one.lineno} {one.name}"
        for file, tree in modules().items()
        for one in functions(tree)
        if one.name.startswith("test_")
        and not can_fail(one)
        and not any(map(can_fail, (other for name in called(one) for other in known[name])))
    ]
    assert found == []


def always_true(test) -> bool:
    """Whether an asserted expression is true whatever happens."""
    if isinstance(test, ast.Constant | ast.Lambda | ast.GeneratorExp | ast.JoinedStr) or (
        isinstance(test, ast.Tuple | ast.List | ast.Dict | ast.Set) and ast.unparse(test) not in ("[]", "{}", "()")
    ):
        return bool(getattr(test, "value", True))
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(map(always_true, test.values))
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        # Called twice, a function may answer otherwise.
        if ast.unparse(left) == ast.unparse(right):
            return isinstance(test.ops[0], ast.Eq | ast.Is | ast.LtE | ast.GtE) and not called(left)
        size = isinstance(left, ast.Call) and ast.unparse(left.func) in ("len", "abs")
        return size and isinstance(test.ops[0], ast.GtE) and ast.unparse(right) == "0"
    return False


@pytest.mark.parametrize(
    ("text", "always"),
    [
        ("x == x", True),
        ("len(x) >= 0", True),
        ("x or True", True),
        ("(x, 'said')", True),
        ("(one for one in x)", True),
        ("x == y", False),
        ("f() == f()", False),
        ("len(x) >= 1", False),
        ("x != x", False),
        ("not x", False),
    ],
)
def test_what_is_always_true_is_seen(text, always):
    assert always_true(ast.parse(text, mode="eval").body) is always


def test_no_assertion_is_true_whatever_happens():
    found = [
        f"{file.relative_to(ROOT)}:{one.lineno} {ast.unparse(one)}"
        for file, tree in modules().items()
        for one in ast.walk(tree)
        if isinstance(one, ast.Assert) and always_true(one.test)
    ]
    assert found == []


def sentences() -> str:
    with (CATALOGUES / "zh_CN.po").open("rb") as file:
        found = [one.id if isinstance(one.id, str) else "\n".join(one.id) for one in read_po(file)]
    return "\n".join(found)


def pinned(tree, said: str) -> list[str]:
    """Return the texts of a module that have several words and are in a sentence of the interface."""
    docstrings = {
        id(one.body[0].value)
        for one in ast.walk(tree)
        if isinstance(one, ast.Module | ast.FunctionDef | ast.ClassDef)
        and one.body
        and isinstance(one.body[0], ast.Expr)
    }
    texts = [
        one.value.strip()
        for one in ast.walk(tree)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in docstrings
    ]
    return [text for text in texts if " " in text and len(text) > 6 and text in said]


@pytest.mark.parametrize("folder", PINNED)
def test_tests_of_pages_pin_few_sentences(folder):
    said = sentences()
    assert "No word is masked yet." in said
    found = {
        str(file.relative_to(ROOT)): texts
        for file, tree in modules().items()
        if file.is_relative_to(ROOT / folder) and (texts := pinned(tree, said))
    }
    assert sum(map(len, found.values())) <= PINNED[folder], found

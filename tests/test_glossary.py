"""One term per concept: what `docs/GLOSSARY.md` retires is in no public name, no sentence of a page, no first line."""

import ast
import inspect
import re
from dataclasses import fields, is_dataclass

import pytest
from babel.messages.pofile import read_po

import interpret as it
from dashboard import ROOT

GLOSSARY = (ROOT / "docs/GLOSSARY.md").read_text("utf-8")
ROWS = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in GLOSSARY.splitlines() if line[:1] == "|"][
    2:
]
RETIRED = [word.strip() for row in ROWS for word in row[4].split(",") if word.strip()]
# The bullets of its list say what is retired as a name alone, before the colon.
RETIRED_NAMES = [
    word
    for line in GLOSSARY.partition("## Retired as names")[2].splitlines()
    if line.startswith("- ")
    for word in re.findall("`([^`]+)`", line.partition(": ")[0])
]
# The names of two algorithms, and English.
KEPT = re.compile(r"wordpiece|sentencepiece|pieces? of work", re.IGNORECASE)
HELD_OUT = re.compile(r"held_?out", re.IGNORECASE)


def has(text, word):
    """Whether a word stands in a text or in a name, whichever way that is written."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", KEPT.sub("", text)).replace("_", " ")
    return re.search(rf"\b{word}\b", apart, re.IGNORECASE) is not None


def public_names():
    rooms = (it.attention, it.attribution, it.embeddings, it.finetuning, it.pretraining, it.runs)
    for room in (it, *rooms):
        for name in room.__all__:
            yield name
            one = getattr(room, name)
            if is_dataclass(one):
                yield from (f"{name}.{field.name}" for field in fields(one))
            if isinstance(one, type):
                yield from (f"{name}.{part}" for part in vars(one) if not part.startswith("_"))
            elif callable(one):
                yield from (f"{name}({part})" for part in inspect.signature(one).parameters)


def sentences():
    with (ROOT / "dashboard/locale/zh_CN.po").open("rb") as file:
        for message in read_po(file):
            yield from [message.id] if isinstance(message.id, str) else message.id


def first_lines():
    for folder in ("interpret", "dashboard", "pages"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    yield (ast.get_docstring(node) or "").partition("\n")[0]


def born(source):
    """Yield the names that a module gives: of classes, functions, parameters, attributes and variables."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.ClassDef(name=name)
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.arg(arg=name)
            ):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def identifiers():
    for folder in ("interpret", "dashboard", "pages", "bertoscope", "bertoscope_cli"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield from (f"{file.relative_to(ROOT)}: {name}" for name in born(file.read_text("utf-8")))


def test_the_table_is_whole():
    assert len(RETIRED) >= 5
    assert len(RETIRED_NAMES) >= 20
    assert all(len(row) == 5 and row[0] and row[1] for row in ROWS)


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("All pieces of a word", "pieces", True),
        ("PieceNames", "piece", True),
        ("Guess.true_pieces", "pieces", True),
        ("One piece of work on a device", "piece", False),
        ("a WordPiece vocabulary", "piece", False),
        ("masterpieces", "pieces", False),
    ],
)
def test_a_word_is_found_however_it_is_written(text, word, found):
    assert has(text, word) == found


def documentation():
    """Pages of the documentation, without what they quote as code; what changed names old words on purpose."""
    for file in sorted((*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md"))):
        if file.name != "GLOSSARY.md":
            text = re.sub(r"```.*?```|`[^`\n]+`", "", file.read_text("utf-8"), flags=re.DOTALL)
            yield from (f"{file.name}: {line}" for line in text.splitlines())


@pytest.mark.parametrize("texts", [public_names, sentences, first_lines, documentation], ids=lambda one: one.__name__)
def test_no_retired_word_is_used(texts):
    assert [(word, text) for text in texts() for word in RETIRED if has(text, word)] == []


def test_every_kind_of_name_is_looked_at():
    source = """
class A:
    b: int
    def c(self, d, *e, f=g, **h):
        self.i = j.k(l=1)
        with m as n:
            o, (p, *q) = [r for r in s]
"""
    assert sorted(one for one in born(source) if one != "self") == [*"Abcdefhinopqr"]


def test_no_retired_name_is_given():
    given = [(word, name) for name in identifiers() for word in RETIRED_NAMES if has(HELD_OUT.sub("", name), word)]
    assert given == []

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
# The names of two algorithms, and English.
KEPT = re.compile(r"wordpiece|sentencepiece|pieces? of work", re.IGNORECASE)


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


def test_the_table_is_whole():
    assert len(RETIRED) >= 5
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

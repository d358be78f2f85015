"""A method of attribution is one file: nothing else is touched, and Python, the terminal and the page have it."""

import csv
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.attribution import methods
from interpret.attribution.__main__ import main
from interpret.attribution.methods import by_faithfulness
from tests.apps import switch

FILE = '''
"""Word length: for a test."""

import numpy as np
import torch

from interpret.attribution.methods.method import Method, Scores, Work, register
from interpret.core.sentences import sentence


@register
class WordLength(Method):
    name = "word_length"
    title = sentence("Word length")
    paper = "Nobody 2026"
    link = "https://example.org/word-length"
    about = sentence("Counts letters. Assumes that long words matter.")
    baseline = False

    def passes(self, words: int) -> int:
        return 1

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        return Scores(np.array([len(one) for one in work.target_function.tokens.strings], np.float64))
'''
TEXT = "the river bank was steep"


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The one file, where the methods lie."""
    folder = tmp_path / "methods"
    folder.mkdir()
    (folder / "word_length.py").write_text(FILE)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(folder)])
    methods.load_all()
    yield "word_length"
    del methods.METHODS["word_length"], sys.modules["interpret.attribution.methods.word_length"]


def test_python_has_it(added, tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), "cpu")
    found = it.attribute(encoder, TEXT, target="norm", method=added)
    expected = np.where(found.tokens.special, 0, [len(one) for one in found.tokens.strings])
    np.testing.assert_array_equal(found.scores, expected)
    # What was not measured is ranked after what was.
    assert by_faithfulness()[-1] == added
    with pytest.raises(it.InputError, match="takes no gradients"):
        it.attribute(encoder, TEXT, target="norm", method=added, smooth=True)
    with pytest.raises(it.InputError, match="word_length"):
        it.attribute(encoder, TEXT, target="norm", method="nothing of the kind")


def test_the_terminal_has_it(added, tiny_folders, tmp_path):
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    rows.write_text(f"text\n{TEXT}\n")
    command = [str(rows), "--out", str(out), "--model", str(tiny_folders["bert"]), "--target", "norm"]
    assert main([*command, "--method", added, "--device", "cpu"]) == 0
    with out.open(encoding="utf-8-sig") as file:
        assert list(csv.DictReader(file))


def test_the_page_has_it(added, tiny_folders, tmp_path, monkeypatch):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:bert", "explain": "norm", "methods": added, "example": "short"})
    switch(page, "attributions").run()
    assert not page.exception
    choices = next(one for one in page.multiselect if one.key == "methods:en")
    assert "Word length" in choices.options
    assert page.session_state[f"attribution:{added}"] is not None
    guide = "\n".join(one.value for one in page.markdown)
    assert "**Word length** ([Nobody 2026](https://example.org/word-length)). Counts letters." in guide

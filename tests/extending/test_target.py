"""A target of attributions is one file: nothing else is touched, and Python, the terminal and the page have it."""

import ast
import csv
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.attribution import targets
from interpret.attribution.__main__ import main
from interpret.attribution.targets import TARGETS
from tests.apps import switch

FILE = '''
"""Margin: for a test."""

import torch
from jaxtyping import Float

from interpret.attribution.targets.classifier import ByClassifier
from interpret.attribution.targets.target import BoundTarget, Pass, register
from interpret.core.sentences import sentence


@register
class Margin(ByClassifier):
    """How far the likeliest class is ahead of the next."""

    name = "margin"
    syntax = "margin"
    title = sentence("the margin between two classes")
    said = sentence("margin of the likeliest class")

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        first, second = super().answers(bound, seen).topk(2).values.unbind(dim=1)
        return (first - second)[:, None]
'''
TEXT = "the river bank was steep"
ROWS = ["the bank lent money", "the river was steep", "money was lent", "a steep river", "rich bank", "tired animals"]
LABELS = ["law", "sport", "law", "sport", "law", "animals"]


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The one file, where the targets lie."""
    folder = tmp_path / "targets"
    folder.mkdir()
    (folder / "margin.py").write_text(FILE)
    monkeypatch.setattr(targets, "__path__", [*targets.__path__, str(folder)])
    targets.load_all()
    yield "margin"
    del TARGETS["margin"], sys.modules["interpret.attribution.targets.margin"]


def test_python_has_it(added, tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), "cpu")
    head = it.fit_head(encoder, ROWS, LABELS)
    found = it.attribute(encoder, TEXT, target=added, head=head)
    logits = np.sort(it.attribution.target_function(encoder, TEXT, head=head).own)
    assert found.output == pytest.approx(float(logits[-1] - logits[-2]), abs=1e-5)
    # Gradients go through it, and what the words add is what it gains over the baseline.
    assert found.scores.sum() == pytest.approx(found.output - found.baseline_output, abs=0.02)
    assert found.target == it.attribution.Target(added, "")
    # All that looks at an answer looks at this one, as at any number that is no probability.
    target_function = it.attribution.target_function(encoder, TEXT, target=found.target, head=head)
    assert target_function.target_probability == target_function.output == found.output
    assert it.attribution.faithfulness(target_function, found, draws=20).unit == "answer"
    assert it.attribution.layer_attribution(target_function)[0].shape == (
        encoder.layers + 1,
        len(target_function.tokens),
    )
    with pytest.raises(it.InputError, match="not a class"):
        it.attribution.find_counterfactuals(target_function)
    with pytest.raises(it.InputError, match="no classifier"):
        it.attribute(encoder, TEXT, target=added)
    with pytest.raises(it.InputError, match="no target “nothing”.*margin"):
        it.attribute(encoder, TEXT, target=it.attribution.Target("nothing", ""))


def test_the_terminal_has_it(added, tiny_folders, tmp_path, capsys):
    rows, fitted, out = tmp_path / "rows.csv", tmp_path / "fitted.csv", tmp_path / "out.csv"
    rows.write_text(f"text\n{TEXT}\n")
    fitted.write_text("text,kind\n" + "".join(f"{text},{label}\n" for text, label in zip(ROWS, LABELS, strict=True)))
    command = [str(rows), "--out", str(out), "--model", str(tiny_folders["bert"]), "--device", "cpu"]
    assert main([*command, "--fit", str(fitted), "--label", "kind", "--target", added]) == 0
    with out.open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    encoder = it.load_encoder(str(tiny_folders["bert"]), "cpu")
    found = it.attribute(encoder, TEXT, target=added, head=it.fit_head(encoder, ROWS, LABELS))
    assert float(row["probability"]) == pytest.approx(found.output, abs=1e-5)
    with pytest.raises(SystemExit):
        main(["--list-targets"])
    assert any(line.split("  ")[0] == added for line in capsys.readouterr().out.splitlines())


def test_the_page_has_it(added, tiny_folders, tmp_path, monkeypatch):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:bert", "explain": added, "methods": "saliency", "example": "short"})
    switch(page, "attributions").run()
    assert not page.exception
    choices = next(one for one in page.selectbox if one.label == "Explain")
    assert choices.options[-1] == "the margin between two classes"
    # It says that a classifier answers, so the page asks for one, and not which of its classes.
    assert {"Classifier"} <= {one.label for one in page.selectbox}
    assert "Class" not in {one.label for one in page.selectbox}
    (kept,) = page.session_state["attribution:saliency"].values()
    assert kept.target == it.attribution.Target(added, "")
    assert any("margin of the likeliest class" in one.value and "output" in one.value for one in page.markdown)


def names_a_kind(node):
    """Whether a comparison asks which kind a target is of, by its name."""
    sides = [node.left, *node.comparators]
    strings = {one.value for side in sides for one in ast.walk(side) if isinstance(one, ast.Constant)}
    asked = any(ast.unparse(side).endswith(("kind", "kind.name", "target")) for side in sides)
    return asked and not strings.isdisjoint(TARGETS)


def test_no_other_file_asks_which_kind_a_target_is_of():
    own = ROOT / "interpret/attribution/targets"
    files = [
        file
        for folder in ("interpret/attribution", "dashboard", "pages")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if own not in file.parents
    ]
    assert len(files) > 100
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Compare) and names_a_kind(node)
    ]
    assert found == []

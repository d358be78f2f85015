"""A training objective is one file, and its results one view: Python, the terminal and the page have them."""

import math
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.finetuning import objectives
from interpret.finetuning.__main__ import main
from interpret.finetuning.objective import OBJECTIVES
from interpret.finetuning.worker import work
from pages.finetune import result_views
from pages.finetune.result_views.view import VIEWS
from tests.apps import switch
from tests.slot import hold

FILE = '''
"""Grades: classes in an order, of which the nearest counts too. For a test."""

from dataclasses import dataclass

import numpy as np
import torch

from interpret.core.sentences import sentence
from interpret.finetuning.objective import register
from interpret.finetuning.headline import Headline
from interpret.finetuning.objectives.classification import Classification


@dataclass(frozen=True, eq=False)
class GradeResults:
    near: float

    @property
    def headline(self):
        return Headline(sentence("within one grade"), self.near, True)

    def facts(self):
        return {"near": self.near}


def near(answers):
    return np.abs(answers["logits"].argmax(axis=1) - answers["truth"]) <= 1


@register
class Grades(Classification):
    name = "grades"
    order = 7
    title = sentence("Grades (classes in an order)")
    score_label = sentence("Within one grade")
    score_title = sentence("Held-out share within one grade")
    score_name = sentence("within one grade")
    fact = "near"

    def criterion(self, logits, labels, weights=None, smoothing=0.0):
        places = torch.arange(logits.shape[-1], dtype=logits.dtype)
        expected = (logits.softmax(-1) * places).sum(-1)
        return super().criterion(logits, labels, weights, smoothing) + (expected - labels).square().mean()

    def score(self, answers):
        return float(near(answers).mean())

    def row_parts(self, labels, answers):
        parts = super().row_parts(labels, answers)
        return np.stack([parts[:, 0], parts[:, 1], near(answers)], axis=1)

    def measure(self, answers, labels):
        return GradeResults(self.score(answers))

    def in_words(self, facts, interval):
        return [f"within one grade {facts['near']:.1%}"]
'''
VIEW = '''
"""How good grades are. For a test."""

import streamlit as st

from interpret.finetuning.objectives.grades import GradeResults
from pages.finetune.result_views.view import draws


@draws(GradeResults)
def grades_view(run, outcome, found):
    st.metric("Near the grade", f"{found.near:.1%}")
'''
WORDS = {"one": "river", "two": "water", "three": "steep"}
ROWS = "text,label\n" + "".join(
    f"the {word} {'was' if i % 2 else 'had'} money {i},{grade}\n" for i in range(12) for grade, word in WORDS.items()
)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The one file where objectives lie, and the one view."""
    for module, name, text in ((objectives, "grades", FILE), (result_views, "grades", VIEW)):
        folder = tmp_path / module.__name__
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(module, "__path__", [*module.__path__, str(folder)])
        module.load_all()
    yield "grades"
    del OBJECTIVES["grades"]
    for module in (objectives, result_views):
        kind = sys.modules.pop(f"{module.__name__}.grades")
        VIEWS.pop(getattr(kind, "GradeResults", None), None)


def request(folder, task):
    recipe = it.Recipe(
        model=str(folder), head="linear", epochs=2, learning_rate=1e-2, batch_size=4, device="cpu", patience=1
    )
    return it.runs.Request(recipe, "graded", "rows.csv", task=task)


def test_python_has_it(added, tiny_folders, tmp_path):
    assert list(it.finetuning.list_objectives())[-1] == added
    run = it.finetune(tmp_path / "run", request(tiny_folders["bert"], added), ROWS.encode())
    assert run.state == "done", run.error
    outcome = it.finetuning.read_outcome(run)
    # Beside the answers themselves.
    answers = np.load(run.folder / "answers.npz")
    off = np.abs(answers["logits"].argmax(axis=1) - answers["truth"])
    assert outcome.results.near == run.facts["near"] == pytest.approx((off <= 1).mean())
    assert outcome.truth == tuple(sorted(WORDS)[one] for one in answers["truth"])
    # Its loss is its own: cross-entropy, and the squared distance of the expected grade.
    logits = answers["logits"].astype(float)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = -np.log(chances[np.arange(len(off)), answers["truth"]])
    expected = own.mean() + np.square(chances @ np.arange(3) - answers["truth"]).mean()
    assert run.facts["loss"] == pytest.approx(expected, rel=1e-4)
    assert not math.isclose(run.facts["loss"], own.mean(), rel_tol=1e-3)


def test_the_terminal_has_it(added, tiny_folders, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text(ROWS)
    command = ["--data", str(tmp_path / "rows.csv"), "--task", added, "--model", str(tiny_folders["bert"])]
    assert main([*command, "--epochs", "1", "--device", "cpu", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert "after epoch 1: loss" in said
    assert any(line.startswith("within one grade ") for line in said.splitlines())
    assert main([*command[:3], "nothing of the kind", "--out", str(tmp_path / "other")]) == 2
    assert "There is no task “nothing of the kind”" in capsys.readouterr().err


def test_the_page_has_it(added, tiny_folders, tmp_path, monkeypatch):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.start", lambda *runs: [work(run.folder) for run in runs])
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:bert", "device": "cpu"})
    hold(page, "rows.csv", ROWS.encode())
    for key, value in {"data": "file", "task": added, "epochs": 1}.items():
        page.session_state[key] = value
    switch(page, "finetune").run()
    assert not page.exception
    assert "Grades \\(classes in an order\\)" in page.segmented_control(key="task:en").options
    # What applies to classes applies here.
    assert any(one.key == "smoothing" for one in page.slider)
    next(one for one in page.button if one.key == "start").click().run()
    assert not page.exception
    assert "Near the grade" in {one.label for one in page.metric}
    switch(page, "runs").run()
    assert not page.exception

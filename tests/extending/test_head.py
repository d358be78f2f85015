"""A task head is one file: recipes, the terminal and the page have it, and a folder with it opens again."""

import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.core import heads
from interpret.core.heads import HEADS
from interpret.finetuning.__main__ import main
from tests.apps import switch

FILE = '''
"""A head on the largest states of a text. For a test."""

import torch

from interpret.core.heads.head import TaskHead, register
from interpret.core.sentences import sentence


@register
class Largest(TaskHead):
    name = "largest"
    title = sentence("linear, on the largest states")

    def __init__(self, width: int, labels: int) -> None:
        super().__init__(width, labels)
        self.scores = torch.nn.Linear(width, labels)

    def forward(self, hidden, mask):
        return self.scores(hidden.masked_fill(mask[..., None] == 0, float("-inf")).amax(dim=1))
'''
ROWS = "text,label\n" + "".join(
    f"the {word} had money {i},{name}\n" for i in range(10) for name, word in (("a", "river"), ("b", "water"))
)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The one file, where the heads lie."""
    folder = tmp_path / "heads"
    folder.mkdir()
    (folder / "largest.py").write_text(FILE)
    monkeypatch.setattr(heads, "__path__", [*heads.__path__, str(folder)])
    heads.load_all()
    yield "largest"
    del HEADS["largest"], sys.modules["interpret.core.heads.largest"]


def test_the_terminal_trains_it_and_its_folder_opens(added, tiny_folders, tmp_path):
    assert list(HEADS) == ["linear", "mlp", "textcnn", "bilstm", added]
    (tmp_path / "rows.csv").write_text(ROWS)
    command = ["--data", str(tmp_path / "rows.csv"), "--model", str(tiny_folders["bert"]), "--head", added]
    assert main([*command, "--epochs", "1", "--device", "cpu", "--out", str(tmp_path / "run")]) == 0
    encoder = it.load_encoder(str(tmp_path / "run" / "model"), "cpu")
    assert encoder.task is not None
    assert encoder.task.labels == ("a", "b")
    # Beside the head's own formula on the last hidden states.
    text = "the river had money"
    tokens = encoder.tokens(text)
    states = torch.from_numpy(np.array(it.trace(encoder, text).hidden[-1]))
    head = load_file(tmp_path / "run" / "model" / "head.safetensors")
    expected = (states.amax(dim=0) @ head["scores.weight"].T + head["scores.bias"]).numpy()
    found = it.attribution.target_function(encoder, text).answers([tokens])[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(it.InputError, match="There is no head “nothing of the kind”"):
        it.Recipe(head="nothing of the kind")


def test_the_page_offers_it(added, tiny_folders, tmp_path, monkeypatch):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:bert", "device": "cpu"})
    switch(page, "finetune").run()
    assert not page.exception
    choices = next(one for one in page.selectbox if "linear, on the largest states" in one.options)
    assert choices.key.startswith("head_kind")

"""What a run's model is taken along as."""

import io
import shutil
import zipfile

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

import interpret as it
from dashboard.widgets.run_actions import sentence_folder
from interpret.finetuning.runs import make_run
from interpret.finetuning.worker import work
from tests.interpret.core.test_sentence_folders import TEXTS, near, write

ROWS = "text,label\n" + "".join(f"the bank was {word} {i},{word}\n" for i in range(8) for word in ("rich", "steep"))


@pytest.fixture(scope="module")
def runs(tiny_folders, tmp_path_factory):
    """A run from a model that pools the first token, and one that goes on from it."""
    root = tmp_path_factory.mktemp("runs")
    base, _peer = write(tiny_folders["bert"], root / "base", "cls")
    recipe = it.Recipe(model=str(base), epochs=3, learning_rate=1e-2, device="cpu")
    first = it.finetune(root / "first", it.runs.Request(recipe, "first", "rows.csv"), ROWS.encode())
    request = it.runs.Request(recipe, "second", "rows.csv", parent="first")
    second = make_run(root / "second", request, ROWS.encode(), parent_run=first.folder)
    return root, first, work(second.folder)


def opened(run, folder):
    with zipfile.ZipFile(io.BytesIO(sentence_folder(run, run.model))) as file:
        file.extractall(folder)
    return SentenceTransformer(str(folder), device="cpu")


def test_an_encoder_is_taken_along_as_the_model_that_its_run_is_from(runs, tmp_path):
    root, first, second = runs
    for run in (first, second):
        assert run.state == "done", run.error
        own = it.load_encoder(str(run.model), device="cpu")
        found = opened(run, tmp_path / run.id).encode(TEXTS[:2])
        near(found, it.embed(own, TEXTS[:2], [-1], pooling="cls").at(own.layers))
        assert np.abs(found - SentenceTransformer(str(root / "base"), device="cpu").encode(TEXTS[:2])).max() > 1e-4


def test_where_that_is_gone_it_is_the_mean(runs, tmp_path):
    root, first, _second = runs
    shutil.move(root / "base", root / "moved")
    try:
        own = it.load_encoder(str(first.model), device="cpu")
        found = opened(first, tmp_path).encode(TEXTS[:2])
        near(found, it.embed(own, TEXTS[:2], [-1]).at(own.layers))
    finally:
        shutil.move(root / "moved", root / "base")

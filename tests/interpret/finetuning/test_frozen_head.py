"""A fine-tune beside a linear head on the frozen model: the same rows, and an interval of paired differences."""

import json
from dataclasses import replace

import numpy as np
import pytest

import interpret as it
from interpret.core.linear_head import fit_head, sentence_vectors
from interpret.finetuning.frozen_head import measure_frozen_head
from interpret.finetuning.outcome import read_outcome, read_run_examples
from interpret.finetuning.recipe import suited
from interpret.finetuning.recipe_presets import RECIPE_PRESETS, preset_recipe
from interpret.finetuning.request import Request
from interpret.finetuning.runs import make_run
from interpret.finetuning.worker import work


@pytest.fixture(scope="module")
def run(folder, rows, tmp_path_factory):
    recipe = it.Recipe(model=str(folder), epochs=2, learning_rate=5e-3, batch_size=8, device="cpu", seed=3)
    place = tmp_path_factory.mktemp("beside") / "run"
    return work(make_run(place, Request(recipe, "r", "rows.csv", label="kind"), rows).folder)


def test_a_head_fitted_by_other_means_on_the_same_rows_is_right_as_often(run):
    """`fit_head` reads texts by itself; these are shorter than what a training reads."""
    examples, split = read_run_examples(run.folder, run.request)
    train, test = examples.some(split.train), examples.some(split.test)
    encoder = it.load_encoder(run.base, device="cpu")
    head = fit_head(encoder, train.texts, train.labels)
    scores = sentence_vectors(encoder, test.texts) @ head.weight.T + head.bias
    right = np.array([head.labels[index] for index in scores.argmax(axis=1)]) == np.array(test.labels)
    assert run.facts["frozen_accuracy"] == pytest.approx(right.mean())
    assert right.mean() > 0
    difference = run.facts["accuracy"] - run.facts["frozen_accuracy"]
    assert run.facts["frozen_low"] < difference < run.facts["frozen_high"]
    outcome = read_outcome(run)
    assert len(right) == len(outcome.truth)


@pytest.mark.parametrize("change", ["sweep", "replay"])
def test_what_has_no_fair_comparison_has_none(run, change):
    """Depths of a sweep have their own, and replayed rows are not the head's."""
    request = json.loads((run.folder / "request.json").read_text("utf-8"))
    if change == "sweep":
        request["group"] = "g"
    else:
        request["recipe"]["replay"] = 0.2
    altered = replace(run, request=Request.from_json(json.dumps(request)))
    assert measure_frozen_head(altered, "cpu") == {}
    assert set(measure_frozen_head(run, "cpu")) == {"frozen_accuracy", "frozen_low", "frozen_high"}


LAYERS = ("embeddings", "0", "1", "2", "3", "pooler", "head")


def test_presets_set_what_they_say_and_leave_the_rest():
    quick, careful, lora = (preset_recipe(name, LAYERS, 384, "classes") for name in RECIPE_PRESETS)
    plain = suited(False, 384)
    assert quick == replace(
        it.Recipe(),
        frozen=("embeddings", "0", "1"),
        head=plain.head,
        learning_rate=plain.learning_rate,
        epochs=plain.epochs,
    )
    assert careful == replace(quick, frozen=(), epochs=3 * plain.epochs, layerwise_lr_decay=0.95, patience=2)
    assert lora == replace(quick, frozen=(), lora_rank=8, learning_rate=suited(False, 384, adapted=True).learning_rate)
    with pytest.raises(it.InputError, match="There is no preset"):
        preset_recipe("fast", LAYERS, 384, "classes")

"""What is planned is what there is: parameters exactly, memory and time within a factor that decisions can bear."""

from dataclasses import replace

import numpy as np
import pytest

import interpret as it
from interpret.devices import find_device
from interpret.finetuning.data import split_examples
from interpret.finetuning.planning import Cost, measure_cost, measure_lengths, plan
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.training import train
from tests.tiny import FAMILIES, make_checkpoint

COST = Cost(1e-6, 2e-6, 1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["own", "mlp"])
def test_counts_are_those_of_the_model_that_is_trained(family, head, examples, tmp_path):
    folder = make_checkpoint(family, tmp_path)
    encoder = it.load_encoder(str(folder), device="cpu")
    recipe = Recipe(model=str(folder), head=head, frozen=("embeddings", "0"), epochs=1, batch=48, device="cpu")
    found = plan(encoder, recipe, "classes", 2, [10], 80, 16, COST)
    learned, judged = split_examples(examples)
    done = train(recipe, examples, learned[:48], judged)
    assert found.floors == done.floors
    assert found.trainable == sum(one.numel() for one in done.model.parameters() if one.requires_grad)
    assert found.trainable + found.frozen == sum(one.numel() for one in done.model.parameters())
    assert found.kept == done.kept


def test_more_frozen_is_less_time_and_memory(folder, recipe):
    encoder = it.load_encoder(str(folder), device="cpu")
    depths = [
        (),
        ("embeddings",),
        ("embeddings", "0"),
        ("embeddings", "0", "1"),
        ("embeddings", "0", "1", "2", "pooler"),
    ]
    for name, keep in (("seconds", True), ("seconds", False), ("memory", False), ("trainable", True)):
        recipes = [replace(recipe, frozen=one, epochs=10, keep_prefix=keep) for one in depths]
        plans = [plan(encoder, one, "classes", 2, [20, 40], 100, 20, COST) for one in recipes]
        values = [getattr(one, name) for one in plans]
        assert values == sorted(values, reverse=True), name
    assert plans[0].steps == 10 * 13
    # By hand: 3 layers forward and back over 30 pieces of 100 rows, and forward over 20, ten times; then the updates.
    pieces = 10 * 30 * 100 * 3e-6 + 10 * 30 * 20 * 1e-6
    updates = 130 * (plans[0].trainable * 1e-9 + 0.004)
    assert plans[0].seconds == pytest.approx(pieces + updates)


@pytest.mark.parametrize(
    ("changes", "caution"),
    [
        ({"learning_rate": 1e-3}, "high rate"),
        ({"learning_rate": 1e-6}, "low rate"),
        ({"learning_rate": 5e-5, "frozen": ("embeddings", "0", "1", "2", "pooler")}, "slow head"),
        ({"frozen": ("embeddings", "1")}, "hole"),
        ({}, "few judged"),
    ],
)
def test_cautions(folder, recipe, changes, caution):
    encoder = it.load_encoder(str(folder), device="cpu")
    usual = replace(recipe, learning_rate=3e-5)
    judged = 10 if caution == "few judged" else 100_000
    found = plan(encoder, replace(usual, **changes), "classes", 2, [10], 100, judged, COST).cautions
    assert caution in found
    assert caution not in plan(encoder, usual, "classes", 2, [10], 100, 100_000, COST).cautions


def test_more_memory_than_there_is_is_said(folder, recipe, monkeypatch):
    encoder = it.load_encoder(str(folder), device="cpu")
    small = replace(find_device("cpu"), free=1000)
    monkeypatch.setattr("interpret.finetuning.planning.find_device", lambda _name: small)
    assert plan(encoder, recipe, "classes", 2, [10], 100, 20, COST).cautions[0] == "memory"


@pytest.mark.slow
def test_the_measured_time_is_near_what_it_takes(examples):
    encoder = it.load_encoder("minilm", device="cpu")
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    cost = measure_cost(encoder, 16)
    for name, value in encoder.model.state_dict().items():
        assert value.equal(before[name]), "the model that others use has been trained"
    assert all(one.grad is None for one in encoder.model.parameters())
    recipe = Recipe(frozen=("embeddings", "0", "1", "2"), epochs=2, device="cpu")
    learned, judged = split_examples(examples)
    lengths = measure_lengths(encoder, examples, recipe.max_tokens)
    found = plan(encoder, recipe, "classes", 2, lengths, len(learned), len(judged), cost)
    done = train(recipe, examples, learned, judged)
    # Wide, because other work on the machine comes and goes; a wrong unit or a forgotten factor is further off.
    assert 0.2 < found.seconds / done.seconds < 5
    assert np.all(lengths <= recipe.max_tokens)

"""Trainings of every kind on a card: the losses of the CPU, and what a step copies and waits for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.heads import HEADS
from interpret.finetuning.examples import Examples
from interpret.finetuning.regularization import ParentRun, replayed
from interpret.finetuning.trainable_model import save_model
from interpret.finetuning.training import train
from tests.device.believe import NAMES
from tests.tiny import make_checkpoint

TEXTS = tuple(
    f"{'the bank was rich' if i % 2 else 'the river was steep'} {'and the animals ' * (i % 4)}{i}" for i in range(24)
)
LABELS = tuple("ab"[i % 2] for i in range(24))
TAGS = tuple(" ".join("OX"[len(word) % 2] for word in one.split(" ")) for one in TEXTS)
PLACES = tuple(range(24))
CLASSES = Examples("classes", TEXTS, None, LABELS, PLACES, 0)
KINDS = {
    "classes": CLASSES,
    "pairs": replace(CLASSES, pairs=TEXTS[::-1]),
    "regression": Examples("regression", TEXTS, None, tuple(f"{len(one)}.5" for one in TEXTS), PLACES, 0),
    "token classes": Examples("token classes", TEXTS, None, TAGS, PLACES, 0),
    "masked words": Examples("masked words", TEXTS, None, ("0",) * 24, PLACES, 0),
    "masked words and next sentences": Examples(
        "masked words and next sentences", TEXTS, TEXTS[1:] + TEXTS[:1], ("0",) * 24, PLACES, 0
    ),
}
TRAININGS = {
    **{f"task {kind}": (kind, {}) for kind in KINDS},
    **{f"head {head}": ("classes", {"head": head}) for head in HEADS},
    "adapters": ("classes", {"lora_rank": 2}),
    "adapters in a game": ("masked words", {"lora_rank": 2}),
    "a prefix": ("classes", {"frozen": ("embeddings", "0")}),
    "a prefix of token classes": ("token classes", {"frozen": ("embeddings", "0")}),
    "frozen, and computed anew": ("classes", {"frozen": ("embeddings", "0"), "keep_prefix": False}),
    "the head alone": ("classes", {"frozen": ("embeddings", "0", "1", "2"), "head": "linear"}),
    "held": ("classes", {"regularization": "l2"}),
    "held by need": ("classes", {"regularization": "ewc"}),
    "replay": ("classes", {"replay": 0.3}),
    "patience": ("classes", {"patience": 1, "epochs": 3}),
    "balanced": ("classes", {"balanced": True, "label_smoothing": 0.1, "layerwise_lr_decay": 0.8}),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("believe-train") / "bert"
    return make_checkpoint("bert", place, loader=tf.AutoModelForPreTraining, initializer_range=0.05)


@pytest.fixture(scope="session")
def recipe(folder):
    return it.Recipe(str(folder), epochs=1, learning_rate=5e-3, batch_size=8, device="cpu", dropout=False)


@pytest.fixture(scope="session")
def past(recipe, folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("believe-past") / "model"
    done = train(recipe, CLASSES, *it.finetuning.split_examples(CLASSES))
    save_model(done.model, done.head, done.labels, it.find_checkpoint(str(folder)), place)
    return ParentRun(str(place), CLASSES, it.finetuning.split_examples(CLASSES)[0])


def trained(recipe, kind, past, **more):
    examples = KINDS[kind]
    learned, judged = it.finetuning.split_examples(examples)
    if recipe.regularization == "ewc" or recipe.replay:
        recipe = replace(recipe, model=past.model)
    if recipe.replay:
        examples, learned = replayed(examples, learned, past, recipe.replay, 0)
    return train(recipe, examples, learned, judged, parent_run=past, **more)


def losses(done):
    return [step.loss for step in done.steps]


@pytest.mark.parametrize("name", TRAININGS)
def test_a_card_learns_what_the_cpu_learns(recipe, past, request, name):
    kind, more = TRAININGS[name]
    recipe = replace(recipe, **more)
    wanted = trained(recipe, kind, past)
    request.getfixturevalue("cards")
    found = trained(replace(recipe, device=NAMES[0]), kind, past)
    assert {one.device for one in found.model.parameters()} == {torch.device(NAMES[0])}
    np.testing.assert_allclose(losses(found), losses(wanted), rtol=1e-3, atol=1e-4)
    for column, one in wanted.answers.items():
        if one.dtype.kind == "f":
            np.testing.assert_allclose(found.answers[column], one, rtol=2e-2, atol=2e-3)


def test_the_second_card_learns_too(recipe, past, cards):
    done = trained(replace(recipe, device=NAMES[1]), "classes", past)
    assert {one.device for one in done.model.parameters()} == {torch.device(NAMES[1])}


def test_mixed_precision_is_accepted_on_a_card(recipe, past, cards):
    """Only that it runs: there is no half precision on these cards."""
    assert len(trained(replace(recipe, device=NAMES[0], precision="bfloat16"), "classes", past).steps) == 3


def test_a_training_on_a_card_goes_on_where_it_stopped(recipe, past, cards, tmp_path):
    recipe = replace(recipe, device=NAMES[0], epochs=2)
    whole = trained(recipe, "classes", past)
    asked = []
    first = trained(recipe, "classes", past, folder=tmp_path / "run", stop=lambda: asked.append(0) or len(asked) > 2)
    rest = trained(recipe, "classes", past, folder=tmp_path / "run")
    assert first.stopped
    assert len(first.steps) < len(whole.steps)
    np.testing.assert_allclose(losses(first) + losses(rest), losses(whole), rtol=1e-4)

"""Out of a card's memory wherever it happens: one kind of error, all given back, and a smaller text works next."""

import gc
from dataclasses import replace

import pytest
import torch

import interpret as it
from interpret.finetuning.trainable_model import make_trainable_model
from tests.device.believe import NAMES
from tests.device.calls import CALLS
from tests.device.test_trainings import folder, past, recipe, trained  # noqa: F401

CARD = NAMES[0]
# At how many places of each call memory runs out, evenly from its first allocation to its last.
PLACES = 5
KINDS = (
    "trace",
    "embed",
    "embed words",
    "fit_head",
    "fill_mask",
    "layer_guesses",
    "pseudo_log_likelihood",
    "gradient_paths",
    "head_importance classes",
    "explain integrated_gradients",
    "explain saliency",
    "explain occlusion",
    "layer_map conductance",
    "next_sentence",
    "tuned lens",
)


def failing_at(cards, encoder, name, fault):
    """Run a call with memory running out at some places; what came of each, and the bytes that were not given back."""
    call = CALLS[name]
    call.run(encoder)
    cards.reset()
    call.run(encoder)
    count = cards.counts["allocations" if fault == "memory" else "products"]
    found, kept = {}, {}
    # Or each collection would look at all that the tests before have made.
    gc.collect()
    gc.freeze()
    for place in sorted({place * (count - 1) // (PLACES - 1) for place in range(PLACES)}):
        before = cards.live[CARD]
        gc.disable()
        try:
            cards.fail(place, fault)
            try:
                call.run(encoder)
                found[place] = "nothing"
            except Exception as error:
                found[place] = type(error).__name__
            # On a processor, which these cards compute with, the rest of a failed backward pass waits for the next one.
            torch.ones((), requires_grad=True).backward()
            kept[place] = cards.live[CARD] - before
        finally:
            gc.enable()
        assert cards.failed
        # The next one works.
        it.trace(encoder, "the bank")
        gc.collect()
    gc.unfreeze()
    return found, kept


@pytest.mark.parametrize("name", KINDS)
def test_running_out_of_memory_is_a_capacity_error_wherever_it_happens_and_all_is_given_back(cards, encoders, name):
    found, kept = failing_at(cards, encoders(CALLS[name].model, "bert", CARD), name, "memory")
    assert set(found.values()) == {"CapacityError"}, found
    assert max(kept.values()) <= 0, kept


@pytest.mark.parametrize("name", ["trace", "embed", "fill_mask", "explain saliency"])
def test_what_cublas_says_of_memory_is_a_capacity_error_too(cards, encoders, name):
    found, _ = failing_at(cards, encoders(CALLS[name].model, "bert", CARD), name, "cublas")
    assert set(found.values()) == {"CapacityError"}, found


def training(cards, recipe):  # noqa: F811
    return trained(replace(recipe, device=CARD), "classes", None)


def test_a_training_that_runs_out_of_memory_says_so(cards, recipe):  # noqa: F811
    training(cards, recipe)
    cards.reset()
    training(cards, recipe)
    count, found = cards.counts["allocations"], {}
    # When it is loaded, when it goes to the card with its new head, and while it learns.
    for place in (10, 80, count // 3, 2 * count // 3, count - 1):
        cards.fail(place)
        try:
            training(cards, recipe)
            found[place] = "nothing"
        except Exception as error:
            found[place] = type(error).__name__
    assert set(found.values()) == {"CapacityError"}, found


def test_what_a_training_leaves_is_the_model_alone(cards, recipe):  # noqa: F811
    gc.collect()
    before = cards.live[CARD]
    gc.disable()
    try:
        done = training(cards, recipe)
        kept = cards.live[CARD] - before
    finally:
        gc.enable()
    own = sum(one.numel() * one.element_size() for one in done.model.parameters())
    assert kept <= 1.1 * own


def test_a_model_comes_to_the_card_once(cards, recipe):  # noqa: F811
    """It was there twice until the first step: once without the head, and once with it."""
    gc.collect()
    before = cards.live[CARD]
    cards.reset()
    encoder = it.load_encoder(recipe.model, "cpu")
    trainable = make_trainable_model(encoder, replace(recipe, head="own"), "classes", ("a", "b"), CARD)
    own = sum(one.numel() * one.element_size() for one in trainable.model.parameters())
    assert own <= cards.peak[CARD] - before <= 1.05 * own

"""Out of a card's memory wherever it happens: one kind of error, all given back, and a smaller text works next."""

import gc
from dataclasses import replace

import pytest

import interpret as it
from tests.device.believe import NAMES
from tests.device.calls import CALLS
from tests.device.test_trainings import folder, past, recipe, trained  # noqa: F401

CARD = NAMES[0]
# At how many places of each call memory runs out, evenly from its first allocation to its last.
PLACES = 5
KINDS = (
    "trace",
    "embed",
    "fit_head",
    "fill_mask",
    "layer_guesses",
    "gradient_paths",
    "head_importance classes",
    "explain integrated_gradients",
    "explain saliency",
    "tuned lens",
)
# Where every place is caught today.
CAUGHT = {
    "trace",
    "layer_guesses",
    "gradient_paths",
    "explain saliency",
}


def known(names, good, reason):
    mark = pytest.mark.xfail(strict=True, reason=reason)
    return [name if name in good else pytest.param(name, marks=mark) for name in names]


def failing_at(cards, encoder, name, fault):
    """Run a call with memory running out at some places; what came of each, and the bytes that were not given back."""
    call = CALLS[name]
    call.run(encoder)
    cards.reset()
    call.run(encoder)
    count = cards.counts["allocations" if fault == "memory" else "products"]
    found, kept = {}, {}
    gc.collect()
    gc.disable()
    try:
        for place in sorted({place * (count - 1) // (PLACES - 1) for place in range(PLACES)}):
            before = cards.live[CARD]
            cards.fail(place, fault)
            try:
                call.run(encoder)
                found[place] = "nothing"
            except Exception as error:
                found[place] = type(error).__name__
            assert cards.failed
            # The next one works. What a backward pass held when it failed goes with the next one at the latest.
            it.explain(it.ask(encoder, "the bank", target="norm"), "saliency")
            kept[place] = cards.live[CARD] - before
    finally:
        gc.enable()
    return found, kept


@pytest.fixture(scope="session")
def failed():
    return {}


@pytest.fixture
def ran_out(cards, encoders, failed):
    def ask(name, fault):
        if (name, fault) not in failed:
            failed[name, fault] = failing_at(cards, encoders(CALLS[name].model, "bert", CARD), name, fault)
        return failed[name, fault]

    return ask


@pytest.mark.parametrize("name", known(KINDS, CAUGHT, "some of its work on the card is outside of `hold`"))
def test_running_out_of_memory_is_a_capacity_error_wherever_it_happens(ran_out, name):
    found, _ = ran_out(name, "memory")
    assert set(found.values()) == {"CapacityError"}, found


@pytest.mark.parametrize(
    "name",
    known(("trace", "embed", "explain saliency"), (), "cuBLAS has an error of its own, which `hold` does not know"),
)
def test_what_cublas_says_of_memory_is_a_capacity_error_too(ran_out, name):
    found, _ = ran_out(name, "cublas")
    assert set(found.values()) == {"CapacityError"}, found


@pytest.mark.parametrize("name", KINDS)
def test_what_failed_gives_its_memory_back_without_a_collection(ran_out, name):
    _, kept = ran_out(name, "memory")
    assert set(kept.values()) == {0}, kept


def training(cards, recipe):  # noqa: F811
    return trained(replace(recipe, device=CARD), "classes", None)


@pytest.mark.xfail(strict=True, reason="the model goes to the card outside of `hold`")
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


@pytest.mark.xfail(strict=True, reason="the trainer and its accelerator refer to one another")
def test_a_training_gives_its_memory_back_at_once(cards, recipe):  # noqa: F811
    gc.collect()
    before = cards.live[CARD]
    gc.disable()
    try:
        done = training(cards, recipe)
        del done
        kept = cards.live[CARD] - before
    finally:
        gc.enable()
    gc.collect()
    assert cards.live[CARD] == before
    assert kept == 0


@pytest.mark.xfail(strict=True, reason="the optimizer's and the trainer's memory stays beside the model's")
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

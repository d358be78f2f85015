"""What is copied and waited for: lower a number when the work gets better."""

from dataclasses import replace

import pytest

from tests.device.believe import NAMES
from tests.device.calls import CALLS
from tests.device.test_trainings import folder, past, recipe, trained  # noqa: F401

KINDS = ("to card", "pinned", "card to card", "to host", "to host later", "item", "tolist", "sizes", "synchronize")
# The one `item` of each forward pass is transformers' own look whether there is any padding.
CALLED = {
    # Of each of 3 layers weights, queries, keys, values and contexts, and the states before and after each: all under
    # way before it waits, and none beside another on the card.
    "trace": {"to card": 3, "to host later": 19, "synchronize": 2, "item": 1},
    "embed": {"to card": 4, "to host": 1, "item": 1},
    "fill_mask": {"to card": 4, "to host": 1, "item": 1},
    "explain saliency": {"to card": 7, "to host": 2, "item": 2},
}
STEPS = {
    # What is told of a step, by `tolist`, is of the one before.
    "plain": ({}, {"to card": 4, "item": 1, "tolist": 1}),
    "a prefix": ({"frozen": ("embeddings", "0")}, {"to card": 3, "item": 1, "tolist": 1}),
    "held": ({"regularization": "l2"}, {"to card": 4, "item": 1, "tolist": 1}),
    "another head": ({"head": "textcnn"}, {"to card": 4, "item": 1, "tolist": 1}),
}


def counted(cards):
    return {kind: cards.counts[kind] for kind in KINDS if cards.counts[kind]}


@pytest.mark.parametrize("name", CALLED)
def test_a_call_copies_and_waits_no_more_than_it_must(cards, encoders, name):
    encoder = encoders(CALLS[name].model, "bert", NAMES[1])
    CALLS[name].run(encoder)
    cards.reset()
    CALLS[name].run(encoder)
    assert counted(cards) == CALLED[name]


@pytest.mark.parametrize("name", STEPS)
def test_a_step_copies_and_waits_no_more_than_it_must(cards, recipe, name):  # noqa: F811
    more, wanted = STEPS[name]
    steps = []

    def callback(what, _total):
        if type(what).__name__ == "Step":
            steps.append(counted(cards))

    trained(replace(recipe, device=NAMES[0], batch_size=4, **more), "classes", None, callback=callback)
    # In the midst of an epoch: the first steps make the optimizer's state too, and the last has no batch to come.
    before, after = steps[-3:-1]
    found = {kind: after.get(kind, 0) - before.get(kind, 0) for kind in KINDS}
    assert {kind: count for kind, count in found.items() if count} == wanted


def test_a_card_has_the_next_step_to_do_while_one_is_told(cards, recipe):  # noqa: F811
    done = []

    def callback(what, _total):
        if type(what).__name__ == "Step":
            done.append(cards.counts["products"])

    cards.reset()
    trained(replace(recipe, device=NAMES[0], batch_size=4), "classes", None, callback=callback)
    # What a step multiplies, there and back; before the first is told a second was made.
    assert done[0] == 2 * (done[1] - done[0]) > 0

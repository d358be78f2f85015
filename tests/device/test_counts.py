"""What is copied and waited for, bounded by what it is today: lower a bound when the work gets better."""

import pytest

from tests.device.believe import NAMES
from tests.device.calls import CALLS
from tests.device.test_trainings import CLASSES, folder, past, recipe, trained  # noqa: F401

KINDS = ("to card", "pinned", "to host", "to host later", "item", "tolist", "sizes", "card to card")
TODAY = {}


def counted(cards):
    return {kind: cards.counts[kind] for kind in KINDS if cards.counts[kind]}


@pytest.mark.parametrize("name", ["trace", "embed", "fill_mask", "explain saliency"])
def test_a_call_copies_and_waits_no_more_than_today(cards, encoders, name):
    encoder = encoders(CALLS[name].model, "bert", NAMES[1])
    CALLS[name].run(encoder)
    cards.reset()
    CALLS[name].run(encoder)
    assert counted(cards) == TODAY[name]


@pytest.mark.parametrize("more", [{}, {"frozen": ("embeddings", "0")}, {"hold": "l2"}, {"head": "textcnn"}])
def test_a_step_copies_and_waits_no_more_than_today(cards, recipe, more):  # noqa: F811
    """Of one step alone: between what is counted at the first and at the last step of an epoch."""
    from dataclasses import replace

    seen = []
    trained(
        replace(recipe, device=NAMES[0], batch=4, **more),
        "classes",
        None,
        probes=(),
        tell=lambda what, total: seen.append((type(what).__name__, counted(cards))),
    )
    steps = [counts for name, counts in seen if name == "Step"]
    (each,) = {
        tuple((kind, last.get(kind, 0) - first.get(kind, 0)) for kind in KINDS) for first, last in zip(steps, steps[1:])
    }
    assert {kind: count for kind, count in each if count} == TODAY["a step", *more]

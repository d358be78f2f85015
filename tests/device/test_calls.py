"""All of `interpret` on a card: the numbers of the CPU, nothing mixed, and no arithmetic without the card's lock."""

import pytest

from tests.device.believe import believing
from tests.device.calls import CALLS, differences
from tests.tiny import FAMILIES, TAPPED

CASES = [
    (name, family)
    for name, call in CALLS.items()
    for family in (FAMILIES if call.every else ("bert",))
    if family in TAPPED or not call.tapped
]
# What holds the card's lock wherever it computes, today.
LOCKED = {
    "trace",
    "trace_batch",
    "gradient_paths",
    "ablate",
    "ablate classes",
    "attention_drift",
    "dependency_scores",
    "layer_guesses",
    "explain saliency",
    "explain smoothly",
    "explain input_x_gradient",
    "layer_map conductance",
    "layer_map integrated_gradients",
    "gradient_paths of a piece",
    "corpus_head_statistics",
    "model_card",
    "check_health",
    "plan",
    "windows",
}


@pytest.fixture(scope="session")
def outcome(_cards, encoders):
    """What a call says on the CPU and on a card, and where it computed without the card's lock; each asked once."""
    known = {}

    def ask(name, family):
        if (name, family) not in known:
            call = CALLS[name]
            wanted = call.run(encoders(call.model, family))
            with believing(_cards) as cards:
                encoder = encoders(call.model, family, "meta:1")
                cards.reset()
                found = call.run(encoder)
                known[name, family] = wanted, found, dict(cards.outside)
        return known[name, family]

    return ask


@pytest.mark.parametrize(("name", "family"), CASES)
def test_a_card_says_what_the_cpu_says(outcome, name, family):
    wanted, found, _ = outcome(name, family)
    assert differences(wanted, found) == []


@pytest.mark.parametrize(
    "name",
    [
        name
        if name in LOCKED
        else pytest.param(name, marks=pytest.mark.xfail(strict=True, reason="computes on the card outside of `hold`"))
        for name in CALLS
    ],
)
def test_a_card_computes_only_while_its_lock_is_held(outcome, name):
    _, _, outside = outcome(name, "bert")
    assert outside == {}

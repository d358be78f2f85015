"""All of `interpret` on a card: the numbers of the CPU, nothing mixed, and no arithmetic without the card's lock."""

import numpy as np
import pytest

import interpret as it
from interpret.embeddings.exact_tsne import ExactTSNE
from tests.device.believe import NAMES, believing
from tests.device.calls import CALLS, TEXTS, differences
from tests.tiny import FAMILIES

# Tried with every family; the rest with those that differ most: shared layers, positions behind the padding, rotary
# ones, and attention of their own.
BASICS = ("trace", "embed", "explain every family")
SOME = ("bert", "albert", "roberta", "modernbert", "deberta-v2")
CASES = [
    (name, family)
    for name, call in CALLS.items()
    for family in (FAMILIES if name in BASICS else SOME if call.every else ("bert",))
]


@pytest.mark.parametrize(("name", "family"), CASES)
def test_a_card_says_what_the_cpu_says_and_computes_only_while_its_lock_is_held(made, encoders, name, family):
    call = CALLS[name]
    wanted = call.run(encoders(call.model, family))
    with believing(made) as cards:
        encoder = encoders(call.model, family, NAMES[1])
        cards.reset()
        found = call.run(encoder)
        outside = dict(cards.outside)
    assert differences(wanted, found) == []
    # Where it computed on the card without the card's lock: running out of memory there would be no `CapacityError`.
    assert outside == {}


def test_a_map_is_drawn_on_a_card_under_its_lock(made):
    random = np.random.default_rng(0)
    rows, columns = (one.ravel() for one in np.indices((12, 12)))
    apart = rows != columns
    pairs = rows[apart], columns[apart], np.full(132, 1 / 132)
    start = random.normal(size=(12, 2))
    wanted = ExactTSNE(*pairs, start, "cpu")
    list(wanted.run(20, 20))
    with believing(made) as cards:
        cards.reset()
        found = ExactTSNE(*pairs, start, NAMES[0])
        list(found.run(20, 20))
        points, divergence = found.result()
        outside = dict(cards.outside)
    np.testing.assert_allclose(points, wanted.result()[0], rtol=1e-4, atol=1e-5)
    assert divergence == pytest.approx(wanted.result()[1], rel=1e-5)
    assert outside == {}


def test_two_cards_share_a_collection_and_say_what_one_says(made, encoders):
    wanted = it.embed(encoders("games"), TEXTS * 3)
    with believing(made) as cards:
        pair = [encoders("games", "bert", name) for name in NAMES]
        cards.reset()
        found = it.embed(pair[0], TEXTS * 3, beside=pair[1:])
        outside = dict(cards.outside)
    np.testing.assert_allclose(found.vectors, wanted.vectors, rtol=1e-3, atol=1e-4)
    assert outside == {}

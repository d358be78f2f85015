"""All of `interpret` on a card: the numbers of the CPU, nothing mixed, and no arithmetic without the card's lock."""

import pytest

from tests.device.believe import NAMES, believing
from tests.device.calls import CALLS, differences
from tests.tiny import FAMILIES, TAPPED

CASES = [
    (name, family)
    for name, call in CALLS.items()
    for family in (FAMILIES if call.every else ("bert",))
    if family in TAPPED or not call.tapped
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

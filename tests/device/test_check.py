"""The check of a card, on a make-believe one: no step mixes devices, and every number is the CPU's."""

import pytest

from tests.device.believe import NAMES
from tests.gpu_check.check import Shapes, World, take
from tests.gpu_check.steps import ALL

# What asks another process, which has no make-believe card; and what runs another library beside ours, which is not
# asked to hold any lock.
APART = {
    "environment",
    "memory and time of trainings: planned, taken",
    "a training beside a page",
    "two processes on one device",
    "several cards",
    "embedding beside SentenceTransformer.encode",
}


def test_the_steps_that_are_left_out_are_there():
    assert {one.name for one in ALL} > APART


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("check")


@pytest.mark.slow
@pytest.mark.parametrize("one", [one for one in ALL if one.name not in APART], ids=lambda one: one.name)
def test_each_step_passes_on_a_make_believe_card(cards, folder, one):
    world = World(NAMES[0], Shapes.tiny(), folder)
    if one.name.startswith(("training", "EWC")):
        # Mixed precision is not made believe: it would be the same once more.
        world.precisions = ("float32",)
    row = take(one, world)
    assert row.state == "passed", f"{row.why}\n{row.traceback}"
    assert row.figures

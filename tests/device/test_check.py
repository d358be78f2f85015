"""The check of a card, on a make-believe one: no step mixes devices, and every number is the CPU's."""

import sys

import pytest

from interpret.finetuning import cost
from tests.device.believe import NAMES
from tests.device.beside import believing_beside
from tests.gpu_check.check import Shapes, World, take
from tests.gpu_check.steps import ALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("check")


@pytest.fixture
def beside(tmp_path, prepared_python):
    with believing_beside(tmp_path):
        yield


@pytest.fixture(scope="module", autouse=True)
def _timed_once():
    """Start a process for each kind of step that is timed, not for each training that is planned by it."""
    known, apart = {}, cost._apart

    def timed(encoder, *asked):
        key = encoder.spec, *asked
        if key not in known:
            known[key] = apart(encoder, *asked)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "_apart", timed)
        yield


@pytest.fixture
def peer():
    """Let sentence-transformers be imported where the cards are: it takes `torch.inference_mode` for its own then."""

    def loaded():
        return [name for name in sys.modules if name.partition(".")[0] == "sentence_transformers"]

    with pytest.MonkeyPatch.context() as patch:
        for name in loaded():
            patch.delitem(sys.modules, name)
        yield
        for name in loaded():
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
@pytest.mark.usefixtures("beside", "peer")
def test_each_step_passes_on_a_make_believe_card(cards, folder, one):
    world = World(NAMES[0], Shapes.tiny(), folder)
    # Mixed precision is not made believe: it would be the same once more.
    world.precisions = ("float32",)
    # Where more is free, more is read together: of such small texts more than ten thousand.
    cards.limit = 1 << 30
    row = take(one, world)
    assert row.state == "passed", f"{row.why}\n{row.traceback}"
    assert row.figures

"""Every claim once, on one seed; ``make oracles`` looks further."""

import pytest

from tests.oracles import World, all_claims


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("oracles"), rounds=1)


@pytest.mark.parametrize("claim", all_claims(), ids=lambda one: one.title)
def test_equals_outside_code(world, claim):
    largest, _count = claim.measure(world)
    assert largest <= claim.bound


def test_every_library_that_is_named_is_asked():
    asked = " ".join(one.oracle for one in all_claims())
    libraries = "transformers Captum seqeval scikit-learn SciPy networkx PEFT sentence-transformers"
    for library in libraries.split():
        assert library in asked

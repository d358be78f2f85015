"""A few hostile inputs of each kind; ``make attack`` tries thousands."""

import os
import sys
import time

import pytest

pytest.importorskip("resource")

from tests.attack.attack import KINDS, attacks
from tests.attack.isolation import MOST_BYTES, attempt

# Elsewhere nothing tells how much a process took at most.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is counted by Linux")
COUNTS = {"table": 60, "other file": 40, "checkpoint": 60, "run": 30, "address": 25}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_comes_of_it_but_a_value_or_a_sentence(kind, monkeypatch):
    # On a slow machine too: what never ends is seen all the same, and `make attack` has the limit itself.
    monkeypatch.setattr("tests.attack.isolation.MOST_SECONDS", 100)
    monkeypatch.setattr("tests.attack.addresses.MOST_SECONDS", 250)
    tried = list(attacks(kind, range(COUNTS[kind])))
    assert [(one.number, one.name, one.attempt.fault) for one in tried if one.attempt.fault] == []
    # What is refused without exception would say nothing of what is read.
    assert sum(not one.attempt.said for one in tried) > 0


@pytest.mark.parametrize(
    "work, fault",
    [
        (lambda: bytearray(b"x") * (MOST_BYTES + (64 << 20)), "it took 1"),
        (lambda: [None] * 10**12, "MemoryError"),
        (lambda: 1 // 0, "ZeroDivisionError"),
        (lambda: os._exit(3), "ended by itself (3)"),
        (lambda: _refuse("one line\nand another"), "no sentence"),
        (lambda: _refuse("\ud800"), "half a character"),
    ],
)
def test_what_does_harm_is_seen(work, fault):
    assert fault in attempt(work).fault


def test_what_takes_long_or_waits_for_good_is_ended(monkeypatch):
    monkeypatch.setattr("tests.attack.isolation.MOST_SECONDS", 1)
    assert "more than 1 seconds of a processor" in attempt(_work_on).fault
    monkeypatch.setattr("tests.attack.isolation._HANGS", 3)
    assert "nothing came of it" in attempt(lambda: time.sleep(100)).fault


def _work_on():
    while True:
        pass


def _refuse(said):
    from interpret.core.errors import InterpretError

    error = InterpretError("")
    error.args = (said,)
    raise error

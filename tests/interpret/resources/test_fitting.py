"""Curves, the largest batch and cheaper ways: beside what counting one by one gives."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import interpret as it
from interpret.resources.calibration import Calibration, calibrate
from interpret.resources.configs import find_config, longest
from interpret.resources.fitting import cheaper, fit_exponent, largest_batch, predict_curve, usual_values
from interpret.resources.prediction import Prediction, predict
from interpret.resources.workload import MOST_TOKENS, Workload
from tests.interpret.resources.test_prediction import BERT, config_of

# Nothing is kept beside what is alive.
EXACT = Calibration(3, (0.0, 0.0, 0.0))
TRAINING = Workload(8, 96, training=True)


def test_powers_are_those_that_were_put_in():
    values = [1.0, 2.0, 4.0, 8.0]
    assert fit_exponent(values, [5 * one**1.7 for one in values]) == pytest.approx((1.7, 1.0))
    slope, fit = fit_exponent(values, [1.0, 3.0, 3.0, 9.0])
    # By hand, in logarithms of base 2 and 3: y = 0, 1, 1, 2 over 0 to 3 has slope 0.6 and R² 0.9.
    assert slope == pytest.approx(0.6 * np.log(3) / np.log(2))
    assert fit == pytest.approx(0.9)
    assert all(map(np.isnan, fit_exponent([4.0], [4.0])))
    assert all(map(np.isnan, fit_exponent([1.0, 2.0], [0.0, 4.0])))


def test_what_comes_with_the_texts_grows_as_the_issue_says():
    config = config_of(
        "bert", max_position_embeddings=4096, hidden_size=768, num_attention_heads=12, intermediate_size=3072
    )
    lengths = (512, 1024, 2048, 4096)
    wanted = {"eager": (1.8, 2.2), "sdpa": (0.9, 1.2), "flash": (0.9, 1.2)}
    for kernel, (least, most) in wanted.items():
        found = predict_curve(config, Workload(2, kernel=kernel), "length", lengths)
        assert least <= found.exponent <= most, kernel
        assert found.fit > 0.99
        assert found.values == lengths
    for training in (False, True):
        batches = predict_curve(config, Workload(2, 128, training), "batch", (1, 4, 16, 64))
        assert batches.exponent == pytest.approx(1, abs=0.02)
        assert batches.fit > 0.999


def test_a_curve_is_over_what_can_be_done_and_has_the_work_itself():
    for family in ("bert", "roberta", "modernbert", "distilbert"):
        config = config_of(family)
        for batch, length in ((1, 1), (1, 298), (7, 31), (4096, 100)):
            work = Workload(batch, length)
            for over in ("length", "batch"):
                values = usual_values(config, work, over)
                assert getattr(work, over) in values, (family, work, over)
                assert all(one < other for one, other in pairwise(values))
                assert len(values) <= 9
                other = batch if over == "length" else length
                assert max(values) * other <= MOST_TOKENS
            if family != "modernbert":
                assert max(usual_values(config, work, "length")) <= longest(config)


@pytest.mark.parametrize("work", [TRAINING, Workload(8, 96), replace(TRAINING, kernel="flash", lora_rank=4)], ids=str)
def test_the_largest_batch_fits_and_one_more_does_not(work):
    counted = {}

    def once(config, other):
        counted.setdefault(other, predict(config, other))
        return counted[other]

    for room in (6e6, 2e7, 5e7, 1e8, 3e8):
        found = largest_batch(BERT, work, room, EXACT, once)
        if found:
            assert once(BERT, replace(work, batch=found)).peak <= room
        assert once(BERT, replace(work, batch=found + 1)).peak > room
    assert largest_batch(BERT, work, 1e5, EXACT, once) == 0


def test_the_upper_end_of_the_range_has_to_fit():
    sure, unsure = largest_batch(BERT, TRAINING, 1e8, EXACT), largest_batch(BERT, TRAINING, 1e8, CAUTIOUS)
    assert 0 < unsure < sure


CAUTIOUS = Calibration(0, (0.0, 0.5, 1.0))


def test_a_line_with_a_bend_is_followed():
    """Where another moment becomes the peak, memory bends: what two batches say of a third is then too little."""

    def bent(_config, work):
        peak = max(1000, 10 * work.batch) + max(0, 90 * (work.batch - 200))
        return Prediction(work, {"weights": 0}, peak, peak, 1)

    for room in (999.0, 1000.0, 1005.0, 2000.0, 2100.0, 9999.0, 1e6):
        found = largest_batch(BERT, TRAINING, room, EXACT, bent)
        fits = [one for one in range(1, 4097) if bent(BERT, replace(TRAINING, batch=one)).peak <= room]
        assert found == max(fits, default=0), room


def test_each_way_takes_less_and_says_what_it_changes():
    work = replace(TRAINING, kernel="eager")
    found = {one.name: one for one in cheaper(BERT, work)}
    assert next(iter(found)) == "as it is"
    assert set(found) == {
        "as it is",
        "flash",
        "bfloat16",
        "checkpointing",
        "smaller steps",
        "lora",
        "lower half frozen",
        "shorter",
        "several",
    }
    before = found.pop("as it is")
    assert before.prediction == predict(BERT, work)
    for name, one in found.items():
        assert one.prediction.peak < before.prediction.peak, name
        assert one.same == (name not in ("lora", "lower half frozen", "shorter"))
    # Twice half of a batch is as much arithmetic as the whole.
    assert found["smaller steps"].operations == pytest.approx(before.operations, rel=0.01)
    assert found["checkpointing"].operations == pytest.approx(4 / 3 * before.operations, rel=0.02)
    several = found["several"].prediction.work
    assert (several.kernel, several.precision, several.checkpointing, several.batch) == ("flash", "bfloat16", True, 4)
    assert (several.accumulation, found["several"].passes) == (2, 1)
    # Gradients of the first half are there while the second is read.
    halves = replace(work, batch=4)
    assert found["smaller steps"].prediction == predict(BERT, replace(halves, accumulation=2))
    assert found["smaller steps"].prediction.peak > predict(BERT, halves).peak
    assert next(one.passes for one in cheaper(BERT, Workload(4, 32)) if one.name == "smaller steps") == 2
    assert "smaller steps" not in [one.name for one in cheaper(BERT, replace(work, batch=3))]


def test_what_an_architecture_cannot_do_is_left_out_or_said():
    albert = config_of("albert")
    assert "checkpointing" not in [one.name for one in cheaper(albert, TRAINING)]
    with pytest.raises(it.InputError, match="Turn gradient checkpointing off"):
        predict(albert, replace(TRAINING, checkpointing=True))


def test_ways_that_there_are_not_are_left_out():
    names = [one.name for one in cheaper(BERT, Workload(1, 1, precision="bfloat16"))]
    assert names == ["as it is"]
    # Relative positions have one kernel.
    assert "flash" not in [one.name for one in cheaper(config_of("deberta-v2"), TRAINING)]
    assert "lora" not in [one.name for one in cheaper(BERT, replace(TRAINING, lora_rank=4))]
    with pytest.raises(it.InputError, match="positions of this model"):
        cheaper(BERT, replace(TRAINING, length=301))


def test_progress_is_said_and_may_stop():
    seen = []
    cheaper(find_config("bert-tiny"), Workload(2, 16), lambda *said: seen.append(said))
    assert [one[0] for one in seen] == list(range(len(seen)))
    assert {one[1] for one in seen} == {len(seen)}

    def stop(*_said):
        raise it.Cancelled

    with pytest.raises(it.Cancelled):
        predict_curve(BERT, TRAINING, "batch", progress=stop)


def test_without_measurements_the_range_is_that_of_experience():
    found = calibrate([], "cpu", TRAINING).memory(predict(BERT, TRAINING))
    assert found[0] < found[1] < found[2]

"""Measurements that are kept: what is made of them, that they are found again, and that damage harms nobody."""

import json
import threading
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats

from interpret.resources.calibration import (
    Calibration,
    Point,
    calibrate,
    keep_point,
    kept_points,
    make_point,
    product_speed,
)
from interpret.resources.claims import CARDS, CLAIMS, as_measured, card_for, on_a_card, verdict
from interpret.resources.configs import find_config
from interpret.resources.measurement import KEPT, Measurement
from interpret.resources.prediction import predict
from interpret.resources.workload import Workload

TINY, WORK = find_config("bert-tiny"), Workload(4, 32)


# Large enough to count.
MB, GFLOP = 10**6, 10**9


def point(taken=150, counted=110, weights=10, seconds=(2.0, 1.0, 3.0), **changes):
    base = Point(
        model="m",
        shape="digest",
        work=WORK,
        device="cpu",
        description="a processor",
        counted=counted * MB,
        weights=weights * MB,
        operations=40 * GFLOP,
        taken=taken * MB,
        seconds=tuple(seconds),
        versions="torch glibc",
        made=1.0,
    )
    return replace(base, **changes)


def test_a_point_says_what_was_kept_and_how_fast_it_was():
    # 40 MB beside the 100 that come and go; 40 GFLOP in the median of 2 seconds, which of two is between them.
    assert point().kept == pytest.approx(0.4)
    assert point().speed == 20 * GFLOP
    assert point(seconds=(1.0, 3.0)).typical == 2


def test_of_three_or_more_the_next_one_is_expected_where_student_says():
    taken = [130, 150, 160, 180]
    found = calibrate([point(one) for one in taken], "cpu", WORK)
    shares = (np.array(taken) - 110) / 100
    # Another way to the same interval: the t distribution of a new observation (Hahn & Meeker 1991, section 4.6).
    low, high = stats.t.interval(0.95, 3, shares.mean(), shares.std(ddof=1) * np.sqrt(1 + 1 / 4))
    assert found.kept == pytest.approx((low, shares.mean(), high))
    assert found.count == 4
    times = [(one, one, one) for one in (1.0, 2.0, 4.0)]
    speeds = calibrate([point(seconds=one) for one in times], "cpu", WORK).speed
    logs = np.log(GFLOP * np.array([40, 20, 10]))
    ends = np.exp(stats.t.interval(0.95, 2, logs.mean(), logs.std(ddof=1) * np.sqrt(1 + 1 / 3)))
    assert speeds == pytest.approx((ends[0], 20 * GFLOP, ends[1]))


def test_fewer_than_three_are_as_unsure_as_experience():
    before = KEPT["answers"]
    found = calibrate([point()], "cpu", WORK).kept
    assert found == pytest.approx((0.4 + before[0] - before[1], 0.4, 0.4 + before[2] - before[1]))
    assert calibrate([], "cpu", WORK).kept == before
    # Two that are far apart are both within it.
    two = [point(120), point(410)]
    low, _usual, high = calibrate(two, "cpu", WORK).kept
    assert low < 0.1 < 3 < high


def test_no_interval_leaves_out_what_it_is_made_of():
    for taken in ([150, 150, 150], [80, 79, 78], [100, 500], [111], [110, 110, 110, 300]):
        points = [point(one) for one in taken]
        found = calibrate(points, "cpu", WORK)
        for one in points:
            low, usual, high = found.expected(one.counted, one.weights)
            assert low < one.taken < high
            assert low < usual < high
        assert found.speed[0] < 20 * GFLOP < found.speed[2]


def test_small_work_says_nothing_of_large():
    """A process's own needs, some megabytes, would be taken for a share of what comes and goes."""
    tiny = point(taken=30, counted=11, operations=MB)
    assert calibrate([tiny] * 4, "cpu", WORK) == calibrate([], "cpu", WORK)


def test_only_what_is_alike_counts():
    learned = point(work=replace(WORK, training=True))
    eager = point(work=replace(WORK, kernel="eager"), seconds=(1.0,))
    found = calibrate([learned, eager], "cpu", WORK, speed=100.0)
    # The memory of one that answers too, though by another kernel; its speed is another.
    assert (found.count, found.speed_count) == (1, 0)
    assert found.speed == pytest.approx((35, 70, 105))
    assert calibrate([learned], "cpu", WORK).speed is None


def test_memory_and_time_are_those_of_the_shares():
    predicted = predict(TINY, WORK)
    moving = predicted.peak - predicted.parts["weights"]
    found = Calibration(3, (-0.5, 0.25, 1.0), (1e9, 2e9, 4e9))
    shares = (-0.5, 0.25, 1.0)
    assert found.memory(predicted) == tuple(predicted.peak + one * moving for one in shares)
    assert found.seconds(predicted) == tuple(predicted.operations / one for one in (4e9, 2e9, 1e9))


def test_what_was_measured_is_found_again(tmp_path):
    predicted = predict(TINY, WORK)
    made = make_point(TINY, predicted, Measurement(WORK, "cpu", 5, 10**8, (0.5, 0.25)), "bert-tiny")
    assert make_point(TINY, predicted, Measurement(WORK, "cpu", 5, 10**8, (0.5,))).model == "bert 2 × 128"
    keep_point(tmp_path, made)
    assert kept_points(tmp_path, "cpu") == (made,)
    again = replace(made, taken=2 * 10**8, made=made.made + 1)
    keep_point(tmp_path, again)
    assert kept_points(tmp_path, "cpu") == (again,), "the same work is kept once"
    # Of another machine, or another PyTorch, it says nothing about this one.
    keep_point(tmp_path, replace(made, description="another"))
    keep_point(tmp_path, replace(made, versions="older", work=replace(WORK, batch=2)))
    assert kept_points(tmp_path, "cpu") == (again,)
    assert len(kept_points(tmp_path)) == 3


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "{}",
        "[" * 100_000,
        "[1, null, []]",
        '[{"work": {"frozen": []}}]',
        "\udcff",
    ],
    ids=lambda one: one[:20],
)
def test_damage_is_passed_over(tmp_path, content):
    (tmp_path / "measurements.json").write_text(content, "utf-8", errors="surrogateescape")
    assert kept_points(tmp_path, "cpu") == ()
    keep_point(tmp_path, point())
    assert kept_points(tmp_path) == (point(),)


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": []},
        {"seconds": [0.0, 0.0]},
        {"seconds": ["fast"]},
        {"taken": -1},
        {"taken": float("nan")},
        {"counted": "much"},
        {"work": {"batch": 0, "frozen": []}},
        {"work": None},
        {"more": 1},
        {"taken": 10**400},
        {"operations": 0},
        {"counted": 0, "weights": 0},
        {"weights": 10**12},
        {"work": {**asdict(WORK), "frozen": [[1]]}},
        {"work": {**asdict(WORK), "dropout": {}}},
        {"work": {**asdict(WORK), "batch": 1.5}},
        {"model": ["a"]},
    ],
    ids=str,
)
def test_one_that_is_damaged_is_passed_over(tmp_path, changes):
    keep_point(tmp_path, point())
    (kept,) = json.loads((tmp_path / "measurements.json").read_text())
    (tmp_path / "measurements.json").write_text(json.dumps([kept | changes, kept]))
    assert kept_points(tmp_path) == (point(),)


def test_nothing_is_lost_where_two_write_at_once(tmp_path):
    def write(first):
        for number in range(first, first + 20):
            keep_point(tmp_path, point(work=replace(WORK, batch=number)))

    threads = [threading.Thread(target=write, args=(first,)) for first in (1, 101, 201)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(kept_points(tmp_path)) == 60


def test_a_device_multiplies_as_fast_in_bfloat16_or_not_and_never_not_at_all():
    for precision in ("float32", "bfloat16"):
        assert 1e8 < product_speed("cpu", precision) < 1e16


@pytest.mark.parametrize(
    "taken, said",
    [
        ((5e9, 5.5e9, 6e9), "too high"),
        ((5e9, 6e9, 6.1e9), "undecided"),
        ((6.1e9, 7e9, 8e9), "true"),
        ((6.1e9, 7e9, 8.1e9), "undecided"),
        ((8.1e9, 9e9, 10e9), "too low"),
        ((5e9, 7e9, 9e9), "undecided"),
    ],
)
def test_a_verdict_has_the_whole_range_on_one_side(taken, said):
    # 8 GB are said to be needed; the next smaller card has 6.
    assert verdict(CLAIMS["classification"], taken) == said


def test_where_more_is_said_to_be_better_nothing_is_too_low():
    claim = CLAIMS["summarisation"]
    assert (claim.smaller, claim.open_ended) == (20, True)
    assert verdict(claim, (30e9, 31e9, 60e9)) == "true"
    assert verdict(claim, (19e9, 21e9, 60e9)) == "undecided"
    assert verdict(claim, (15e9, 18e9, 20e9)) == "too high"


def test_the_rows_are_those_of_the_articles():
    rows = {(one.work.batch, one.work.length, one.gigabytes) for one in CLAIMS.values()}
    assert rows == {(32, 128, 8), (16, 512, 16), (8, 1024, 24)}
    for one in CLAIMS.values():
        assert one.work.training
        assert one.gigabytes in CARDS
        predicted = predict(find_config(one.shape), one.by("flash"))
        low, usual, high = on_a_card(predicted, calibrate([], "cuda:0", one.work))
        assert predicted.peak < low < usual < high
        assert card_for((low, usual, high)) >= high / 1e9


def test_a_measurement_is_said_with_a_context_and_its_own_spread():
    low, usual, high = as_measured(point(taken=10**4))
    assert low < 10**10 + 3e8 < usual < high


def test_the_command_says_what_the_library_does(tmp_path, monkeypatch, capsys):
    from interpret.resources.__main__ import main

    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    out = tmp_path / "found.json"
    given = ["bert-tiny", "--batch", "4", "--length", "32", "--train", "--kernel", "eager", "--changes", "--curve"]
    assert main([*given, "--measure", "--json", str(out)]) == 0
    found, work = json.loads(out.read_text()), Workload(4, 32, training=True, kernel="eager")
    predicted = predict(TINY, work)
    assert found["peak_bytes"] == predicted.peak
    assert found["bytes"] == dict(predicted.parts)
    assert found["measurements"] == 1
    assert {one["over"] for one in found["curves"]} == {"length", "batch"}
    assert "attention" in capsys.readouterr().out
    (kept,) = kept_points(tmp_path / "bertoscope" / "resources", "cpu")
    assert (kept.model, kept.work, kept.taken) == ("bert-tiny", work, found["measured_bytes"])
    assert main(["bert-base", "--room", "16", "--train", "--freeze", "lower half"]) == 0
    assert "by experience" in capsys.readouterr().out


@pytest.mark.parametrize(
    "given, said",
    [
        (["no/such/model/at/all"], "neither a folder"),
        (["bert-tiny", "--length", "513"], "positions of this model: 512"),
        (["bert-tiny", "--batch", "-1"], "at least one of each"),
        (["bert-tiny", "--kernel", "ring"], "no kernel “ring”"),
        (["bert-tiny", "--freeze", "7", "--train"], "no layer “7”"),
        (["bert-tiny", "--device", "cuda:99"], "no device"),
        (["bert-tiny", "--json", "no/such/folder/x.json"], "No such file"),
        (["bert-tiny", "--room", "nan"], "Memory of the device"),
        (["bert-tiny", "--room", "-3"], "Memory of the device"),
        (["bert-tiny", "--room", "1e300"], "Memory of the device"),
        (["bert-tiny", "--lora", "8"], "belong to work that learns"),
        (["bert-tiny", "--train", "--freeze", "0-1000000000"], "no layer “2”"),
    ],
    ids=lambda one: " ".join(one)[:40],
)
def test_the_command_says_what_is_wrong(given, said, monkeypatch, tmp_path, capsys):
    from interpret.resources.__main__ import main

    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    assert main(given) == 2
    assert said in capsys.readouterr().err

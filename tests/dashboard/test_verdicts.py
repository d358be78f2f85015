"""What is said in words of a number: nothing of noise or of three rows, and what was planted where it is plain."""

import numpy as np
import pytest

import interpret as it
from dashboard.widgets.following_view import following_verdict

VERDICTS = ("It tells", "It finds")


def following(true, shuffled, swapped):
    place = np.arange(len(true))
    numbers = (np.asarray(one, np.float32) for one in (true, shuffled, swapped))
    return it.Following("next", place, *numbers, np.roll(place, 1), ())


@pytest.mark.parametrize("count", [2, 3, 5, 60])
def test_noise_has_no_verdict(count):
    """Twenty draws of numbers that are all alike: at 95 % one in twenty may be told, of either kind."""
    said = [following_verdict(following(*np.random.default_rng(seed).random((3, count)))) for seed in range(20)]
    assert sum(one.startswith(VERDICTS) for one in said) <= 4
    assert all("chance is 50 %" in one for one in said)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_few_rows_have_no_verdict_however_right_they_are(count):
    found = following(np.full(count, 0.9), np.full(count, 0.1), np.full(count, 0.9))
    assert following_verdict(found).startswith(f"Not told from chance on these {count} pairs.")


def test_what_is_planted_is_said():
    random = np.random.default_rng(0)
    high, other, low = (random.normal(centre, 0.1, 100).clip(0, 1) for centre in (0.8, 0.8, 0.2))
    assert "mostly it reads the subject" in following_verdict(following(high, low, other))
    assert "tells the order better than the subject" in following_verdict(following(high, other, low))
    assert "tells both from chance" in following_verdict(following(high, low, random.permutation(low)))
    below = following_verdict(following(low, high, random.permutation(high)))
    assert "some of the others likelier than the true ones" in below


def test_what_tells_a_little_leaves_the_comparison_open():
    """The swapped are told as well as the shuffled but for luck: the difference decides, not the two intervals."""
    random = np.random.default_rng(1)
    true, one = (random.normal(centre, 0.1, 100) for centre in (0.6, 0.5))
    found = following(true, one, random.permutation(one))
    gap, low, high = found.subject_over_order()
    assert gap == pytest.approx(0, abs=1e-6)
    assert low < 0 < high
    assert "mostly it reads the subject" not in following_verdict(found)


def test_a_pair_and_what_became_of_it_are_one_row():
    """Right and wrong together, 30 pairs are 30 rows and not 60: the interval of an accuracy says so."""
    right = np.arange(30) % 3 > 0
    found = following(np.where(right, 0.9, 0.1), np.where(right, 0.1, 0.9), np.full(30, 0.5))
    low, high = found.accuracy_interval("shuffled")
    share = found.accuracy("shuffled")
    assert share == pytest.approx(2 / 3)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 30), rel=0.1)
    assert found.told_apart("shuffled") == pytest.approx(4 / 9 + 2 / 9 / 2 + 2 / 9 / 2)

"""Times in turns, and the interval of a median by closed forms."""

import numpy as np
import pytest

import interpret as it
from interpret.core import latency
from interpret.core.latency import Latency, median_interval


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Conover (1999), table A3: the most successes of n coin tosses whose probability is at most 2.5 %.
    [(6, 1, 6), (9, 2, 8), (10, 2, 9), (15, 4, 12), (20, 6, 15), (25, 8, 18)],
)
def test_the_interval_of_a_median_is_between_order_statistics(count, low, high):
    values = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))
    assert median_interval(values) == (low, high)


def test_of_five_no_interval_is_known():
    assert np.isnan(median_interval(np.arange(5.0))).all()


def test_the_interval_covers_the_median_of_skewed_times():
    random = np.random.default_rng(0)
    inside = 0
    for _draw in range(1000):
        low, high = median_interval(np.exp(random.normal(size=15)))
        inside += low <= 1 <= high
    # 96.5 % by the binomial distribution; six standard errors below it are 93 %.
    assert inside >= 930


def test_a_ratio_is_of_each_round():
    # Every round is slower than the one before, and the second model always takes twice as long.
    seconds = np.arange(1.0, 12.0)
    found = Latency(np.stack([seconds, 2 * seconds]), (3, 3))
    assert found.ratio(1) == (2.0, (2.0, 2.0))
    assert found.ratio(0, to=1) == (0.5, (0.5, 0.5))
    assert found.median.tolist() == [6.0, 12.0]
    np.testing.assert_allclose(found.quartiles, [[3.5, 8.5], [7.0, 17.0]])


def test_models_take_turns_and_the_first_passes_do_not_count(minilm, monkeypatch):
    other = it.load_encoder("minilm-l3", device="cpu")
    order = []
    for name, encoder in (("a", minilm), ("b", other)):
        real = encoder.forward

        def forward(*some, name=name, real=real, **more):
            order.append(name)
            return real(*some, **more)

        monkeypatch.setattr(encoder, "forward", forward)
    told = []
    found = it.measure_latency([minilm, other], "the bank", rounds=7, progress=lambda *some: told.append(some))
    assert found.seconds.shape == (2, 7)
    assert (found.seconds > 0).all()
    assert found.tokens == (4, 4)
    # Two rounds of each are the warm-up; who is first changes.
    assert "".join(order) == "ba" + "ab" + "ba" + "ab" + "ba" + "ab" + "ba" + "ab" + "ba"
    assert told == [(done, 7, "rounds") for done in range(1, 8)]


def test_it_ends_after_some_time_but_never_before_six_rounds(minilm, monkeypatch):
    clock = iter(range(10_000))
    monkeypatch.setattr(latency.time, "perf_counter", lambda: float(next(clock)))
    assert it.measure_latency([minilm], "the bank", rounds=50, most_seconds=0.5).seconds.shape == (1, 6)


def test_nothing_to_measure_is_refused(minilm):
    with pytest.raises(it.InputError, match="6 rounds are needed; given: 0 and 15"):
        it.measure_latency([], "the bank")
    with pytest.raises(it.InputError, match="given: 1 and 3"):
        it.measure_latency([minilm], "the bank", rounds=3)
    with pytest.raises(it.InputError, match="empty"):
        it.measure_latency([minilm], " ")

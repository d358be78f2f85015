"""In which order examples are learned from: like lengths together, other companions in every epoch."""

import itertools

import numpy as np
import pytest

from interpret.finetuning.sampler import LengthSampler

BATCH = 16


def batches(lengths, epoch, seed=3):
    order = list(LengthSampler(lengths.tolist(), BATCH, seed, lambda: epoch))
    assert sorted(order) == list(range(len(lengths)))
    return [order[first : first + BATCH] for first in range(0, len(order), BATCH)]


def companions(lengths, epoch):
    return {one: {*batch} - {one} for batch in batches(lengths, epoch) for one in batch}


# All lengths different: sorted whole, every batch would hold the same texts in every epoch.
@pytest.mark.parametrize("count", [100, 320, 800, 813])
def test_a_text_meets_others_in_every_epoch_however_few_rows_there_are(count):
    lengths = np.random.default_rng(0).permutation(count) + 5
    met = [companions(lengths, epoch) for epoch in range(6)]
    again = [
        len(before[one] & after[one]) / len(before[one])
        for before, after in itertools.pairwise(met)
        for one in range(count)
        if before[one]
    ]
    # Two meet again only where they fall into the same part of a permutation, of n of N rows each: with a probability
    # of Σ (n / N)², and fewer of those in the same batch.
    part = BATCH * max(1, count // (4 * BATCH))
    sizes = np.diff([*range(0, count, part), count])
    assert np.mean(again) < np.square(sizes / count).sum() < 0.5
    # Over some epochs a text has met far more than its batch has seats.
    assert np.mean([len(set().union(*(one[row] for one in met))) for row in range(count)]) > 3 * (BATCH - 1)


@pytest.mark.parametrize("count", [320, 800, 5000])
def test_what_is_padded_is_bounded(count):
    lengths = np.random.default_rng(1).integers(5, 61, count)
    rows = batches(lengths, 0)
    padded = sum(int(lengths[one].max()) * len(one) - int(lengths[one].sum()) for one in rows)
    # Sorted, the ranges of a part's batches lie end to end: together they are no wider than all lengths are.
    part = BATCH * min(50, count // (4 * BATCH))
    assert padded <= BATCH * -(-count // part) * (60 - 5)
    plain = np.random.default_rng(2).permutation(count)
    at_random = sum(
        int(lengths[plain[first : first + BATCH]].max()) * len(plain[first : first + BATCH])
        for first in range(0, count, BATCH)
    ) - int(lengths.sum())
    assert padded < at_random / 2


def test_the_order_is_that_of_the_seed_and_the_epoch_alone():
    lengths = np.random.default_rng(0).integers(5, 60, 200)
    assert batches(lengths, 4) == batches(lengths, 4)
    assert batches(lengths, 4) != batches(lengths, 5)
    assert batches(lengths, 4) != batches(lengths, 4, seed=4)
    # One that is not full is the last.
    assert [len(one) for one in batches(lengths, 0)] == [16] * 12 + [8]

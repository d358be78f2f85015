"""Two heads beside each other: distances against SciPy and closed forms, and what cannot be compared."""

import numpy as np
import pytest
from scipy.spatial.distance import cityblock, jensenshannon

import interpret as it

TIRED = "The animal didn't cross the street because it was unbelievably tired."
WIDE = "The animal didn't cross the street because it was unbelievably wide."


@pytest.fixture(scope="module")
def tired(_minilm):
    return it.trace(_minilm, TIRED)


@pytest.fixture(scope="module")
def wide(_minilm):
    return it.trace(_minilm, WIDE)


def planted(trace, rows):
    """Return a trace whose head 0 of layer 0 has these rows, and all others none."""
    attention = np.zeros_like(trace.attention)
    attention[0, 0] = rows
    return it.Trace(**{**trace.__dict__, "attention": attention})


@pytest.mark.parametrize("unit", ["token", "word"])
@pytest.mark.parametrize("specials", [True, False])
def test_distances_are_scipys(tired, unit, specials):
    found = it.attention.compare_heads(tired, tired, 3, 5, 1, 7, unit=unit, specials=specials)
    view = it.attention.attention_view(tired, unit, specials)
    first, second = view.head(3, 5), view.head(1, 7)
    assert np.array_equal(found.first, first)
    assert np.array_equal(found.second, second)
    # The second less the first: turned round it would be another.
    np.testing.assert_allclose(found.difference, second - first, atol=1e-7)
    assert abs(found.difference).max() > 0.05
    np.testing.assert_allclose(
        found.total_variation, [cityblock(p, q) / 2 for p, q in zip(first, second, strict=True)], atol=1e-6
    )
    shannon = [jensenshannon(p, q, base=2) ** 2 for p, q in zip(first, second, strict=True)]
    np.testing.assert_allclose(found.jensen_shannon, shannon, atol=1e-6)
    assert found.mean_total_variation == pytest.approx(found.total_variation.mean())


def test_what_can_be_worked_out_by_hand(tired):
    n = len(tired.tokens)
    uniform, peak, other = np.full((n, n), 1 / n), np.zeros((n, n)), np.zeros((n, n))
    peak[:, 1], other[:, 2] = 1, 1
    compare = it.attention.compare_heads
    # All weight on one key against another: nothing in common.
    apart = compare(planted(tired, peak), planted(tired, other), 0, 0)
    np.testing.assert_allclose(apart.total_variation, 1)
    np.testing.assert_allclose(apart.jensen_shannon, 1)
    assert apart.difference[4, 1] == -1
    assert apart.difference[4, 2] == 1
    # All on one key against as much on each: 1 − 1/n has to move.
    np.testing.assert_allclose(
        compare(planted(tired, uniform), planted(tired, peak), 0, 0).total_variation, 1 - 1 / n, atol=1e-6
    )
    same = compare(tired, tired, 2, 3)
    assert not same.difference.any()
    assert not same.total_variation.any()
    assert same.mean_total_variation == 0


def test_the_order_turns_the_difference_and_keeps_the_distances(tired):
    one = it.attention.compare_heads(tired, tired, 3, 5, 1, 7)
    other = it.attention.compare_heads(tired, tired, 1, 7, 3, 5)
    assert np.array_equal(one.difference, -other.difference)
    np.testing.assert_allclose(one.total_variation, other.total_variation)
    np.testing.assert_allclose(one.jensen_shannon, other.jensen_shannon, atol=1e-12)


def test_a_row_without_weight_has_no_distance(tired):
    n = len(tired.tokens)
    rows = np.full((n, n), 1 / n)
    # All of the first word's weight is on [CLS], of which nothing is left.
    rows[1] = 0
    rows[1, 0] = 1
    found = it.attention.compare_heads(planted(tired, rows), tired, 0, 0, 2, 2, specials=False)
    assert np.isnan(found.total_variation).tolist() == [True] + [False] * (n - 3)
    assert np.isnan(found.jensen_shannon).tolist() == [True] + [False] * (n - 3)
    assert found.mean_total_variation == pytest.approx(found.total_variation[1:].mean())
    nothing = planted(tired, np.eye(1, n))
    assert np.isnan(it.attention.compare_heads(nothing, tired, 0, 0, specials=False).mean_total_variation)


def test_every_head_against_its_own(tired, wide):
    distances = it.attention.head_distances(tired, wide, by_position=True)
    assert distances.shape == (6, 12)
    for layer, head in ((0, 0), (3, 5), (5, 11)):
        pair = it.attention.compare_heads(tired, wide, layer, head, by_position=True)
        assert distances[layer, head] == pytest.approx(pair.mean_total_variation)
    assert len(np.unique(distances)) == 72


def test_two_texts_are_aligned_by_position_only_where_that_is_asked_for(tired, wide):
    at = TIRED.split().index("tired.")
    with pytest.raises(it.InputError, match="“tired” and “wide”") as refused:
        it.attention.compare_heads(tired, wide, 3, 5)
    found = it.attention.compare_heads(tired, wide, 3, 5, by_position=True)
    changed = found.changed.nonzero()[0]
    assert refused.value.values["position"] == changed[0]
    assert [(found.first_labels[i], found.second_labels[i]) for i in changed] == [("tired", "wide")]
    words = it.attention.compare_heads(tired, wide, 3, 5, unit="word", by_position=True)
    assert words.changed.nonzero()[0].tolist() == [words.first_labels.index("tired")]
    assert words.first_labels.index("tired") >= at


@pytest.mark.parametrize("by_position", [True, False])
@pytest.mark.parametrize("unit", ["token", "word"])
def test_texts_of_other_lengths_are_refused(minilm, tired, unit, by_position):
    longer = it.trace(minilm, "The street was too wide.")
    with pytest.raises(it.InputError, match="different lengths"):
        it.attention.compare_heads(tired, longer, 3, 5, unit=unit, by_position=by_position)
    with pytest.raises(it.InputError, match="different lengths"):
        it.attention.head_distances(tired, longer, unit=unit, by_position=by_position)


def test_pairs_that_begin_elsewhere_are_refused(minilm):
    one, other = it.trace(minilm, "It was steep", "It was"), it.trace(minilm, "It was", "It was steep")
    with pytest.raises(it.InputError, match="different positions"):
        it.attention.compare_heads(one, other, 3, 5, by_position=True)


def test_models_that_cut_otherwise_are_compared_by_words(minilm, tiny_folders):
    # One with capitals and byte-level tokens, one without: neither tokens nor special tokens have the same names.
    encoder = it.load_encoder(str(tiny_folders["roberta"]))
    text = "the animals said it was unbelievably steep"
    one, other = it.trace(minilm, text), it.trace(encoder, text)
    assert len(one.tokens) != len(other.tokens)
    with pytest.raises(it.InputError, match="whole words"):
        it.attention.compare_heads(one, other, 2, 3)
    found = it.attention.compare_heads(one, other, 2, 3, 1, 0, unit="word")
    assert found.first_labels[1:-1] == found.second_labels[1:-1] == tuple(text.split())
    assert not found.changed.any()
    np.testing.assert_allclose(found.first.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(found.second.sum(1), 1, atol=1e-5)
    with pytest.raises(it.InputError, match="6 × 12.* 3 × 4"):
        it.attention.head_distances(one, other, unit="word")


def test_a_head_that_is_not_there_is_refused(tired):
    with pytest.raises(it.InputError, match="no head 12 in layer 0"):
        it.attention.compare_heads(tired, tired, 0, 0, second_head=12)

"""Two models' vectors of the same texts: similarities pair by pair, errors by hand, neighbours by scikit-learn."""

import dataclasses

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

import interpret as it
from interpret.embeddings import comparison
from interpret.embeddings.comparison import layer_similarity, neighbour_overlap


def made(vectors, texts=None, level="texts", layers=None):
    """Return embeddings of these vectors, ``(layer, text, width)``."""
    count = vectors.shape[1]
    return it.Embeddings(
        spec=it.EncoderSpec(it.Checkpoint("minilm", "0", "builtin"), "cpu", "float32"),
        texts=tuple(f"text {i}" for i in range(count)) if texts is None else texts,
        level=level,
        pooling="mean",
        word=None,
        prompt="",
        layers=tuple(range(len(vectors))) if layers is None else layers,
        vectors=np.asarray(vectors, np.float32),
        text=np.arange(count),
        span=np.zeros((count, 2), np.int64),
        token_counts=np.ones(count, np.int64),
        windows=np.ones(count, np.int64),
        cut=np.zeros(count, bool),
        seconds=0.0,
    )


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_each_pair_of_layers_is_compared_as_two_sets_of_vectors_are(random):
    first, second = made(random.normal(size=(3, 60, 5))), made(random.normal(size=(2, 60, 8)))
    found = layer_similarity(first, second)
    expected = [[it.embeddings.cka(one, other) for other in second.vectors] for one in first.vectors]
    np.testing.assert_allclose(found.cka, expected, atol=1e-9)
    assert (found.items, found.total) == (60, 60)
    assert found.layers == (0, 1, 2)
    assert found.other_layers == (0, 1)
    assert np.array_equal(found.most_similar, np.argmax(expected, axis=1))


def test_a_turned_space_is_the_same_and_an_unrelated_one_is_not(random):
    vectors = random.normal(size=(1, 200, 6))
    turned = 3 * vectors @ np.linalg.qr(random.normal(size=(6, 6)))[0]
    same = layer_similarity(made(vectors), made(turned))
    assert same.cka[0, 0] == pytest.approx(1, abs=1e-5)
    assert same.error[0, 0] < 1e-5
    unrelated = layer_similarity(made(vectors), made(random.normal(size=(1, 200, 6))))
    assert abs(unrelated.cka[0, 0]) < 0.1
    assert 0 < unrelated.error[0, 0] < 0.1


def test_the_error_is_that_of_leaving_groups_out(random):
    first, second = made(random.normal(size=(1, 45, 4))), made(random.normal(size=(1, 45, 3)))
    found = layer_similarity(first, second, seed=7)
    draws = np.random.default_rng(7)
    draws.permutation(45)
    groups = draws.permutation(np.arange(45) % 10)
    left = [it.embeddings.cka(first.vectors[0][groups != g], second.vectors[0][groups != g]) for g in range(10)]
    assert found.error[0, 0] == pytest.approx(np.sqrt(9 / 10 * np.sum((left - np.mean(left)) ** 2)), rel=1e-6)


def test_the_interval_covers_what_many_more_texts_give():
    """Of 200 draws of 60 texts, nine in ten and more have in their interval what 20,000 texts give."""
    random = np.random.default_rng(1)
    mixing = random.normal(size=(4, 4))

    def draw(count):
        one = random.normal(size=(1, count, 4))
        return one, one @ mixing + 1.5 * random.normal(size=(1, count, 4))

    whole, other = draw(20_000)
    truth = np.mean([it.embeddings.cka(whole[0, i : i + 1000], other[0, i : i + 1000]) for i in range(0, 20_000, 1000)])
    inside = 0
    for _draw in range(200):
        one, two = draw(60)
        found = layer_similarity(made(one), made(two))
        low, high = found.interval[0, 0]
        inside += low <= truth <= high
    # Of 95 % three standard errors are less than 5 percentage points.
    assert inside >= 180


def test_the_interval_is_students_and_ends_at_one(random):
    vectors = random.normal(size=(1, 100, 4))
    found = layer_similarity(made(vectors), made(vectors + 0.05 * random.normal(size=vectors.shape)))
    low, high = found.interval[0, 0]
    # 2.262 is the 97.5 % point of Student's distribution with nine degrees of freedom.
    assert low == pytest.approx(found.cka[0, 0] - 2.262157 * found.error[0, 0], abs=1e-6)
    assert high <= 1


def test_copies_count_once(random):
    one, other = random.normal(size=(2, 1, 45, 6))
    alone = made(one), made(other)
    texts = alone[0].texts + tuple(f"  {text.upper()} " for text in alone[0].texts) * 2
    copied = [made(np.concatenate([vectors] * 3, axis=1), texts=texts) for vectors in (one, other)]
    plain, again = neighbour_overlap(*alone, count=5), neighbour_overlap(*copied, count=5)
    assert again.items.tolist() == list(range(45))
    assert np.array_equal(again.first, plain.first)
    assert (again.share, again.by_chance, again.interval) == (plain.share, plain.by_chance, plain.interval)
    before, after = layer_similarity(*alone), layer_similarity(*copied)
    assert after.cka == pytest.approx(before.cka)
    assert (after.items, after.total) == (45, 135)
    # Where copies come first, neighbours are still told by the texts' own indices.
    turned = [made(vectors[:, [0, 0, *range(1, 45)]], texts=("text 0", *alone[0].texts)) for vectors in (one, other)]
    found = neighbour_overlap(*turned, count=5)
    assert found.items.tolist() == [0, *range(2, 46)]
    assert np.array_equal(np.where(found.first > 1, found.first - 1, found.first), plain.first)


def test_few_texts_have_no_error_and_fewer_no_similarity(random):
    few = made(random.normal(size=(2, 12, 3)))
    assert np.isnan(layer_similarity(few, few).error).all()
    with pytest.raises(it.InputError, match="at least 4 texts that read differently; found: 3"):
        layer_similarity(*[made(random.normal(size=(1, 3, 2)))] * 2)


def test_a_layer_without_spread_is_like_none(random):
    flat = np.concatenate([np.ones((1, 50, 3)), random.normal(size=(1, 50, 3))])
    found = layer_similarity(made(flat), made(random.normal(size=(1, 50, 3))))
    assert np.isnan(found.cka[0, 0])
    assert np.isfinite(found.cka[1, 0])


def test_of_many_texts_a_thousand_are_drawn(random, monkeypatch):
    monkeypatch.setattr(comparison, "_MOST_ITEMS", 50)
    vectors = random.normal(size=(1, 80, 3))
    found = layer_similarity(made(vectors), made(vectors), seed=3)
    assert (found.items, found.total) == (50, 80)
    assert found.cka[0, 0] == pytest.approx(1)


def test_neighbours_are_scikit_learns(random):
    one, other = random.normal(size=(2, 1, 40, 6))
    found = neighbour_overlap(made(one), made(other), count=7)
    for vectors, neighbours in ((one[0], found.first), (other[0], found.second)):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        _far, expected = NearestNeighbors(n_neighbors=8).fit(unit).kneighbors(unit)
        assert np.array_equal(neighbours, expected[:, 1:])
    expected = [len(set(a) & set(b)) for a, b in zip(found.first.tolist(), found.second.tolist(), strict=True)]
    assert found.shared.tolist() == expected
    assert found.share == pytest.approx(np.mean(expected) / 7)
    assert found.by_chance == pytest.approx(7 / 39)
    low, high = found.interval
    assert low < found.share < high


def test_unrelated_models_share_what_chance_gives():
    random = np.random.default_rng(5)
    shares = [
        neighbour_overlap(made(random.normal(size=(1, 60, 9))), made(random.normal(size=(1, 60, 9)))).share
        for _draw in range(20)
    ]
    assert np.mean(shares) == pytest.approx(10 / 59, abs=0.015)


def test_a_model_shares_all_neighbours_with_itself_however_its_vectors_are_blocked(random, monkeypatch):
    vectors = made(random.normal(size=(2, 30, 4)))
    whole = neighbour_overlap(vectors, vectors, layer=1, other_layer=1, count=5)
    assert whole.share == 1
    monkeypatch.setattr(comparison, "_BLOCK", 70)
    assert np.array_equal(neighbour_overlap(vectors, vectors, layer=1, count=5).first, whole.first)
    # Never more than there are, itself left out, and one that can differ.
    assert neighbour_overlap(vectors, vectors, count=100).count == 28


def test_only_the_same_whole_texts_are_compared(random):
    vectors = random.normal(size=(1, 10, 3))
    for other in (made(vectors, texts=("x",) * 10), made(vectors, level="words")):
        for compare in (layer_similarity, neighbour_overlap):
            with pytest.raises(it.InputError, match="same whole texts"):
                compare(made(vectors), other)
    with pytest.raises(it.InputError, match="at least 3 texts that read differently; found: 2"):
        neighbour_overlap(*[made(random.normal(size=(1, 2, 2)))] * 2)
    with pytest.raises(it.InputError, match="layer 5"):
        neighbour_overlap(made(vectors), made(vectors), layer=5)


def test_it_says_how_far_it_is_and_can_be_stopped(random):
    vectors = made(random.normal(size=(1, 50, 3)))
    told = []
    layer_similarity(vectors, vectors, progress=lambda *some: told.append(some))
    assert told == [(done, 11, "layers") for done in range(1, 11)]

    def stop(*_some):
        raise it.Cancelled

    with pytest.raises(it.Cancelled):
        layer_similarity(vectors, dataclasses.replace(vectors), progress=stop)

"""Measures of a space against slow loops, closed forms and planted shapes."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest

import interpret as it
from interpret.embeddings.geometry import LEAST_CONTEXTS, mean_cosine_between
from interpret.embeddings.neighbours import nearest_neighbours

WORDS = ["bank", "river", "money", "loan", "steep", "water", "interest", "rich", "tired", "said"]


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.fixture(scope="module")
def words(_minilm):
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, 6, replace=False)) for _ in range(12)]
    return it.embed(_minilm, texts, level="words")


@pytest.fixture
def planted(words):
    """Vectors of my own in the place of the model's."""

    def make(vectors):
        return dataclasses.replace(words, layers=(0,), vectors=vectors[None].astype(np.float32))

    return make


def test_word_measures_are_those_of_a_slow_loop(words):
    found = it.embeddings.measure_geometry(words)
    items = [words.item(i) for i in range(len(words))]
    for row in range(len(words.layers)):
        vectors = words.vectors[row].astype(float)
        similar, explained = [], []
        for word in dict.fromkeys(items):
            places = [i for i, item in enumerate(items) if item == word]
            if len({int(words.text[i]) for i in places}) < LEAST_CONTEXTS:
                continue
            similar.append(np.mean([cosine(vectors[a], vectors[b]) for a, b in combinations(places, 2)]))
            values = np.linalg.eigvalsh(vectors[places].T @ vectors[places])
            explained.append(values[-1] / values.sum())
        inside = []
        for text in range(12):
            places = np.flatnonzero(words.text == text)
            inside.append(np.mean([cosine(vectors[i], vectors[places].mean(0)) for i in places]))
        assert found.self_similarity[row] == pytest.approx(np.mean(similar), abs=1e-5)
        assert found.explained[row] == pytest.approx(np.mean(explained), abs=1e-5)
        assert found.intra_similarity[row] == pytest.approx(np.mean(inside), abs=1e-5)
        every = [
            cosine(vectors[a], vectors[b])
            for a, b in combinations(range(len(items)), 2)
            if words.text[a] != words.text[b]
        ]
        assert found.anisotropy[row] == pytest.approx(np.mean(every), abs=1e-5)
        assert found.similarity[row, row] == pytest.approx(1)
        assert found.similarity[0, row] == pytest.approx(it.embeddings.cka(words.vectors[0], words.vectors[row]))
    assert len(found.words) >= 5
    assert found.word_similarity.shape == (7, len(found.words))
    assert found.self_similarity == pytest.approx(found.word_similarity.mean(axis=1), abs=1e-5)
    # A word in other contexts is nearer to itself than to any other.
    assert (found.self_similarity > found.anisotropy).all()
    assert (found.explained > found.explained_baseline).all()


def test_a_space_without_direction_and_a_cone(planted, words):
    random = np.random.default_rng(1)
    even = random.normal(size=(len(words), 384))
    found = it.embeddings.measure_geometry(planted(even))
    assert abs(found.anisotropy[0]) < 4 * found.anisotropy_error[0] + 0.01
    # Six unrelated words and their mean: 1/√6.
    assert found.intra_similarity[0] == pytest.approx(6**-0.5, abs=0.02)
    assert found.intra_baseline[0] == pytest.approx(found.intra_similarity[0], abs=0.02)
    cone = it.embeddings.measure_geometry(planted(even + 100))
    assert cone.anisotropy[0] > 0.99
    assert cone.self_similarity[0] == pytest.approx(cone.anisotropy[0], abs=0.005)
    assert cone.explained[0] == pytest.approx(cone.explained_baseline[0], abs=0.01)


def test_the_error_of_anisotropy_is_that_of_drawing_texts():
    # Vectors of many texts from one source: the spread of the mean over such draws is what one draw says of itself.
    random = np.random.default_rng(0)
    centre = random.normal(size=20)
    means, errors = [], []
    for _ in range(200):
        unit = centre + 3 * random.normal(size=(60, 20))
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        mean, error = mean_cosine_between(unit, np.arange(60) // 2)
        means.append(mean)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.25)


def test_one_text_of_very_many_words_is_measured(words):
    long = dataclasses.replace(
        words,
        layers=(0,),
        vectors=np.random.default_rng(0).normal(size=(1, 60_000, 3)).astype(np.float32),
        text=np.zeros(60_000, np.int64),
        span=np.zeros((60_000, 2), np.int64),
        token_counts=np.ones(60_000, np.int64),
    )
    found = it.embeddings.measure_geometry(long)
    assert (found.items, found.total) == (50_000, 60_000)


def test_whole_texts_have_no_word_measures(minilm):
    texts = [f"{a} {b}" for a in WORDS for b in WORDS[:3]]
    found = it.embeddings.measure_geometry(it.embed(minilm, texts, [0, -1]))
    for name in ("self_similarity", "explained", "explained_baseline", "intra_similarity", "intra_baseline"):
        assert getattr(found, name) is None
    assert found.words == ()
    assert np.isfinite(found.dimension).all()
    with pytest.raises(it.InputError, match="needs at least 2 items; found: 1"):
        it.embeddings.measure_geometry(it.embed(minilm, ["one"]))


@pytest.mark.parametrize("debiased", [True, False])
def test_cka_is_one_on_itself_whatever_its_rotation_and_scale(debiased):
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 20)) @ np.diag(np.linspace(1, 5, 20))
    rotation = np.linalg.qr(random.normal(size=(20, 20)))[0]
    assert it.embeddings.cka(x, x, debiased) == pytest.approx(1)
    assert it.embeddings.cka(x, 3 * x @ rotation + 10, debiased) == pytest.approx(1)
    y = random.normal(size=(60, 9)) + x[:, :9]
    assert it.embeddings.cka(x, y, debiased) == pytest.approx(it.embeddings.cka(y, x @ rotation, debiased))
    # Not every linear map is a rotation.
    assert it.embeddings.cka(x, x @ random.normal(size=(20, 20)), debiased) < 0.95


def test_cka_is_the_formula_of_kornblith_and_the_unbiased_one_is_zero_by_chance():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 100)), random.normal(size=(40, 80))
    a, b = x - x.mean(0), y - y.mean(0)
    expected = np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    assert it.embeddings.cka(x, y, debiased=False) == pytest.approx(expected)
    # Fewer items than dimensions: the plain estimate says that noise is like noise.
    assert expected > 0.6
    assert abs(it.embeddings.cka(x, y)) < 0.1
    with pytest.raises(it.InputError, match="found: 40 and 39"):
        it.embeddings.cka(x, y[:39])


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_intrinsic_dimension_of_a_flat_sheet_in_a_wide_space(dimension):
    random = np.random.default_rng(dimension)
    sheet = random.uniform(size=(3000, dimension)) @ random.normal(size=(dimension, 60)) + 3
    found, (low, high) = it.embeddings.intrinsic_dimension(sheet)
    # Points that are each of their own text are known as well as the paper has it: d / √n (2,000 draws: to some %).
    assert (low, high) == pytest.approx((found - 1.96 * found / 3000**0.5, found + 1.96 * found / 3000**0.5), rel=0.015)
    assert found == pytest.approx(dimension, abs=1.2 * (high - low) + 0.05 * dimension)
    again, _ = it.embeddings.intrinsic_dimension(np.concatenate([sheet, sheet]))
    assert again == pytest.approx(found, rel=1e-3)
    # The same texts from other batches differ in their last digits.
    noise = random.normal(scale=1e-7 * np.abs(sheet).max(), size=sheet.shape)
    again, _ = it.embeddings.intrinsic_dimension(np.concatenate([sheet, sheet + noise]).astype(np.float32))
    assert again == pytest.approx(found, rel=0.02)
    assert np.isnan(it.embeddings.intrinsic_dimension(np.ones((50, 3)))[0])


def test_an_intrinsic_dimension_is_known_by_text():
    """Points of a text that fill one line, or eight dimensions: 40 texts tell less than 2,000 points would."""
    random = np.random.default_rng(0)
    points, texts = [], []
    for text in range(40):
        filled = 1 if text % 2 else 8
        points.append(random.uniform(size=(50, filled)) @ random.normal(size=(filled, 30)) + 100 * text)
        texts += [text] * 50
    vectors = np.concatenate(points)
    found, (low, high) = it.embeddings.intrinsic_dimension(vectors, np.array(texts))
    plain, (near, far) = it.embeddings.intrinsic_dimension(vectors)
    assert found == plain
    assert low < found < high
    # Half of the texts have a mean log-ratio of 1 and half of about 1/8: by closed form 4 times the points' own error.
    assert high - low > 2.5 * (far - near)
    alone, ends = it.embeddings.intrinsic_dimension(vectors[:50], np.zeros(50, int))
    assert np.isfinite(alone)
    assert np.isnan(ends).all()
    assert np.isnan(it.embeddings.intrinsic_dimension(vectors[:5])[0])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_the_nearest_in_the_whole_space(words, metric):
    vectors = words.at(6).astype(float)
    found = nearest_neighbours(words, 6, words.at(6)[3], 8, metric, leave_out=3)
    if metric == "cosine":
        scores = np.array([cosine(one, vectors[3]) for one in vectors])
        order = np.argsort(-scores)
    else:
        scores = np.linalg.norm(vectors - vectors[3], axis=1)
        order = np.argsort(scores)
    expected = order[order != 3][:8]
    np.testing.assert_allclose(found.scores, scores[expected], atol=1e-5)
    np.testing.assert_array_equal(found.items, expected)
    pairs = [scores[i] for i in range(len(scores)) if i != 3]
    assert min(pairs) < found.usual < max(pairs)
    assert len(nearest_neighbours(words, 6, words.at(6)[3], 10_000).items) == len(words)

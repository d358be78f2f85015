"""Maps against NumPy and scikit-learn, seeds, and what a map may not be drawn of."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from sklearn.manifold import trustworthiness
from tqdm import tqdm

import interpret as it
from interpret.embeddings.vectors import unit_rows


@pytest.fixture(scope="module")
def blobs():
    random = np.random.default_rng(0)
    centres = random.normal(size=(6, 40)) * 3
    places = np.repeat(np.arange(6), 50)
    # Far from zero, and much longer along one axis.
    return (centres[places] + random.normal(size=(300, 40)) + 5).astype(np.float32), places


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("shape", [(300, 40), (20, 40)])
def test_pca_is_a_singular_value_decomposition_with_its_signs_fixed(blobs, metric, shape):
    vectors = blobs[0][: shape[0]]
    used = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if metric == "cosine" else vectors
    u, s, vt = np.linalg.svd(used.astype(np.float64) - used.mean(axis=0, dtype=np.float64), full_matrices=False)
    sign = np.sign(vt[np.arange(3), np.abs(vt[:3]).argmax(axis=1)])
    found = it.embeddings.project(vectors, "pca", 3, metric=metric)
    np.testing.assert_allclose(found.points, (u[:, :3] * s[:3]) * sign, rtol=1e-4, atol=1e-5)
    there = len(found.variance)
    assert there == min(shape[0] - 1, 40)
    np.testing.assert_allclose(found.variance, (s**2 / (s**2).sum())[:there], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("dims", [2, 3])
def test_the_same_seed_gives_the_same_map(blobs, method, dims):
    one, other = (it.embeddings.project(blobs[0], method, dims, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    assert one.points.shape == (300, dims)
    assert one.quality.trustworthiness > 0.85
    assert one.quality.overlap > 5 * one.quality.chance
    assert (one.divergence is None) == (method != "tsne")
    assert one.setting == {"pca": None, "tsne": 30, "umap": 15}[method]


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_groups_far_apart_stay_apart_on_the_map(blobs, method):
    vectors, places = blobs
    points = it.embeddings.project(vectors, method).points
    nearest = np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(300)
    assert (places[nearest.argmin(axis=1)] == places).mean() > 0.99


def test_quality_is_scikit_learns_trustworthiness_and_a_slow_count(blobs):
    vectors = unit_rows(blobs[0])
    points = it.embeddings.project(vectors, "pca").points
    found = it.embeddings.map_quality(vectors, points, 7)
    assert found.trustworthiness == pytest.approx(trustworthiness(vectors, points, n_neighbors=7), abs=2e-5)
    # Continuity is trustworthiness with the map and the space changed over.
    assert found.continuity == pytest.approx(trustworthiness(points, vectors, n_neighbors=7), abs=2e-5)
    assert found.trustworthiness != pytest.approx(found.continuity, abs=1e-3)
    far, near = (
        np.linalg.norm(one[:, None].astype(float) - one, axis=2) + 1e9 * np.eye(300) for one in (vectors, points)
    )
    shared = [len(set(a) & set(b)) for a, b in zip(far.argsort(1)[:, :7], near.argsort(1)[:, :7], strict=True)]
    assert found.overlap == pytest.approx(np.mean(shared) / 7)
    assert found.chance == pytest.approx(7 / 299)
    assert (found.queries, found.points) == (300, 300)
    assert np.isnan(found.interval).all()


def test_quality_from_a_draw_is_near_the_whole_and_says_how_near(blobs):
    vectors = unit_rows(blobs[0])
    points = it.embeddings.project(vectors, "pca").points
    whole, drawn = it.embeddings.map_quality(vectors, points), it.embeddings.map_quality(vectors, points, queries=100)
    assert drawn.queries == 100
    assert abs(whole.trustworthiness - drawn.trustworthiness) < np.ptp(drawn.interval[0])
    assert 0 < np.ptp(drawn.interval[0]) < 0.08
    assert drawn.interval[2, 0] < drawn.overlap < drawn.interval[2, 1]


def test_neighbours_that_are_all_kept_are_a_share_of_the_points_drawn():
    """30 of 30 drawn: Wilson's lower end is 30 / (30 + 1.96²) = 0.887."""
    vectors = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    drawn = it.embeddings.map_quality(vectors, vectors, queries=30)
    assert drawn.overlap == 1
    np.testing.assert_allclose(drawn.interval, [[0.8865, 1]] * 3, atol=1e-4)


def test_a_map_that_is_the_space_is_perfect_and_a_random_one_is_chance():
    vectors = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    same = it.embeddings.map_quality(vectors, vectors)
    assert (same.trustworthiness, same.continuity, same.overlap, same.distances) == (1, 1, 1, 1)
    other = it.embeddings.map_quality(vectors, np.random.default_rng(1).normal(size=(200, 2)))
    assert other.trustworthiness == pytest.approx(0.5, abs=0.05)
    assert other.overlap == pytest.approx(other.chance, abs=0.03)
    assert other.distances == pytest.approx(0, abs=0.05)


def test_maps_are_turned_onto_each_other():
    random = np.random.default_rng(0)
    first = random.normal(size=(50, 2)) * [3, 1]
    turn = np.array([[0, 1], [1, 0]])  # a reflection
    moved = first @ turn * 7 + 100
    other = random.normal(size=(50, 2))
    found = it.embeddings.align([first, moved, other])
    np.testing.assert_allclose(found.points[0], found.points[1], atol=1e-5)
    np.testing.assert_allclose((found.points**2).sum(axis=(1, 2)) / 50, 1, rtol=1e-5)
    assert found.moved[0] == pytest.approx(0, abs=1e-6)
    scaled = (other - other.mean(0)) / np.sqrt(((other - other.mean(0)) ** 2).sum() / 50)
    rotation, _ = orthogonal_procrustes(scaled, found.points[1].astype(float))
    np.testing.assert_allclose(found.points[2], scaled @ rotation, atol=1e-5)
    assert found.moved[1] > 0.5


def test_what_has_no_map_is_one_sentence(blobs):
    vectors = blobs[0]
    with pytest.raises(it.InputError, match="needs at least 4 points; found: 1"):
        it.embeddings.project(vectors[:1])
    with pytest.raises(it.InputError, match="All 9 vectors are identical"):
        it.embeddings.project(np.ones((9, 4), np.float32))
    broken = vectors.copy()
    broken[7, 3] = np.nan
    with pytest.raises(it.InputError, match="1 vector contains NaN or infinite values, at position 8"):
        it.embeddings.project(broken)
    with pytest.raises(
        it.InputError, match="perplexity of 200 is not possible with 300 points. Choose one from 1 to 100"
    ):
        it.embeddings.project(vectors, "tsne", perplexity=200.0)
    with pytest.raises(it.InputError, match="300 neighbours are not possible with 300 points"):
        it.embeddings.project(vectors, "umap", neighbours=300)
    for wrong in ({"method": "mds"}, {"dims": 4}, {"metric": "manhattan"}):
        with pytest.raises(it.InputError, match="is not one of"):
            it.embeddings.project(vectors, **wrong)


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("count", [4, 5, 9])
def test_few_points_and_points_in_one_place_still_have_a_map(blobs, method, count):
    found = it.embeddings.project(blobs[0][:count], method)
    assert np.isfinite(found.points).all()
    twice = np.concatenate([blobs[0][:6]] * 5)
    assert np.isfinite(it.embeddings.project(twice, method).points).all()


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_a_map_says_how_far_it_is_and_stops_when_asked(blobs, method):
    seen = []
    it.embeddings.project(blobs[0], method, progress=lambda *now: seen.append(now))
    steps = [(done, total) for done, total, stage in seen if stage == method]
    assert len(steps) > 1
    assert steps[-1][0] == steps[-1][1]

    def stop(done, _total, stage):
        if stage == method and done > 20:
            raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.embeddings.project(blobs[0], method, progress=stop)
    # What was stopped stands in nobody's way, neither the next map nor anybody's progress bar.
    assert it.embeddings.project(blobs[0], method).points.shape == (300, 2)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: list(tqdm(range(3), file=io.StringIO()))).result(timeout=10) == [0, 1, 2]


def test_two_maps_at_once_are_the_same_as_one_by_one(blobs):
    alone = it.embeddings.project(blobs[0], "umap").points
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: it.embeddings.project(blobs[0], "umap").points, range(2)))
    for one in both:
        np.testing.assert_array_equal(one, alone)

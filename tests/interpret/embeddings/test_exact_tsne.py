"""The card's t-SNE beside openTSNE's: its gradient by NumPy, and maps that are as good."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import interpret as it
from interpret.core.devices import Device
from interpret.embeddings import projection
from interpret.embeddings.exact_tsne import ExactTSNE


@pytest.fixture
def on_a_card(monkeypatch):
    """Let `project` find a card, which is the CPU under another name; what was computed on it."""
    made = []

    def exact(*given):
        made.append(given[-1])
        return ExactTSNE(*given[:-1], "cpu")

    card = Device("cuda:0", "", 1, 1, ("float32",))
    monkeypatch.setattr(
        projection, "find_device", lambda name: card if name == "cuda:0" else Device("cpu", "", 1, 1, ())
    )
    monkeypatch.setattr(projection, "ExactTSNE", exact)
    return made


def some(points=40, dims=2):
    random = np.random.default_rng(0)
    near = random.random((points, points)) * (random.random((points, points)) < 0.3)
    near = near + near.T
    np.fill_diagonal(near, 0)
    rows, columns = np.nonzero(near)
    return near / near.sum(), rows, columns, random.normal(size=(points, dims))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("pairs", [1 << 26, 100])
def test_a_step_goes_down_the_gradient_of_the_divergence(dims, pairs, monkeypatch):
    """Also where the points are looked at in parts."""
    monkeypatch.setattr("interpret.embeddings.exact_tsne._PAIRS", pairs)
    affinities, rows, columns, start = some(dims=dims)

    def divergence(points):
        near = 1 / (1 + np.square(points[:, None] - points).sum(-1))
        np.fill_diagonal(near, 0)
        there = affinities > 0
        return (affinities[there] * np.log(affinities[there] / (near / near.sum())[there])).sum()

    made = ExactTSNE(rows, columns, affinities[rows, columns], start, "cpu")
    points, found = made.result()
    np.testing.assert_allclose(points, start, atol=1e-6)
    assert found == pytest.approx(divergence(start), rel=1e-4)
    # By differences of the divergence itself; the first step is its gradient times the rate and the first gains, 1.2.
    tiny, slope = 1e-5, np.zeros_like(start)
    for place in np.ndindex(*start.shape):
        ahead, behind = start.copy(), start.copy()
        ahead[place] += tiny
        behind[place] -= tiny
        slope[place] = (divergence(ahead) - divergence(behind)) / (2 * tiny)
    made._step(1.0)
    np.testing.assert_allclose(made.update.numpy(), -len(start) * 1.2 * slope / 4, rtol=2e-2, atol=2e-3)


def test_the_map_is_as_good_as_open_tsnes(on_a_card):
    vectors = load_digits().data[:400].astype(np.float32)
    told = []
    other = it.embeddings.project(vectors, "tsne")
    found = it.embeddings.project(vectors, "tsne", device="cuda:0", progress=lambda *news: told.append(news))
    assert on_a_card == ["cuda:0"]
    # Both are minima of one divergence, found from one start; openTSNE's is told of an approximation of it.
    assert found.divergence < 1.05 * other.divergence
    for name in ("trustworthiness", "continuity", "overlap"):
        assert getattr(found.quality, name) > getattr(other.quality, name) - 0.02, name
    assert [news for news in told if news[2] == "tsne"][-1] == (750, 750, "tsne")
    assert found.setting == other.setting == 30


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_other_maps_are_made_where_they_were(on_a_card, method):
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    np.testing.assert_array_equal(
        it.embeddings.project(vectors, method, device="cuda:0").points, it.embeddings.project(vectors, method).points
    )
    assert on_a_card == []


@pytest.mark.parametrize("count", [4, 5, 12])
def test_few_points_and_points_in_one_place_have_a_map_on_a_card_too(on_a_card, count):
    random = np.random.default_rng(0)
    for vectors in (random.normal(size=(count, 8)), np.repeat(random.normal(size=(2, 8)), [count - 1, 1], axis=0)):
        found = it.embeddings.project(vectors.astype(np.float32), "tsne", device="cuda:0")
        assert np.isfinite(found.points).all()
        assert np.isfinite(found.divergence)

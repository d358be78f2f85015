"""Vectors of texts, their maps and their shape."""

from collections.abc import Iterator

import numpy as np
import transformers as tf
from scipy.spatial import procrustes
from sentence_transformers import SentenceTransformer
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

import interpret as it
from interpret.core.checkpoints import checkpoint_folder
from tests.oracles import World, apart, claim


def _points(seed: int, count: int = 80, width: int = 12) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, width)) * np.linspace(3, 0.5, width) + 5).astype(np.float32)


@claim("vectors of texts, built-in model", "sentence-transformers, encode", 1e-5)
def _encode(world: World) -> Iterator[float]:
    peer = SentenceTransformer(str(checkpoint_folder(world.minilm.spec.checkpoint)), device="cpu")
    for seed in world.seeds:
        texts = [*world.texts(seed, 8), "river " * 700]
        ours = it.embed(world.minilm, texts[:-1], layers=[-1]).at(world.minilm.layers)
        ours = ours / np.linalg.norm(ours, axis=1, keepdims=True)
        yield apart(ours, peer.encode(texts[:-1], normalize_embeddings=True))


@claim("vectors after every layer, mean and first token", "transformers, eager attention", 1e-4)
def _layers(world: World) -> Iterator[float]:
    from tests.oracles.attention import eager

    for family in world.families:
        folder = world.checkpoint(family, tf.AutoModel)
        encoder = world.encoder(folder)
        for seed in world.seeds:
            texts = world.texts(seed)
            means, firsts = (it.embed(encoder, texts, pooling=name) for name in ("mean", "cls"))
            for row, text in enumerate(texts):
                found = eager(folder, text)
                for layer, state in enumerate([*found.hidden_states[:-1], found.last_hidden_state]):
                    yield apart(means.at(layer)[row], state[0].mean(dim=0))
                    yield apart(firsts.at(layer)[row], state[0, 0])


@claim("principal components, up to sign", "scikit-learn, PCA", 1e-3)
def _pca(world: World) -> Iterator[float]:
    for seed in world.seeds:
        points = _points(seed)
        ours = it.embeddings.project(points, "pca", 2, metric="euclidean").points
        theirs = PCA(2, svd_solver="full").fit_transform(points.astype(float))
        yield apart(np.abs(ours), np.abs(theirs))


@claim("trustworthiness of a map", "scikit-learn, trustworthiness", 1e-6)
def _trustworthiness(world: World) -> Iterator[float]:
    for seed in world.seeds:
        points = _points(seed)
        flat = it.embeddings.project(points, "pca", 2).points
        yield apart(
            it.embeddings.map_quality(points, flat).trustworthiness, trustworthiness(points, flat, n_neighbors=10)
        )
        # Both directions: continuity is the trustworthiness of the space as a map of the map.
        yield apart(it.embeddings.map_quality(points, flat).continuity, trustworthiness(flat, points, n_neighbors=10))


@claim("maps laid on each other", "SciPy, procrustes", 1e-5)
def _procrustes(world: World) -> Iterator[float]:
    for seed in world.seeds:
        one, other = _points(seed, 40, 2), _points(seed + 100, 40, 2)
        yield apart(it.embeddings.align([one, other]).moved[0], procrustes(one, other)[2])


@claim("nearest texts by cosine", "scikit-learn, NearestNeighbors", 1e-5)
def _nearest(world: World) -> Iterator[float]:
    for seed in world.seeds:
        texts = list(dict.fromkeys(world.texts(seed, 20)))
        found = it.embed(world.minilm, texts, layers=[-1])
        vectors = found.at(world.minilm.layers)
        distance, _ = NearestNeighbors(n_neighbors=5, metric="cosine").fit(vectors).kneighbors(vectors[:1])
        ours = it.embeddings.nearest_neighbours(found, world.minilm.layers, vectors[0], 5)
        yield apart(1 - ours.scores, distance[0])


@claim("silhouette of groups", "scikit-learn, silhouette_score", 1e-4)
def _silhouette(world: World) -> Iterator[float]:
    for seed in world.seeds:
        points = _points(seed)
        found = it.embeddings.cluster(points, count=3, seed=seed, metric="euclidean")
        yield apart(found.silhouette, silhouette_score(points, found.cluster))


@claim("centred kernel alignment", "NumPy: HSIC of centred Gram matrices (Kornblith et al. 2019)", 1e-5)
def _cka(world: World) -> Iterator[float]:
    for seed in world.seeds:
        one, other = _points(seed).astype(float), _points(seed + 100).astype(float)
        count = len(one)
        centre = np.eye(count) - 1 / count
        left, right = (centre @ points @ points.T @ centre for points in (one, other))
        theirs = (left * right).sum() / np.sqrt((left * left).sum() * (right * right).sum())
        yield apart(it.embeddings.cka(one, other, debiased=False), theirs)

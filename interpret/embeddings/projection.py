"""Maps of vectors: PCA, t-SNE and UMAP, and the rotation that lays one layer's map over another's."""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from interpret.core.arrays import read_only
from interpret.core.devices import find_device
from interpret.core.errors import InputError
from interpret.core.extras import needed_for
from interpret.core.hub import Progress
from interpret.embeddings.exact_tsne import ExactTSNE
from interpret.embeddings.quality import MapQuality, map_quality
from interpret.embeddings.vectors import check_finite, unit_rows

METHODS = ("pca", "tsne", "umap")
METRICS = ("cosine", "euclidean")

# t-SNE and UMAP look for neighbours among this many principal components: the rest is mostly noise, and costs time
# (van der Maaten & Hinton 2008, section 4.2, use 30; openTSNE's and scikit-learn's guides use 50).
REDUCED = 50
# openTSNE's own phases: early exaggeration, and what follows.
_EARLY, _LATE = 250, 500
_DEVIATION = 1e-4
_MANY = 4000


@dataclass(frozen=True, eq=False)
class Projection:
    """Points on a map, and how far the map can be trusted.

    Attributes
    ----------
    points
        Where each vector lies. PCA's axes are in units of the vectors (or of unit vectors, with the cosine metric);
        those of t-SNE and UMAP have no unit.
    method, metric, seed, setting
        What made it; ``setting`` is t-SNE's perplexity or UMAP's number of neighbours, and None for PCA.
    variance
        The share of the variance along each principal component, largest first, of all there are.
    divergence
        t-SNE's Kullback–Leibler divergence in nats, which it made as small as it could; None for others.
    quality
        How well the map keeps neighbourhoods.
    """

    points: Float32[np.ndarray, "point dim"]
    method: str
    metric: str
    seed: int
    setting: float | None
    variance: Float32[np.ndarray, " component"]
    divergence: float | None
    quality: MapQuality


def project(
    vectors: np.ndarray,
    method: str = "pca",
    dims: int = 2,
    seed: int = 0,
    *,
    metric: str = "cosine",
    perplexity: float | None = None,
    neighbours: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Projection:
    """Draw a map of vectors.

    PCA is exact, and its signs are fixed: on each axis the component's largest number is positive. t-SNE is
    openTSNE's (Poličar et al. 2024) and UMAP umap-learn's (McInnes et al. 2018). Both begin at the principal
    components, which keeps the large shape where they can (Kobak & Berens 2019), and work on the first 50 of them.

    Parameters
    ----------
    vectors
        ``(point, width)``.
    dims
        2 or 3.
    seed
        Of t-SNE and UMAP. The same seed gives the same map on the same machine with as many threads; elsewhere the
        last digits differ, and with them, in time, the map.
    metric
        ``"cosine"`` first brings every vector to length 1; then Euclidean distances order pairs as cosines do.
    perplexity
        Of t-SNE: about how many neighbours each point tries to keep. 30 unless given, or a third of the points if
        that is less.
    neighbours
        Of UMAP. 15 unless given, or all other points if these are fewer.
    device
        Where t-SNE is computed: on a card exactly, by `interpret.embeddings.exact_tsne`; elsewhere by openTSNE. PCA is
        an eigenvalue problem of the width, which a processor has done in a moment.
    progress
        Called as ``progress(steps done, steps in all, stage)``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there are fewer than 4 points, numbers that are none, all vectors alike, or a setting too large for so few
        points.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> vectors = np.random.default_rng(0).normal(size=(60, 3)) * [9, 3, 1]
    >>> projection = it.embeddings.project(vectors, "pca", metric="euclidean")
    >>> projection.points.shape  # point dim
    (60, 2)
    >>> [round(float(share), 2) for share in projection.variance]
    [0.93, 0.06, 0.01]
    >>> round(projection.quality.trustworthiness, 1)
    1.0
    """
    _check(vectors, method, dims, metric)
    prepared = unit_rows(vectors) if metric == "cosine" else np.asarray(vectors, np.float32)
    components, variance = principal_components(prepared, max(dims, REDUCED if method != "pca" else dims))
    drawn, setting, divergence = _draw(components, method, dims, seed, perplexity, neighbours, device, progress)
    if progress is not None:
        progress(1, 1, "quality")
    return Projection(
        points=read_only(drawn, np.float32),
        method=method,
        metric=metric,
        seed=seed,
        setting=setting,
        variance=read_only(variance, np.float32),
        divergence=divergence,
        quality=map_quality(prepared, drawn, seed=seed),
    )


def _check(vectors: np.ndarray, method: str, dims: int, metric: str) -> None:
    for value, known in ((method, METHODS), (metric, METRICS), (dims, (2, 3))):
        if value not in known:
            raise InputError("“{value}” is not one of: {known}.", value=str(value), known=", ".join(map(str, known)))
    if len(vectors) < 4:
        raise InputError("A map needs at least 4 points; found: {points}.", points=len(vectors))
    check_finite(vectors)
    if not np.ptp(vectors, axis=0).any():
        raise InputError(
            "All {points} vectors are identical, so there is nothing to map. Choose different texts.",
            points=len(vectors),
        )


def _draw(
    components: np.ndarray,
    method: str,
    dims: int,
    seed: int,
    perplexity: float | None,
    neighbours: int | None,
    device: str,
    progress: Progress | None,
) -> tuple[np.ndarray, float | None, float | None]:
    """Return where each point lies by a method, the method's setting, and its divergence, where it has them."""
    points = len(components)
    if method == "pca":
        return components[:, :dims], None, None
    if method == "tsne":
        most = (points - 1) / 3
        setting = min(30.0, most) if perplexity is None else float(perplexity)
        if not 1 <= setting <= most:
            raise InputError(
                "A perplexity of {value} is not possible with {points} points. Choose one from 1 to {most}.",
                value=f"{setting:g}",
                points=points,
                most=f"{most:.0f}",
            )
        drawn, divergence = _tsne(components, dims, setting, seed, find_device(device).name, progress)
        return drawn, setting, divergence
    chosen = min(15, points - 1) if neighbours is None else neighbours
    if not 2 <= chosen < points:
        raise InputError.counted(
            "{value} neighbour is not possible with {points} points. Choose from 2 to {most}.",
            "{value} neighbours are not possible with {points} points. Choose from 2 to {most}.",
            chosen,
            value=chosen,
            points=points,
            most=points - 1,
        )
    return _umap(components, dims, chosen, seed, progress), float(chosen), None


def principal_components(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first scores of a principal component analysis, and the share of variance of every component.

    The components are the eigenvectors of the covariance, in float64: exact for any number of points, in memory that
    the width alone decides. Each one's largest loading is positive, so that the same vectors give the same picture.
    """
    centre = vectors.mean(axis=0, dtype=np.float64)
    width = vectors.shape[1]
    scatter = np.zeros((width, width))
    for begin in range(0, len(vectors), 8192):
        block = vectors[begin : begin + 8192] - centre
        scatter += block.T @ block
    values, axes = np.linalg.eigh(scatter)
    values, axes = np.maximum(values[::-1], 0), axes[:, ::-1]
    there = min(len(vectors) - 1, width)
    axes = axes[:, : min(count, width)]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    scores = np.concatenate([(vectors[begin : begin + 8192] - centre) @ axes for begin in range(0, len(vectors), 8192)])
    if scores.shape[1] < count:
        scores = np.pad(scores, ((0, 0), (0, count - scores.shape[1])))
    return scores, (values / max(values.sum(), 1e-30))[:there]


def _start(components: np.ndarray, dims: int) -> np.ndarray:
    first = components[:, :dims]
    return first / max(float(first[:, 0].std()), 1e-30) * _DEVIATION


def _tsne(
    components: np.ndarray, dims: int, perplexity: float, seed: int, device: str, progress: Progress | None
) -> tuple[np.ndarray, float]:
    with needed_for("embeddings"):
        from openTSNE import TSNE
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    from sklearn.neighbors import NearestNeighbors

    done = 0
    total = _EARLY + _LATE

    def report(_iteration: int, _error: float, _embedding: np.ndarray) -> None:
        nonlocal done
        done += 10
        if progress is not None:
            progress(min(done, total), total, "tsne")

    if progress is not None:
        progress(0, total, "neighbours")
    start = components.astype(np.float32)
    # Threads that wait for each other cost more than they bring on few points: 60 of them took 0.9 s on one thread and
    # 8 s on two, on two cores that had other work.
    many = len(start) >= _MANY
    threads = -1 if many else 1
    # Exact, and faster than openTSNE's approximate search up to the most points that are drawn.
    search = NearestNeighbors(n_neighbors=min(len(start) - 1, int(3 * perplexity)), algorithm="brute").fit(start)
    distances, indices = search.kneighbors()
    affinities = PerplexityBasedNN(
        perplexity=perplexity, knn_index=PrecomputedNeighbors(indices, distances), n_jobs=threads
    )
    if device.startswith("cuda"):
        pairs = affinities.P.tocoo()
        exact = ExactTSNE(pairs.row, pairs.col, pairs.data, _start(components, dims), device)
        for steps in exact.run(_EARLY, _LATE):
            if progress is not None:
                progress(steps, total, "tsne")
        return exact.result()
    fitted = TSNE(
        n_components=dims,
        # Interpolation is made for two dimensions, and pays where points are many.
        negative_gradient_method="fft" if many and dims == 2 else "bh",
        # A grid half as coarse again as openTSNE's is twice as fast at 20,000 points, and the map as trustworthy to
        # 0.001: see tests/benchmarks/bench_embeddings.py.
        ints_in_interval=1.5,
        early_exaggeration_iter=_EARLY,
        n_iter=_LATE,
        random_state=seed,
        n_jobs=threads,
        callbacks=report,
        callbacks_every_iters=10,
    ).fit(affinities=affinities, initialization=_start(components, dims))
    return np.asarray(fitted), float(fitted.kl_divergence)


class _Ticks(io.StringIO):
    """A file for a progress bar that is never seen: it counts the bar's lines, and keeps none."""

    count = 0

    def write(self, text: str) -> int:
        self.count += 1
        return len(text)


# Numba's plain thread pool ends the whole process when two threads enter it at once.
_umap_turn = threading.Lock()


def _umap(components: np.ndarray, dims: int, neighbours: int, seed: int, progress: Progress | None) -> np.ndarray:
    """Run UMAP in a thread of its own, so that it can be left at any moment.

    To raise out of its loop would leave tqdm's lock taken, and the next progress bar of the process waiting for ever.
    A thread that was left goes on to its end, and only then is it the next one's turn.
    """
    from sklearn.neighbors import NearestNeighbors

    report = progress or (lambda _done, _total, _stage: None)
    while not _umap_turn.acquire(timeout=0.2):
        report(0, 1, "waiting")
    ticks, result, failed = _Ticks(), [], []
    # umap-learn's own choice: few points take more rounds to settle.
    epochs = 500 if len(components) <= 10_000 else 200
    start = components.astype(np.float32)

    def run() -> None:
        try:
            with needed_for("embeddings"):
                import umap

            # Exact, and without the half minute that the search of umap-learn takes to compile. Each is its own first.
            search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(start)
            distances, indices = search.kneighbors(start)
            result.append(
                umap.UMAP(
                    n_components=dims,
                    n_neighbors=neighbours,
                    # As umap-learn scales its own spectral start: 10 across, with noise against points in one place.
                    init=_spread(start[:, :dims], seed),
                    precomputed_knn=(indices, distances),
                    force_approximation_algorithm=True,
                    random_state=seed,
                    n_epochs=epochs,
                    n_jobs=1,
                    tqdm_kwds={"file": ticks, "disable": False, "mininterval": 0, "miniters": 1},
                ).fit_transform(start)
            )
        except Exception as error:  # handed over to the thread that waits
            failed.append(error)
        finally:
            _umap_turn.release()

    with warnings.catch_warnings():
        # That this map cannot take new points in, which nobody asks of it.
        warnings.simplefilter("ignore")
        thread = threading.Thread(target=run, name="umap", daemon=True)
        thread.start()
        while thread.is_alive():
            report(min(ticks.count, epochs), epochs, "umap" if ticks.count else "compile")
            thread.join(0.1)
    if failed:
        raise failed[0]
    report(epochs, epochs, "umap")
    return result[0]


def _spread(start: np.ndarray, seed: int) -> np.ndarray:
    scaled = 10 * start / max(float(np.abs(start).max()), 1e-30)
    return (scaled + np.random.default_rng(seed).normal(scale=1e-4, size=scaled.shape)).astype(np.float32)

"""Vectors of 2,000 texts beside sentence-transformers, and t-SNE beside scikit-learn, in one process run.

`embed` keeps every layer; the peers keep the last. The texts are of mixed length, made from a fixed list of words. Give
``--quick`` to leave scikit-learn's 20,000 points out.
"""

import statistics
import sys
import time

import numpy as np
import torch

import interpret as it
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.devices import find_device
from interpret.embeddings.projection import principal_components
from interpret.embeddings.vectors import unit_rows
from tests.benchmarks import SENTENCE, in_turn, machine, row

TEXTS = 2000
ROUNDS = 3


def mixed_texts(count: int) -> list[str]:
    """Make texts of 5 to 250 words, most of them short, as corpora are."""
    random = np.random.default_rng(0)
    words = np.array(SENTENCE.split())
    lengths = np.clip(random.lognormal(3, 0.9, count).astype(int), 5, 250)
    return [" ".join(random.choice(words, length)) for length in lengths]


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the cosine of each pair of rows."""
    return (unit_rows(one) * unit_rows(other)).sum(axis=1)


def embedding(device: str) -> None:
    """Print how long embedding takes, and how far lower precision is from float32."""
    from sentence_transformers import SentenceTransformer

    texts = mixed_texts(TEXTS)
    encoder = it.load_encoder(device=device)
    folder = str(checkpoint_folder(encoder.spec.checkpoint))
    peer = SentenceTransformer(folder, device=device)
    peer.max_seq_length = encoder.max_tokens
    lower = it.load_encoder(device=device, precision="bfloat16")
    tokens = sum(len(one.ids) for one in encoder.tokenizer.encode_batch_fast(texts))
    works = {
        "sentence-transformers encode": lambda: peer.encode(texts, batch_size=32, normalize_embeddings=True),
        "embed, last layer": lambda: it.embed(encoder, texts, [-1]),
        "embed, all layers": lambda: it.embed(encoder, texts),
        "embed, all layers, bfloat16": lambda: it.embed(lower, texts),
        "encode, one by one": lambda: [peer.encode(text) for text in texts],
    }
    print(f"embedding {TEXTS:,} texts, {tokens:,} tokens")
    seconds = in_turn(works, ROUNDS)
    base = seconds["sentence-transformers encode"]
    for name, taken in seconds.items():
        print(f"{row(name, taken, base)}   {TEXTS / statistics.median(taken):7.0f} texts/s")
    ours, theirs = it.embed(encoder, texts, [-1]).at(encoder.layers), works["sentence-transformers encode"]()
    print(f"  largest difference to encode, normalised: {np.abs(unit_rows(ours) - theirs).max():.1e}")
    short = cosines(it.embed(lower, texts, [-1]).at(encoder.layers), ours)
    print(f"  bfloat16 against float32: cosine {short.mean():.5f} on average, {short.min():.5f} at least")


def maps(device: str, sizes: tuple[int, ...]) -> None:
    """Print how long t-SNE takes beside scikit-learn's, and how far each can be trusted."""
    from sklearn.manifold import TSNE

    encoder = it.load_encoder(device=device)
    for size in sizes:
        vectors = it.embed(encoder, mixed_texts(size), [-1]).at(encoder.layers)
        reduced = principal_components(unit_rows(vectors), 50)[0]
        results = {}
        for name, make in {
            "scikit-learn": lambda reduced=reduced: TSNE(init="pca", random_state=0, n_jobs=-1).fit_transform(reduced),
            "interpret (openTSNE), with quality": lambda vectors=vectors: it.embeddings.project(vectors, "tsne"),
            "interpret (UMAP), with quality": lambda vectors=vectors: it.embeddings.project(vectors, "umap"),
        }.items():
            begin = time.perf_counter()
            made = make()
            results[name] = time.perf_counter() - begin, getattr(made, "points", made)
        slow = results["scikit-learn"][0]
        print(f"t-SNE of {size:,} points, {vectors.shape[1]} → 50 → 2")
        for name, (seconds, points) in results.items():
            quality = it.embeddings.map_quality(unit_rows(vectors), np.asarray(points))
            half = np.ptp(quality.interval[0]) / 2
            print(
                f"  {name:36} {seconds:7.1f} s   {slow / seconds:5.2f} × as fast   trustworthiness "
                f"{quality.trustworthiness:.4f} ± {half:.4f}, neighbours kept {quality.overlap:.3f}"
            )


def main() -> None:
    """Print the tables."""
    device = find_device("auto").name
    print(machine(device), f"· {torch.get_num_threads()} threads")
    embedding(device)
    maps(device, (5000,) if "--quick" in sys.argv else (5000, 20_000))


if __name__ == "__main__":
    main()

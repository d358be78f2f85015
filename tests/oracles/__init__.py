"""Parity with outside code: each claim of ours beside the library or the paper's authors that it must equal.

``make oracles`` looks far and prints one table with the largest difference of each claim; `test_oracles` is its short
form. A claim is one function; a new one goes into the file of its subject.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import interpret as it
from tests.tiny import FAMILIES, TEXT, make_checkpoint


class World:
    """What claims are tried on: tiny models of every family, texts and numbers drawn with a seed.

    Parameters
    ----------
    folder
        Where checkpoints are written.
    rounds
        How often each claim is tried, with a seed of its own each time.
    """

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder, self.rounds = folder, rounds

    @property
    def seeds(self) -> range:
        return range(self.rounds)

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(FAMILIES)

    def checkpoint(self, family: str, loader: type, seed: int = 0, **changes: object) -> Path:
        """Write a tiny checkpoint once."""
        # Unigram vocabularies cut a word into many.
        changes = {"max_position_embeddings": 200, **changes}
        name = f"{family}-{loader.__name__}-{seed}-{'-'.join(f'{key}.{changes[key]}' for key in sorted(changes))}"
        place = self.folder / name
        return place if place.exists() else make_checkpoint(family, place, seed, loader, **changes)

    def encoder(self, folder: Path) -> it.Encoder:
        return it.load_encoder(str(folder), device="cpu")

    @cached_property
    def minilm(self) -> it.Encoder:
        return it.load_encoder("minilm", device="cpu")

    def texts(self, seed: int, count: int = 3) -> list[str]:
        """Draw texts of three to twelve words of the tiny vocabularies."""
        random, words = np.random.default_rng(seed), TEXT.split()
        return [" ".join(random.choice(words, int(random.integers(3, 13)))) for _ in range(count)]


@dataclass(frozen=True)
class Claim:
    """One number of ours, and what it must equal.

    Attributes
    ----------
    title
        What is claimed.
    oracle
        The outside code.
    bound
        The largest difference that rounding explains.
    differences
        Compares the two in a world; gives every difference found.
    """

    title: str
    oracle: str
    bound: float
    differences: Callable[[World], Iterator[float]]

    def measure(self, world: World) -> tuple[float, int]:
        """Return the largest difference, and of how many comparisons."""
        found = [float(one) for one in self.differences(world)]
        assert found, f"“{self.title}” compares nothing"
        return max(found) if np.isfinite(found).all() else float("inf"), len(found)


CLAIMS: list[Claim] = []


def claim(title: str, oracle: str, bound: float) -> Callable:
    """Register what a function compares."""

    def register(differences: Callable[[World], Iterator[float]]) -> Callable[[World], Iterator[float]]:
        CLAIMS.append(Claim(title, oracle, bound, differences))
        return differences

    return register


def apart(ours: object, theirs: object) -> float:
    """Return the largest absolute difference; infinite where shapes differ or one has a number and the other none."""
    one, other = np.asarray(ours, float), np.asarray(theirs, float)
    if one.shape != other.shape or (np.isnan(one) != np.isnan(other)).any():
        return float("inf")
    return float(np.nan_to_num(np.abs(one - other)).max(initial=0.0))


def all_claims() -> list[Claim]:
    """Return every claim, subject by subject."""
    from tests.oracles import attention, attribution, embeddings, evaluation, pretraining, training  # noqa: F401

    return CLAIMS

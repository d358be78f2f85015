"""Measurements beside a peer, in one process run each: medians and ratios, never promises in seconds."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping

import psutil
import torch

from interpret.core.devices import find_device

SENTENCE = "The animal did not cross the street because it was too tired, said the bank by the river. "


def machine(device: str = "cpu") -> str:
    """Return what a figure was measured on."""
    place = find_device(device)
    memory = psutil.virtual_memory().total / 1e9
    return (
        f"{place.name}: {place.description}; {psutil.cpu_count()} processors, {memory:.0f} GB, "
        f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    )


def text_of(encoder, tokens: int) -> str:
    """Make a text of exactly so many tokens, special ones counted."""
    words = (SENTENCE * (tokens // 10 + 2)).split()
    low, high = 1, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count_tokens(encoder, words[:middle]) <= tokens else (low, middle - 1)
    return " ".join(words[:low])


def count_tokens(encoder, words: list[str]) -> int:
    """Count the tokens of a text, also of one that is too long."""
    return len(encoder.tokenizer.encode(" ".join(words)).ids)


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time each work once a round, A B C A B C …, so that a machine that slows down slows all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def row(name: str, seconds: list[float], base: list[float]) -> str:
    """Write a row: the median in ms, and the median of the ratios to ``base``, round by round."""
    ratio = statistics.median(one / other for one, other in zip(seconds, base, strict=True))
    return f"  {name:34} {1000 * statistics.median(seconds):9.1f} ms   {ratio:5.2f} ×"

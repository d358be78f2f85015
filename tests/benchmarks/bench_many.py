"""One person's pictures alone, and while others are at long work: the same server, the same sockets, one run.

``python -m tests.benchmarks.bench_many [OTHERS]``, nine unless told otherwise. A picture is the Attention page of a
sentence that nobody has read before, in a new tab, from the click to the last of it. Everybody else embeds a collection
of their own, over and over.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count

from websockets.exceptions import ConnectionClosed

from tests.benchmarks import SENTENCE, machine
from tests.browser.conftest import start_server
from tests.sockets import Reader

PICTURES = 40
# Seconds between two clicks.
THINKS = 0.7
LINES = 1500


class Busy:
    """Somebody who embeds one collection after another."""

    def __init__(self, address: str, name: int) -> None:
        self.address, self.name = address, name
        self.leaving = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def leave(self) -> None:
        """Close the tab."""
        self.leaving.set()

    def _work(self) -> None:
        try:
            self._embed()
        except ConnectionClosed:
            # Where the server ends before what is being read does.
            if not self.leaving.is_set():
                raise

    def _embed(self) -> None:
        words = SENTENCE.split()
        with Reader(self.address, 600.0) as reader:
            reader.open("embeddings", **{"from": "pasted"})
            for turn in count():
                if self.leaving.is_set():
                    return
                lines = [f"{' '.join(words[i % 9 :])} {self.name} {turn} {i}." for i in range(LINES)]
                reader.set("pasted", string_value="\n".join(lines))
                reader.press("embeddings:start")


def pictures(address: str, numbers: Iterator[int], some: int) -> list[float]:
    """Return how long each first picture of somebody new took."""
    found = []
    for _ in range(some):
        time.sleep(THINKS)
        with Reader(address) as reader:
            text = f"The bank by the river had {next(numbers)} customers, she said."
            found.append(reader.open("attention", text=text))
            if reader.errors:
                sys.exit(f"a page failed: {reader.errors[0]}")
    return found


def spread(seconds: list[float]) -> tuple[float, float]:
    """Return the median and the 95th of a hundred, in ms."""
    ordered = sorted(seconds)
    return 1000 * statistics.median(ordered), 1000 * ordered[int(0.95 * (len(ordered) - 1))]


def main(others: int) -> None:
    """Measure both and print them."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process, address = start_server(BERTOSCOPE_CACHE=f"{folder}/cache", BERTOSCOPE_RUNS=f"{folder}/runs")
        numbers = count()
        try:
            print(f"{machine()}\n{PICTURES} pictures each, {THINKS} s between two clicks")
            pictures(address, numbers, 10)
            alone = pictures(address, numbers, PICTURES)
            busy = [Busy(address, name) for name in range(others)]
            time.sleep(15)
            beside = pictures(address, numbers, PICTURES)
            for each in busy:
                each.leave()
        finally:
            process.terminate()
            process.wait(30)
    for name, seconds in (("alone", alone), (f"beside {others} at long work", beside)):
        middle, late = spread(seconds)
        print(f"  {name:28} median {middle:7.0f} ms   p95 {late:7.0f} ms")
    (middle, late), (middle_alone, late_alone) = spread(beside), spread(alone)
    print(f"  ratio                        median {middle / middle_alone:7.2f} ×    p95 {late / late_alone:7.2f} ×")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)

"""Many people at once, at different things, for some minutes: how long they wait, what fails, and whether it is right.

``python -m tests.benchmarks.load_many [PEOPLE] [MINUTES]``, ten people and ten minutes unless told otherwise. Each
opens one address after another, drawn at random, and thinks a second or two in between. First one person opens all of
them on a server of its own; what many get is compared with that, element by element: words, tables, pictures, every
number.
"""

import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from urllib.parse import urlencode

import psutil
from websockets.exceptions import WebSocketException

from tests.benchmarks import machine
from tests.browser.conftest import start_server
from tests.sockets import Reader

SUBJECTS = ("bank", "court", "nurse", "river", "judge", "teller", "doctor", "lawyer", "patient", "witness")
VERBS = ("closed", "was late", "did not answer", "lost the papers", "paid in full", "asked for more time")


@dataclass(frozen=True)
class Address:
    """What is opened: a kind of work, a page, and what stands behind it."""

    kind: str
    page: str
    query: tuple[tuple[str, object], ...]
    pasted: str = ""

    def open(self, reader: Reader) -> float:
        """Open it; returns the seconds until all of it was there."""
        seconds = reader.open(self.page, **dict(self.query))
        return seconds + reader.set("pasted", string_value=self.pasted) if self.pasted else seconds


def addresses() -> list[Address]:
    """Return all that is opened."""
    found = []
    for subject in SUBJECTS:
        for verb in VERBS:
            text = f"The {subject} {verb} because the weather was bad."
            found.append(Address("attention", "attention", (("text", text),)))
            found.append(Address("attribution", "attributions", (("text", text),)))
            found.append(Address("masked word", "pretraining", (("text", text),)))
        lines = "\n".join(f"The {subject} {verb} {i} times." for verb in VERBS for i in range(20))
        found.append(Address("120 texts' vectors", "embeddings", (("from", "pasted"),), lines))
    found += [Address("other pages", page, ()) for page in ("", "runs", "finetune", "compare", "questions")]
    return found


@dataclass
class Result:
    """What many got."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    compared: int = 0


def one_person(known: list[Address]) -> dict[Address, str]:
    """Return what stands on each page for somebody alone; what is not the same twice is left out."""
    found: list[dict[Address, str]] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            process, server = start_server(BERTOSCOPE_CACHE=f"{folder}/cache", BERTOSCOPE_RUNS=f"{folder}/runs")
            try:
                every = {}
                for address in known:
                    with Reader(server) as reader:
                        address.open(reader)
                        every[address] = reader.digest
                found.append(every)
            finally:
                process.terminate()
                process.wait(30)
    return {address: digest for address, digest in found[0].items() if found[1][address] == digest}


def person(server: str, seed: int, known: list[Address], alone: dict[Address, str], until: float, into: Result) -> None:
    """Open addresses until the time is over."""
    draw = random.Random(seed)
    while time.monotonic() < until:
        address = draw.choice(known)
        try:
            # A tab of its own: what was opened before it is no part of what is compared.
            with Reader(server, patience=300) as reader:
                into.seconds[address.kind].append(address.open(reader))
                into.errors.update(reader.errors)
                if address in alone:
                    into.compared += 1
                    if reader.digest != alone[address]:
                        into.others[f"{address.page}?{urlencode(address.query)}"] += 1
        except (OSError, LookupError, TimeoutError, WebSocketException) as error:
            into.errors[f"{type(error).__name__}: {error}"] += 1
        time.sleep(draw.uniform(1, 2))


def main(people: int, minutes: float) -> None:
    """Measure and print."""
    known = addresses()
    print(f"{machine()}\n{people} people for {minutes:g} minutes", flush=True)
    alone = one_person(known)
    print(f"  {len(known)} addresses, of which {len(alone)} look the same to one person twice", flush=True)
    into = Result()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process, server = start_server(BERTOSCOPE_CACHE=f"{folder}/cache", BERTOSCOPE_RUNS=f"{folder}/runs")
        try:
            watched = psutil.Process(process.pid)
            until = time.monotonic() + 60 * minutes
            threads = [
                threading.Thread(target=person, args=(server, seed, known, alone, until, into))
                for seed in range(people)
            ]
            for one in threads:
                one.start()
            memory = []
            while any(one.is_alive() for one in threads):
                memory.append(watched.memory_info().rss)
                time.sleep(1)
        finally:
            process.terminate()
            process.wait(30)
    for kind, seconds in sorted(into.seconds.items()):
        cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else seconds * 99
        p50, p95, p99 = (1000 * cuts[at - 1] for at in (50, 95, 99))
        print(f"  {kind:20} {len(seconds):5} times   p50 {p50:6.0f}   p95 {p95:6.0f}   p99 {p99:6.0f} ms")
    middle = memory[len(memory) // 2]
    print(
        f"  memory: {memory[0] / 1e6:.0f} MB at first, {middle / 1e6:.0f} half-way, {memory[-1] / 1e6:.0f} at the end"
    )
    print(f"  compared with one person's: {into.compared}, of which others: {sum(into.others.values())}")
    for name, count in [*into.others.most_common(5), *into.errors.most_common(5)]:
        print(f"    {count} × {name}")
    print(f"  errors: {sum(into.errors.values())}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 10, float(given[1]) if given[1:] else 10)

"""A server in mixed use for half an hour: whether its memory, files, threads and processes are level at the end.

``python -m tests.benchmarks.soak [MINUTES] [PICTURE]``, 30 minutes unless told otherwise. Four people open pages with
texts of their own, embed lists, attribute, guess words; every few minutes one fine-tunes, and one leaves a page in the
middle of its work. Every five minutes whoever runs the server frees what is kept (as the page “Server” does): memory
after that would grow if anything were held that nobody can let go of. What is looked at is drawn, and printed.
"""

import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
from websockets.exceptions import WebSocketException

from tests.benchmarks import machine
from tests.benchmarks.load_many import SUBJECTS, VERBS
from tests.browser.conftest import start_server
from tests.sockets import Reader

PEOPLE = 4
# Seconds between two looks at the process, between two times that all is freed, and between two fine-tunes.
LOOK, FREE, TRAIN = 5.0, 300.0, 240.0
# Failures that are nobody's fault: the tab was closed while it was waited for.
GONE = (OSError, LookupError, TimeoutError, WebSocketException)


def person(server: str, seed: int, until: float, did: Counter[str]) -> None:
    """Use the dashboard until the time is over, with texts that nobody had before."""
    draw = random.Random(seed)
    while time.monotonic() < until:
        text = f"The {draw.choice(SUBJECTS)} {draw.choice(VERBS)} on day {draw.randrange(10**6)}."
        kind = draw.choice(["attention", "attributions", "pretraining", "embeddings", "compare", "runs", "", "left"])
        try:
            with Reader(server) as reader:
                if kind == "embeddings":
                    reader.open("embeddings", **{"from": "pasted"})
                    reader.set("pasted", string_value="\n".join(f"{text} {i}" for i in range(100)))
                elif kind == "left":
                    reader.open("attributions", text=text, explain="masked_word")
                    reader.open("embeddings", **{"from": "pasted"})
                    reader.begin_set("pasted", string_value="\n".join(f"{text} {i}" for i in range(1500)))
                    time.sleep(draw.uniform(0.5, 2))
                else:
                    reader.open(kind, **({"text": text} if kind not in ("runs", "") else {}))
                did.update(reader.errors)
                did[kind or "home"] += 1
        except GONE as error:
            did[f"{type(error).__name__}: {error}"] += 1
        time.sleep(draw.uniform(0.5, 1.5))


def trainer(server: str, until: float, did: Counter[str]) -> None:
    """Fine-tune every few minutes, and delete what was trained before."""
    while time.monotonic() < until - TRAIN / 2:
        with suppress(*GONE), Reader(server) as reader:
            reader.open("runs")
            with suppress(LookupError):
                reader.press("runs_delete")
            reader.open("finetune", base="minilm-l3", stage="setup")
            reader.press("start")
            did["fine-tunes"] += 1
        time.sleep(TRAIN)


def free(server: str) -> None:
    """Free what the server keeps, as whoever runs it can."""
    with Reader(server) as reader:
        for card in ("sessions", "memory", "device"):
            reader.open("server")
            reader.press(f"free:{card}")


def look(process: psutil.Process) -> tuple[float, int, int, int]:
    """Return a process's megabytes, open files, threads, and how many processes it has started that are there."""
    with process.oneshot():
        own = process.memory_info().rss / 1e6, process.num_fds(), process.num_threads()
    return *own, len(process.children(recursive=True))


def main(minutes: float, picture: Path) -> None:
    """Use it, watch it, draw it."""
    print(f"{machine()}\n{PEOPLE} people for {minutes:g} minutes", flush=True)
    did: Counter[str] = Counter()
    seen: list[tuple[float, float, int, int, int]] = []
    freed: list[tuple[float, float, int, int, int]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder, "log")
        with log.open("wb") as said:
            process, server = start_server(said, BERTOSCOPE_CACHE=f"{folder}/cache", BERTOSCOPE_RUNS=f"{folder}/runs")
        begin = time.monotonic()
        until = begin + 60 * minutes
        try:
            watched = psutil.Process(process.pid)
            work = [(person, (server, seed, until, did)) for seed in range(PEOPLE)] + [(trainer, (server, until, did))]
            threads = [threading.Thread(target=target, args=args, daemon=True) for target, args in work]
            for one in threads:
                one.start()
            next_free = begin + FREE
            while time.monotonic() < until:
                seen.append(((time.monotonic() - begin) / 60, *look(watched)))
                if time.monotonic() >= next_free:
                    free(server)
                    freed.append(((time.monotonic() - begin) / 60, *look(watched)))
                    print(f"  freed at minute {freed[-1][0]:4.1f}: {describe(freed[-1])}", flush=True)
                    next_free += FREE
                time.sleep(LOOK)
            for one in threads:
                one.join(180)
            # Tabs that are closed are forgotten after two minutes.
            time.sleep(130)
            free(server)
            freed.append(((time.monotonic() - begin) / 60, *look(watched)))
        finally:
            process.terminate()
            process.wait(30)
            # Warnings, and where unforeseen errors come from.
            sys.stdout.write(log.read_text("utf-8", "replace")[-20_000:])
    print(f"  at the end, nobody there: {describe(freed[-1])}")
    half = [one for one in freed[:-1] if one[0] > minutes / 2]
    early = [one for one in freed[:-1] if one[0] <= minutes / 2]
    if early and half:
        for name, index in (("MB", 1), ("files", 2), ("threads", 3), ("processes", 4)):
            first, second = (statistics.median(one[index] for one in some) for some in (early, half))
            print(f"  after freeing, first half and second half (medians): {first:.0f} and {second:.0f} {name}")
    print("  " + ", ".join(f"{count} × {kind}" for kind, count in did.most_common()))
    draw(seen, freed, picture)


def describe(one: tuple[float, float, int, int, int]) -> str:
    """Say what a look has found."""
    return f"{one[1]:.0f} MB, {one[2]} files, {one[3]} threads, {one[4]} processes"


def draw(seen: list[tuple[float, ...]], freed: list[tuple[float, ...]], picture: Path) -> None:
    """Draw what was looked at, over time."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(4, 1, figsize=(8, 8), sharex=True, layout="constrained")
    for index, (axis, title) in enumerate(
        zip(axes, ("memory (MB)", "open files", "threads", "processes"), strict=True)
    ):
        axis.plot([one[0] for one in seen], [one[index + 1] for one in seen], color="#195a94", linewidth=1)
        axis.plot(
            [one[0] for one in freed],
            [one[index + 1] for one in freed],
            "o",
            color="#b4530a",
            label="after everything that is kept was freed",
        )
        axis.set_ylabel(title)
        axis.set_ylim(bottom=0)
    axes[0].legend(loc="lower right", frameon=False)
    axes[-1].set_xlabel("minutes")
    figure.suptitle(f"One server, {PEOPLE} people at mixed work and a fine-tune every {TRAIN / 60:.0f} minutes")
    figure.savefig(picture, metadata={"Date": None})
    print(f"  drawn: {picture}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else 30.0, Path(given[1] if given[1:] else "soak.svg"))

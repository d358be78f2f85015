"""The built-in models beside each other: loading, memory, the first picture of a page, and vectors beside a peer's.

Each is loaded, and each page is opened, by a process of its own, whose folders are there already. The peer is
sentence-transformers' `SentenceTransformer` on the very same folder.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from playwright.sync_api import Browser, sync_playwright

import interpret as it
from dashboard import ROOT
from interpret.core.checkpoints import whole_folder
from interpret.core.files import read_table
from tests.benchmarks import in_turn, machine, row
from tests.browser.conftest import start_server

ROUNDS = 5
MODELS = ("minilm", "minilm-l3", "e5")
# In the process that loads: what it imports before is not counted.
LOAD = """
import sys, time
import psutil, torch
import interpret as it
import interpret.core.encoder_loading
memory = psutil.Process().memory_info
before, begin = memory().rss, time.perf_counter()
encoder = it.load_encoder(sys.argv[1], device="cpu")
seconds, loaded = time.perf_counter() - begin, memory().rss
it.trace(encoder, sys.argv[2])
print(seconds, (loaded - before) / 1e6, (memory().rss - before) / 1e6)
"""
TEXT = {"e5": "那只动物没有穿过街道，它实在太累了。"}
ENGLISH = "The animal didn't cross the street because it was too tired."


def load(name: str) -> tuple[float, float, float]:
    """Load a model; returns seconds, and the megabytes that the process has more: loaded, and with a trace."""
    command = [sys.executable, "-c", LOAD, name, TEXT.get(name, ENGLISH)]
    # Transformers says on stderr what it reads.
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    seconds, loaded, traced = map(float, said.split())
    return seconds, loaded, traced


def first_picture(browser: Browser, name: str) -> float:
    """Return the seconds from the address to the first heat map, of an app that has loaded nothing yet."""
    with tempfile.TemporaryDirectory() as runs:
        process, address = start_server(BERTOSCOPE_RUNS=runs, BERTOSCOPE_CACHE=os.environ.get("BERTOSCOPE_CACHE", ""))
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 1600}, locale="en-US")
            begin = time.perf_counter()
            page.goto(f"{address}/attention?lang=en&model={name}")
            page.wait_for_selector("[data-testid=explorer][data-drawn]", timeout=180_000)
            seconds = time.perf_counter() - begin
            page.close()
        finally:
            process.terminate()
            process.wait(10)
    return seconds


def throughput(name: str, texts: list[str]) -> None:
    """Print how long all vectors of the last layer take, beside the peer's."""
    from sentence_transformers import SentenceTransformer

    encoder = it.load_encoder(name, device="cpu")
    peer = SentenceTransformer(str(whole_folder(encoder.spec.checkpoint)), device="cpu")
    seconds = in_turn(
        {
            "SentenceTransformer.encode": lambda: peer.encode(texts, show_progress_bar=False),
            "interpret.embed": lambda: it.embed(encoder, texts, layers=[-1]),
        },
        ROUNDS,
    )
    print(f"{name}, {len(texts)} texts")
    for what, times in seconds.items():
        print(row(what, times, seconds["SentenceTransformer.encode"]))


def main() -> None:
    """Print the tables."""
    print(machine())
    for name in MODELS:
        # Put together once.
        it.load_encoder(name, device="cpu")
    print("loading: median seconds; MB more when loaded, and with a trace")
    loads = {name: [] for name in MODELS}
    for _ in range(ROUNDS):
        for name in MODELS:
            loads[name].append(load(name))
    for name, found in loads.items():
        middle = [statistics.median(column) for column in zip(*found, strict=True)]
        print(f"  {name:12} {middle[0]:6.2f} s {middle[1]:7.0f} MB {middle[2]:7.0f} MB")
    print("first picture of Attention, from a new app: seconds, and times MiniLM's")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        pictures: dict[str, list[float]] = {name: [] for name in MODELS}
        for _ in range(ROUNDS):
            for name in MODELS:
                pictures[name].append(first_picture(browser, name))
        browser.close()
    for name, times in pictures.items():
        ratios = sorted(one / other for one, other in zip(times, pictures["minilm"], strict=True))
        low, middle, high = ratios[0], statistics.median(ratios), ratios[-1]
        print(f"  {name:12} {statistics.median(times):6.1f} s   {middle:5.2f} × ({low:.2f}–{high:.2f})")
    for name, file in {"e5": "topics.zh-CN.csv", "minilm-l3": "topics.csv"}.items():
        table = read_table((ROOT / "dashboard/examples" / file).read_bytes(), file)
        throughput(name, [one[0] for one in table.rows] * 4)


if __name__ == "__main__":
    main()

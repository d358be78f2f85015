"""The Attributions page in a browser: from the click to the first picture, and from leaving it to rest.

``python -m tests.benchmarks.bench_attributions_page``. Every sentence is a new one of twenty words, so nothing is kept
from before.
"""

import shutil
import statistics
import tempfile
import time

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks import machine
from tests.browser.conftest import start_server

SENTENCES = [
    f"{first} {rest}"
    for first in ("Yesterday", "Today", "Tomorrow", "Overnight", "Finally", "Meanwhile")
    for rest in (
        "the appeal court in the capital dismissed all but one of the charges that prosecutors had brought against him",
    )
]
LONG = " ".join(SENTENCES)


# Seen by the page itself: Playwright's locators look only every half second. From the press of the button to the frame
# after the one in which so many methods are there; those in work have no passes to tell of yet.
WATCH = """
([word, counts]) => {
  window.drawn = new Promise(done => {
    const times = [];
    let begin = null;
    document.addEventListener("pointerdown", () => { begin = performance.now(); }, { capture: true, once: true });
    const look = () => {
      const roots = [...document.querySelectorAll("*")].map(one => one.shadowRoot).filter(Boolean);
      const figures = roots.flatMap(root => [...root.querySelectorAll("[data-testid=words] figure")]);
      const there = figures.filter(one => one.textContent.includes(word) && one.textContent.includes("passes forward"));
      if (times.length === counts.length) return done(times);
      if (begin !== null && there.length >= counts[times.length])
        return requestAnimationFrame(() => { times.push((performance.now() - begin) / 1000); look(); });
      requestAnimationFrame(look);
    };
    look();
  });
}
"""


def drawn(page: Page, word: str, count: int) -> None:
    """Wait until so many methods are drawn for the text with this word, and the page is at rest."""
    figures = page.get_by_test_id("words").locator("figure", has_text=word)
    figures.filter(has_text="passes: ").nth(count - 1).wait_for()
    page.get_by_test_id("stApp").and_(page.locator("[data-test-script-state=notRunning]")).wait_for()


def explain(page: Page, text: str) -> tuple[float, float]:
    """Type a text and ask; returns the seconds until the first method and until all are drawn."""
    page.get_by_label("Text", exact=True).fill(text)
    look = page.get_by_role("button", name="Analyse")
    look.wait_for()
    page.evaluate(WATCH, [text.split()[0], [1, 3]])
    look.click()
    first, third = page.evaluate("window.drawn")
    drawn(page, text.split()[0], 3)
    return first, third


def leave(page: Page, address: str, process: psutil.Process) -> tuple[float, float]:
    """Leave while Shapley values of a long text are drawn; the seconds until the next page, and until it rests."""
    page.goto(f"{address}/attributions?lang=en&methods=shapley_sampling")
    page.get_by_label("Text", exact=True).fill(LONG)
    page.get_by_role("button", name="Analyse").click()
    page.get_by_role("button", name="Shapley sampling: about").click()
    page.get_by_text("passes through the model").wait_for()
    begin = time.perf_counter()
    page.get_by_role("link", name="Embeddings").click()
    page.get_by_role("heading", name="Embeddings").first.wait_for()
    there = time.perf_counter() - begin
    while process.cpu_percent(interval=0.25) > 20:
        pass
    return there, time.perf_counter() - begin


def main() -> None:
    """Print the table."""
    print(machine())
    with tempfile.TemporaryDirectory() as cache, sync_playwright() as playwright:
        server, address = start_server(BERTOSCOPE_CACHE=cache)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        page.set_default_timeout(120_000)
        begin = time.perf_counter()
        page.goto(f"{address}/attributions?lang=en")
        drawn(page, "[CLS]", 3)
        print(f"  the page with a model that is not loaded yet, at rest: {time.perf_counter() - begin:.2f} s")
        times = [explain(page, text) for text in SENTENCES]
        for place, name in enumerate(("first method drawn", "three methods drawn")):
            some = [one[place] for one in times]
            print(f"  20 words, {name:20} {statistics.median(some):6.2f} s after the click, {max(some):.2f} s at most")
        there, rest = leave(page, address, psutil.Process(server.pid))
        print(f"  left in the middle of long work: next page after {there:.2f} s, at rest after {rest:.2f} s")
        browser.close()
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()

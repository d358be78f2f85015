"""The Embeddings page with very many rows, in a browser: time, memory, frames a second; bare Plotly beside it.

``python -m tests.benchmarks.bench_embeddings_page [ROWS ...]``, 50,000 unless told otherwise. Vectors of every layer,
in float32. Plotly gets the page's number of points, as many groups, and the same wheel and mouse in the same Chromium.
"""

import csv
import math
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import plotly
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from dashboard import ROOT
from tests.benchmarks import machine
from tests.browser.conftest import start_server

MINUTES = 40
SCATTER = "[data-testid=scatter]"
# The time between two frames that the browser could draw, while something goes on.
WATCH = """() => {
  window.frames_ms = [];
  window.watching = true;
  let last = performance.now();
  const tick = (now) => {
    window.frames_ms.push(now - last);
    last = now;
    if (window.watching) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""
PEER = """<div id="g" style="width:1000px;height:640px"></div><script src="plotly.min.js"></script><script>
const draw = (kind, count, dragmode) => {
  const groups = Array.from({ length: 8 }, (_, g) => {
    const column = () => Float32Array.from({ length: count / 8 }, () => g / 4 + Math.random() + Math.random());
    const deep = kind === "scatter3d" ? { z: column() } : {};
    return { type: kind, mode: "markers", x: column(), y: column(), ...deep, text: Array(count / 8).fill("a text"),
             marker: { size: 3, opacity: 0.7, line: { width: 0 } } };
  });
  Plotly.purge("g");
  return Plotly.newPlot("g", groups, { dragmode }, { scrollZoom: true });
};
</script>"""


class Memory:
    """The most that a process and its children had resident."""

    def __init__(self, process: int) -> None:
        self.process = psutil.Process(process)
        self.most = 0

    def look(self) -> float:
        """Measure now; returns GB."""
        every = [self.process, *self.process.children(recursive=True)]
        self.most = max(self.most, sum(one.memory_info().rss for one in every))
        return self.most / 1e9


def make_rows(file: Path, rows: int) -> None:
    """Write texts of three to fourteen words, each with one of six topics and a number."""
    with (ROOT / "dashboard/examples/topics.csv").open(encoding="utf-8", newline="") as stream:
        examples = list(csv.DictReader(stream))
    draw = random.Random(0)
    words: dict[str, list[str]] = {}
    for one in examples:
        words.setdefault(one["topic"], []).extend(one["text"].split())
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "topic", "number"])
        for number in range(rows):
            topic = draw.choice(list(words))
            writer.writerow([" ".join(draw.choices(words[topic], k=draw.randint(3, 14))), topic, number])


def wait(page: Page, done: Callable[[], bool], memory: Memory) -> float:
    """Wait until something is so, watching the memory; returns the seconds."""
    begin = time.perf_counter()
    while not done():
        memory.look()
        page.wait_for_timeout(50)
        if time.perf_counter() - begin > 60 * MINUTES:
            sys.exit(f"not done within {MINUTES} minutes")
    memory.look()
    return time.perf_counter() - begin


def frames(page: Page, what: str, act: Callable[[], None]) -> None:
    """Print how long frames take while something is done: the middle one, and the slowest of twenty."""
    page.evaluate(WATCH)
    begin = time.perf_counter()
    act()
    seconds = time.perf_counter() - begin
    page.evaluate("window.watching = false")
    times = sorted(page.evaluate("window.frames_ms"))[1:]
    late = times[int(len(times) * 0.95)]
    print(f"    {what:28} {seconds:6.2f} s   a frame {statistics.median(times):5.0f} ms, of 20 one over {late:5.0f} ms")


def by_hand(page: Page, x: float, y: float, pan: Callable[[], None], lasso: Callable[[], None] | None) -> None:
    """Zoom, pull and draw around points, at a place of the window."""
    page.mouse.move(x, y)
    frames(page, "zooming, 40 notches", lambda: [page.mouse.wheel(0, -60 if i % 20 < 10 else 60) for i in range(40)])
    for name, choose in (("pulling or turning, 60 moves", pan), ("lasso, 60 moves", lasso)):
        if choose is None:
            continue
        choose()
        page.mouse.move(x, y)
        page.mouse.down()
        circle = [(x + 120 * math.sin(i / 9), y + 120 * math.cos(i / 9) - 120) for i in range(60)]
        frames(page, name, lambda circle=circle: [page.mouse.move(*place) for place in circle])
        page.mouse.up()


def ours(browser: Browser, address: str, file: Path, rows: int, memory: Memory) -> None:
    """Print what the page takes."""
    page = browser.new_page(viewport={"width": 1440, "height": 1300})
    page.set_default_timeout(60_000 * MINUTES)
    page.goto(f"{address}/embeddings?lang=en")
    page.wait_for_selector(f"{SCATTER}[data-drawn]")
    scatter = page.get_by_test_id("scatter")

    def another(before: str | None) -> Callable[[], bool]:
        return lambda: scatter.count() == 1 and scatter.get_attribute("data-drawn") not in (None, before)

    before = scatter.get_attribute("data-drawn")
    page.get_by_text("File", exact=True).click()
    page.locator('[class*="st-key-slot-sidebar-"] input[type=file]').set_input_files(file)
    page.get_by_label("Rows to read").click()
    page.get_by_role("option", name="all", exact=True).click()
    page.get_by_role("button", name=re.compile(f"^Read {rows:,}")).click()
    seconds = wait(page, another(before), memory)
    print(f"  {rows:,} rows: read at every layer and drawn after {seconds:.0f} s; at most {memory.look():.2f} GB")
    before = scatter.get_attribute("data-drawn")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Points shown").click()
    page.get_by_role("option").last.click()
    seconds = wait(page, another(before), memory)
    shown = min(rows, 50_000)
    print(f"  {shown:,} shown by PCA at seven layers: {seconds:.1f} s; at most {memory.look():.2f} GB")
    page.keyboard.press("Escape")
    page.wait_for_timeout(2000)
    box = page.locator(".bertoscope-scatter .nsewdrag").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    pick = {name: page.locator(f".modebar-btn[data-title='{name}']").first for name in ("Pan", "Lasso Select")}
    print(f"  {shown:,} points, flat:")
    by_hand(page, x, y, pick["Pan"].click, pick["Lasso Select"].click)
    begin = time.perf_counter()
    page.get_by_text("points selected").wait_for()
    print(f"    from letting go to the table {time.perf_counter() - begin:.2f} s")
    page.locator(".bertoscope-scatter input[type=range]").focus()
    layer = int(scatter.get_attribute("data-layer") or 0)

    def move() -> None:
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(700)

    frames(page, "to the layer below", move)
    seconds = wait(page, lambda: scatter.get_attribute("data-layer") == str(layer - 1), memory)
    print(f"    drawn by Plotly again after {seconds:.2f} s more; at most {memory.look():.2f} GB")
    before = scatter.get_attribute("data-drawn")
    page.get_by_text("3-D", exact=True).click()
    wait(page, another(before), memory)
    page.wait_for_timeout(3000)
    print(f"  {shown:,} points, in depth:")
    by_hand(page, x, y, lambda: None, None)
    page.close()


def peer(browser: Browser, folder: Path, points: int) -> None:
    """Print what bare Plotly takes for the same."""
    shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", folder)
    (folder / "peer.html").write_text(PEER, "utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 1300})
    page.set_default_timeout(60_000 * MINUTES)
    page.goto((folder / "peer.html").as_uri())
    page.evaluate("count => draw('scattergl', count, 'pan')", points)
    print(f"  bare Plotly, {points:,} points, flat:")
    relayout = "mode => Plotly.relayout('g', { dragmode: mode })"
    pan, lasso = (lambda: page.evaluate(relayout, "pan")), (lambda: page.evaluate(relayout, "lasso"))
    by_hand(page, 480, 320, pan, lasso)
    page.evaluate("count => draw('scatter3d', count, 'turntable')", points)
    page.wait_for_timeout(3000)
    print(f"  bare Plotly, {points:,} points, in depth:")
    by_hand(page, 480, 320, lambda: None, None)
    page.close()


def main() -> None:
    """Print the tables."""
    path = shutil.which("chromium")
    if path is None:
        sys.exit("no Chromium: install Debian's package `chromium`")
    print(machine())
    for rows in [int(one) for one in sys.argv[1:]] or [50_000]:
        with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
            folder = Path(place)
            make_rows(folder / "rows.csv", rows)
            process, address = start_server(BERTOSCOPE_CACHE=str(folder / "cache"), HF_HUB_OFFLINE="1")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            try:
                ours(browser, address, folder / "rows.csv", rows, Memory(process.pid))
            finally:
                process.terminate()
                process.wait(10)
            peer(browser, folder, min(rows, 50_000))
            browser.close()


if __name__ == "__main__":
    main()

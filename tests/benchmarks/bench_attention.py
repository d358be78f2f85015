"""The tabs of the Attention page: how soon they answer, and BertViz's page beside BertViz's own.

The steps are timed from a choice to the picture being drawn; a run over 500 texts to its first sign of life, to being
stopped and to its end; maximum flow beside NetworkX; each of BertViz's two views that it can make of a trace beside the
page that BertViz itself makes.
"""

import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import networkx
import numpy as np
import torch
from playwright.sync_api import Browser, Page, sync_playwright
from transformers import AutoModel

import interpret as it
from dashboard.components.bertviz import bertviz_page
from interpret.core.checkpoints import checkpoint_folder
from tests.benchmarks import in_turn, machine, row, text_of
from tests.benchmarks.bench_explorer import SHIM
from tests.browser.conftest import start_server

ROUNDS = 15


def drawn(page: Page) -> str:
    """Wait for the picture of the steps, and return what tells it from others."""
    page.wait_for_selector("[data-testid=steps][data-drawn]", timeout=60_000)
    return str(page.get_by_test_id("steps").get_attribute("data-drawn"))


def steps(browser: Browser, address: str, text: str, tokens: int) -> None:
    """Print how long it takes from choosing another token to its steps being drawn."""
    page = browser.new_page(viewport={"width": 1440, "height": 1200})
    page.goto(f"{address}/attention?lang=en&tab=steps&text={text.replace(' ', '+')}")
    drawn(page)
    times = []
    for index in range(ROUNDS):
        before = drawn(page)
        page.get_by_label("Query token", exact=True).click()
        option = page.get_by_role("option").nth(index % (tokens - 1) + 1)
        option.wait_for()
        begin = time.perf_counter()
        option.click()
        while page.get_by_test_id("steps").get_attribute("data-drawn") == before:
            if time.perf_counter() - begin > 5:  # the same token was chosen again
                break
            time.sleep(0.005)
        else:
            times.append(1000 * (time.perf_counter() - begin))
        time.sleep(0.2)
    print(
        f"  Q·K·V of {tokens} tokens: {statistics.median(times):.0f} ms from the click to the picture "
        f"(median of {len(times)}, from {min(times):.0f} to {max(times):.0f})"
    )
    page.close()


def corpus(browser: Browser, address: str, file: Path, count: int) -> None:
    """Print how soon a run over many texts shows that it runs, stops when asked to, and ends."""
    page = browser.new_page(viewport={"width": 1440, "height": 1200})
    page.goto(f"{address}/attention?lang=en&tab=heads&over=corpus")
    page.locator('[class*="st-key-slot-sidebar-"] input[type=file]').set_input_files(file)
    start = page.get_by_role("button", name="Measure heads over")
    progress = page.get_by_text(re.compile(rf"of {count} · \d")).first
    firsts, stops = [], []
    for _ in range(5):
        start.wait_for()
        begin = time.perf_counter()
        start.click()
        progress.wait_for()
        firsts.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        page.get_by_role("button", name="Stop the computation").click()
        page.get_by_text("Stopped. No result was kept").wait_for()
        stops.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    start.click()
    page.get_by_text("a named pattern:").wait_for(timeout=120_000)
    print(
        f"  heads over {count} texts: first progress after {statistics.median(firsts):.2f} s (most {max(firsts):.2f}), "
        f"stopped {statistics.median(stops):.2f} s after the click (most {max(stops):.2f}), done in "
        f"{time.perf_counter() - begin:.1f} s"
    )
    page.close()


def flow(encoder: it.Encoder, text: str) -> None:
    """Print one token's maximum flows beside NetworkX's."""
    trace = it.trace(encoder, text)
    n, layers = len(trace.tokens), len(trace.attention)
    mixed = 0.5 * trace.attention.mean(axis=1) + 0.5 * np.eye(n)
    graph = networkx.DiGraph()
    for layer in range(layers):
        for query in range(n) if layer < layers - 1 else [3]:
            for key in range(n):
                graph.add_edge((layer + 1, query), (layer, key), capacity=float(mixed[layer, query, key]))
    keys = range(min(n, 8))

    def peer() -> list[float]:
        return [networkx.maximum_flow_value(graph, (layers, 3), (0, key)) for key in keys]

    ours = it.attention.attention_flow(trace, [layers - 1], [3])[0, 0]
    print(f"maximum flow, {n} tokens, {layers} layers: largest difference {abs(ours[keys] - peer()).max():.1e}")
    share = len(keys) / n
    seconds = in_turn({"ours": lambda: it.attention.attention_flow(trace, [layers - 1], [3]), "networkx": peer}, 5)
    scaled = [one * share for one in seconds["ours"]]
    print(row(f"NetworkX, {len(keys)} inputs", seconds["networkx"], seconds["networkx"]))
    print(row(f"interpret, {len(keys)} inputs", scaled, seconds["networkx"]))


def bertviz(browser: Browser, encoder: it.Encoder, text: str) -> None:
    """Print the size, making and drawing of BertViz's page as made here and as BertViz makes it."""
    from bertviz import head_view, model_view

    tokens = encoder.tokens(text)
    trace = it.trace(encoder, text)
    model = AutoModel.from_pretrained(checkpoint_folder(encoder.spec.checkpoint), attn_implementation="eager").eval()
    with torch.inference_mode():
        attentions = model(**encoder.batch([tokens]), output_attentions=True).attentions
    layers = list(range(encoder.layers))
    import mpld3
    import xstatic.pkg.jquery as jquery

    scripts = [Path(mpld3.__file__).parent / "js/d3.v5.min.js", Path(jquery.BASE_DIR) / "jquery.min.js"]
    before = "".join(f"<script>{script.read_text('utf-8')}</script>" for script in scripts)
    for view, own in (("head", head_view), ("model", model_view)):
        print(f"BertViz's {view} view, {len(tokens)} tokens")
        makers = {
            "bertviz": lambda own=own: own(attentions, list(tokens.strings), html_action="return").data,
            "here": lambda view=view: bertviz_page(trace, view, layers, False, 0, 0)[0],
        }
        seconds = in_turn(makers, 5)
        for name, make in makers.items():
            page_text = make()
            if name == "bertviz":
                page_text = f"<meta charset='utf-8'>{before}<script>{SHIM}</script>{page_text}"
            with tempfile.TemporaryDirectory() as place:
                file = Path(place) / "view.html"
                file.write_text(page_text, "utf-8")
                page = browser.new_page(viewport={"width": 1440, "height": 1200})
                page.route("http*://**", lambda route: route.abort())
                begin = time.perf_counter()
                page.goto(f"file://{file}", timeout=120_000, wait_until="commit")
                page.wait_for_function("document.querySelectorAll('svg line').length > 100", timeout=120_000)
                page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")
                opened = time.perf_counter() - begin
                nodes = page.locator("svg *").count()
                page.close()
            print(
                f"{row(name, seconds[name], seconds['bertviz'])}  {len(page_text) / 1e6:6.2f} MB, {nodes:,} nodes, "
                f"drawn {opened:.1f} s after it was opened"
            )


def main() -> None:
    """Print the tables."""
    path = shutil.which("chromium")
    if path is None:
        sys.exit("no Chromium: install Debian's package `chromium`")
    print(machine())
    encoder = it.load_encoder()
    short = text_of(encoder, 12)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        words = text_of(encoder, 400).split()
        texts = [" ".join(words[i % 40 : i % 40 + 8 + i * 7 % 25]) + f" {i}" for i in range(500)]
        file = Path(place) / "texts.txt"
        file.write_text("\n\n".join(texts), "utf-8")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        process, address = start_server()
        try:
            steps(browser, address, short, len(encoder.tokens(short)))
            corpus(browser, address, file, len(texts))
        finally:
            process.terminate()
            process.wait(10)
        for length in (16, 64):
            flow(encoder, text_of(encoder, length))
        for length in (16, 36, 64):
            bertviz(browser, encoder, text_of(encoder, length))
        browser.close()


if __name__ == "__main__":
    main()

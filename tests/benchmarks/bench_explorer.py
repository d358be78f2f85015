"""The explorer in a browser beside BertViz's head view, on the same text in the same Chromium.

BertViz gets what it would fetch from elsewhere (require.js, jQuery, d3) from packages, so that both are offline.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch
from playwright.sync_api import Browser, Error, sync_playwright
from transformers import AutoModel

import interpret as it
from interpret.core.checkpoints import checkpoint_folder
from tests.benchmarks import machine, text_of
from tests.browser.conftest import start_server
from tests.tiny import make_base_shape

LIMIT = 60
SHIM = """
const packages = { jquery: window.$, d3: window.d3 };
window.requirejs = window.require = (names, use) => use(...names.map((name) => packages[name]));
require.config = () => {};
"""
# From the click to the head being drawn, timed in the page itself.
SWITCH = """
([layer, head]) => new Promise((done) => {
  const roots = [...document.querySelectorAll("*")].map((one) => one.shadowRoot);
  const root = roots.find((one) => one?.querySelector(".explorer"));
  const explorer = root.querySelector(".explorer");
  const begin = performance.now();
  new MutationObserver((_, observer) => {
    if (explorer.dataset.drawn !== `${layer}.${head}`) return;
    observer.disconnect();
    done(performance.now() - begin);
  }).observe(explorer, { attributes: true });
  root.querySelector(`[aria-label="Layer ${layer}, head ${head}"]`).click();
})
"""


def explore(browser: Browser, process, address: str, model: str, encoder: it.Encoder, text: str) -> None:
    """Print what the explorer takes: to be there, over the wire, to switch heads, in memory."""
    page = browser.new_page(viewport={"width": 1440, "height": 1200})
    page.goto(f"{address}/attention?lang=en&model={model}")
    page.wait_for_selector("[data-testid=explorer][data-drawn]", timeout=120_000)
    received: list[int] = []
    # Streamlit talks over one socket: a new page, whose first text is the long one, has all of it.
    before = page.get_by_test_id("explorer").get_attribute("data-key")
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on("Network.webSocketFrameReceived", lambda event: received.append(len(event["response"]["payloadData"])))
    page.get_by_label("Text", exact=True).fill(text)
    begin = time.perf_counter()
    page.get_by_role("button", name="Analyse").click()
    while page.get_by_test_id("explorer").get_attribute("data-key") == before:
        time.sleep(0.01)
    total = time.perf_counter() - begin
    caption = page.get_by_text("read in").inner_text()
    forward = float(caption.split("read in ")[1].split(" s")[0])
    # Binary frames arrive in the log as base64.
    print(f"  explorer: drawn {total - forward:.2f} s after the forward pass ({forward:.2f} s)")
    print(f"  explorer: {sum(received) * 3 / 4 / 1e6:.2f} MB over the wire for the first picture")
    client.detach()
    times = []
    for index in range(24):
        head = (index * 5 + 1) % encoder.layers, (index * 7 + 3) % encoder.heads
        times.append(page.evaluate(SWITCH, list(head)))
        time.sleep(0.3)
    print(
        f"  explorer: head switch {statistics.median(times):.0f} ms in the browser "
        f"(median of {len(times)}, from {min(times):.0f} to {max(times):.0f})"
    )
    memory = psutil.Process(process.pid).memory_info().rss
    print(f"  explorer: server process {memory / 1e9:.2f} GB")
    page.close()


def bertviz(browser: Browser, folder: Path, encoder: it.Encoder, text: str) -> None:
    """Print what BertViz's head view takes: to be made, in bytes, and whether it is drawn."""
    from bertviz import head_view

    tokens = encoder.tokens(text)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        attentions = model(**encoder.batch([tokens]), output_attentions=True).attentions
    begin = time.perf_counter()
    page_text = head_view(attentions, list(tokens.strings), html_action="return").data
    built = time.perf_counter() - begin
    print(f"  BertViz head_view: {built:.1f} s to build, {len(page_text) / 1e6:.0f} MB of HTML")
    import mpld3
    import xstatic.pkg.jquery as jquery

    scripts = [Path(mpld3.__file__).parent / "js/d3.v5.min.js", Path(jquery.BASE_DIR) / "jquery.min.js"]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "view.html"
        with file.open("w", encoding="utf-8") as stream:
            stream.write("<meta charset='utf-8'>")
            for script in scripts:
                stream.write(f"<script>{script.read_text('utf-8')}</script>")
            stream.write(f"<script>{SHIM}</script>")
            stream.write(page_text)
        del page_text
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        page.route("http*://**", lambda route: route.abort())
        begin = time.perf_counter()
        try:
            page.goto(f"file://{file}", timeout=LIMIT * 1000, wait_until="commit")
            page.wait_for_selector("svg line, svg path", state="attached", timeout=LIMIT * 1000)
            print(f"  BertViz head_view: drawn {time.perf_counter() - begin:.1f} s after it was opened")
        except Error:
            print(f"  BertViz head_view: not drawn within {LIMIT} s")
        page.close()


def main() -> None:
    """Print the tables."""
    path = shutil.which("chromium")
    if path is None:
        sys.exit("no Chromium: install Debian's package `chromium`")
    print(machine())
    with tempfile.TemporaryDirectory() as models, sync_playwright() as playwright:
        make_base_shape(Path(models) / "base")
        encoders = {"minilm": it.load_encoder(), "folder:base": it.load_encoder(str(Path(models) / "base"))}
        for model, lengths in {"minilm": (114, 512), "folder:base": (512,)}.items():
            encoder = encoders[model]
            for length in lengths:
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                text = text_of(encoder, length)
                print(f"{encoder.layers}×{encoder.heads} heads, {len(encoder.tokens(text))} tokens")
                process, address = start_server(BERTOSCOPE_MODELS=models, HF_HUB_OFFLINE="1")
                try:
                    explore(browser, process, address, model, encoder, text)
                finally:
                    process.terminate()
                    process.wait(10)
                # For 12×12 heads it takes 10 GB of memory and makes 1.7 GB of HTML; ask for it with BERTVIZ_ALL=1.
                if model == "minilm" or os.environ.get("BERTVIZ_ALL"):
                    bertviz(browser, checkpoint_folder(encoder.spec.checkpoint), encoder, text)
                browser.close()


if __name__ == "__main__":
    main()

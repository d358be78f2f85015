"""Take the pictures of the documentation anew: ``python -m tests.pictures [NAME …]`` (`make pictures`).

Each is a page as it opens at an address, in both languages. Two short trainings give the pages of runs something to
show.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import expect, sync_playwright

import interpret as it
from dashboard import ROOT
from tests.browser.conftest import rest, start_server

FOLDER = ROOT / "docs/pictures"
# What the pages are called in `docs/`, and the language of the page and of the browser.
LANGUAGES = {"": ("en", "en-US"), ".zh-CN": ("zh_CN", "zh-CN")}
BANK = "She sat on the bank of the river and counted the money that the bank had lent her."
DOOR = "She opened the old door and went up the stairs to her room."
PROBE = "Sound is rich, fit is snug, and I'm really happy with these headphones."
# Of each picture the page, what its address says, and its height.
PICTURES: dict[str, tuple[str, dict[str, str], int]] = {
    "home": ("", {}, 820),
    "attention": ("attention", {"heads": "2.9", "text": BANK}, 1120),
    "steps": ("attention", {"tab": "steps"}, 1180),
    "embeddings": ("embeddings", {}, 1180),
    "attributions": ("attributions", {}, 1300),
    "pretraining": ("pretraining", {"hidden": "5", "text": DOOR}, 1320),
    "finetune": ("finetune", {"stage": "inside", "run": "lower-half"}, 1500),
    "runs": ("runs", {}, 900),
}
# Of these the address says something else in Chinese, where another model reads other texts.
IN_CHINESE: dict[str, dict[str, str]] = {"attention": {}}


def train(runs: Path) -> None:
    """Fine-tune the built-in model twice on the example file, whole and with the lower half frozen."""
    content = (ROOT / "dashboard/examples/sentiment.csv").read_bytes()
    half = ("embeddings", "0", "1", "2")
    for name, frozen in {"all layers": (), "lower half": half}.items():
        recipe = it.Recipe("minilm", device="cpu", frozen=frozen, learning_rate=5e-5, epochs=4)
        request = it.runs.Request(recipe, name, "sentiment.csv", text="text", label="sentiment", probes=(PROBE,))
        run = it.finetune(runs / name.replace(" ", "-"), request, content)
        assert run.state == "done", run.error


def main(wanted: Iterable[str]) -> None:
    """Take all of them, or some."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        train(runs)
        process, address = start_server(BERTOSCOPE_RUNS=str(runs), BERTOSCOPE_CACHE=str(Path(folder) / "cache"))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--force-device-scale-factor=1"]
                )
                for ending, (language, locale) in LANGUAGES.items():
                    for name in wanted:
                        path, query, height = PICTURES[name]
                        query = IN_CHINESE.get(name, query) if language == "zh_CN" else query
                        page = browser.new_page(viewport={"width": 1440, "height": height}, locale=locale)
                        page.goto(f"{address}/{path}?{urlencode(query | {'lang': language})}")
                        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
                        rest(page)
                        # Charts are drawn a moment after the page is at rest.
                        page.wait_for_timeout(3000)
                        page.screenshot(path=FOLDER / f"{name}{ending}.png")
                        page.close()
        finally:
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    main(sys.argv[1:] or PICTURES)

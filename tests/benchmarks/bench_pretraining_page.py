"""The Pretraining page in a browser: from the click on a word to its guesses, and to the surprise of sixty words.

``python -m tests.benchmarks.bench_pretraining_page``. What is guessed and asked is new each time, so nothing is kept
from before.
"""

import shutil
import statistics
import tempfile

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks import machine
from tests.browser.conftest import start_server

TEXT = "Yesterday the old captain opened a wooden letter box and found another message from his brother in Lisbon"
WORDS = ("captain", "opened", "wooden", "letter", "found", "another", "message", "brother")
LONG = (
    "{} the judges of the appeal court in the capital met before noon to read the letters that the lawyers of the "
    "company had sent them, since nobody could say whether the contract that the village had made with the crown three "
    "hundred years ago still gave the beach to those who mend their nets there, or whether "
    "a hotel might now be built on it"
)

# Seen by the page itself: Playwright's locators look only every half second. From the press of the button until the
# frame in which the text is there has been drawn, which is when a message sent in that frame arrives.
WATCH = """
(wanted) => {
  window.seen = new Promise(done => {
    let begin = null;
    document.addEventListener("pointerdown", () => { begin = performance.now(); }, { capture: true, once: true });
    const look = () => {
      const inside = [...document.querySelectorAll("*")].map(one => one.shadowRoot).filter(Boolean);
      const texts = [...document.querySelectorAll("[data-testid=stMarkdownContainer]"), ...inside];
      if (begin !== null && wanted.every(one => texts.some(text => text.textContent.includes(one))))
      {
        const drawn = new MessageChannel();
        drawn.port1.onmessage = () => done((performance.now() - begin) / 1000);
        return drawn.port2.postMessage(null);
      }
      requestAnimationFrame(look);
    };
    look();
  });
}
"""


def at_rest(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    page.get_by_test_id("stApp").and_(page.locator("[data-test-script-state=notRunning]")).wait_for()


def hide(page: Page, word: str) -> float:
    """Click a word; returns the seconds until what was guessed for it is there. Then show it again."""
    spans = page.get_by_test_id("words").locator("span").get_by_text(word, exact=True)
    page.evaluate(WATCH, [f", originally “{word}”"])
    spans.click()
    taken = float(page.evaluate("window.seen"))
    at_rest(page)
    page.get_by_test_id("words").locator("span.instead").click()
    page.get_by_text("No word is masked yet.").wait_for()
    at_rest(page)
    return taken


def surprise(page: Page, number: int) -> float:
    """Type a text of sixty words; returns the seconds until its colours are there."""
    page.get_by_label("Text", exact=True).fill(LONG.format(f"Case{number}"))
    look = page.get_by_role("button", name="Analyse")
    look.wait_for()
    # The picture of the words, and not the field in which they are typed.
    page.evaluate(WATCH, [f"Case{number} the"])
    look.click()
    taken = float(page.evaluate("window.seen"))
    page.get_by_test_id("words").get_by_text(f"Case{number}").wait_for()
    at_rest(page)
    return taken


def report(what: str, times: list[float]) -> None:
    """Print a line of the table."""
    print(f"  {what:32} {statistics.median(times):6.2f} s after the click, {max(times):.2f} s at most")


def main() -> None:
    """Print the table."""
    print(machine())
    with tempfile.TemporaryDirectory() as cache, sync_playwright() as playwright:
        server, address = start_server(BERTOSCOPE_CACHE=cache)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        page.set_default_timeout(120_000)
        page.goto(f"{address}/pretraining?lang=en&hidden=&text={TEXT.replace(' ', '+')}")
        page.get_by_text("No word is masked yet.").wait_for()
        at_rest(page)
        # The first one loads what draws the pictures.
        times = [hide(page, word) for word in WORDS][1:]
        report("a word is hidden, guesses there", times)
        page.get_by_role("tab", name="Pseudo-perplexity").click()
        page.get_by_text("Pseudo-perplexity", exact=True).wait_for()
        at_rest(page)
        times = [surprise(page, number) for number in range(5)]
        report("the surprise of sixty words", times)
        browser.close()
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()

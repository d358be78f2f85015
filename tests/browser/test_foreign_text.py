"""Text from files and people is text in a real browser too: nothing is fetched, linked, formatted or drawn of it."""

import pytest
import transformers as tf
from playwright.sync_api import expect

from tests.browser.conftest import keyed, rest
from tests.pages.test_results_page import noise, plant
from tests.tiny import make_checkpoint

# As on the pages' own tests, and what only a browser's Markdown makes something of: addresses, people's and pages'.
NAMES = (
    "![x](http://evil.example/a.png) *hurt* :red[hurt] www.evil.example `hurt`",
    "~~hurt~~ $hurt^2$ [l](http://evil.example) <img src=http://evil.example/b.png> :material/home: :smile:",
    "http://evil.example/c.png a@evil.example :streamlit: :material_home: <b>hurt</b> -- hurt",
)
# Whatever a browser could have made of them.
MADE = (
    "img[src*=evil], a[href*=evil], image[href*=evil], .katex, a[href^='mailto:'], a[href^='javascript:'], "
    "img[alt='Streamlit logo']"
)
FORMATTED = "em, del, strong, b, code, .stMarkdownColoredText, [class*=colored-text]"


@pytest.fixture
def hostile(server, tiny_folders, runs):
    """The dashboard with a model and a run of which every name is hostile."""
    make_checkpoint(
        "bert",
        tiny_folders["bert"].parent / "named",
        loader=tf.AutoModelForSequenceClassification,
        id2label=dict(enumerate(NAMES)),
        label2id={name: place for place, name in enumerate(NAMES)},
        max_position_embeddings=300,
    )
    rows = [f'"bank {i} {NAMES[i % 3]}","{NAMES[i % 3]}"' for i in range(90)]
    plant(runs, "hostile", "\n".join(["text,label", *rows]).encode(), noise, base=NAMES[0], probes=NAMES[:1])
    return server


def check(page, there):
    rest(page)
    expect(there.filter(visible=True).first).to_be_visible()
    made = page.locator(MADE)
    assert made.count() == 0, made.first.evaluate("one => one.outerHTML")
    expect(page.locator(FORMATTED).filter(has_text="hurt")).to_have_count(0)
    # An icon or an emoji would have taken its name's place.
    expect(page.get_by_role("img", name="home icon")).to_have_count(0)


def test_names_are_text_in_a_browser(page, hostile):
    # Of requests to other hosts the page's fixture sees each, and says so in the end.
    for tab in ("why", "pairs", "whatif"):
        page.goto(f"{hostile}/attributions?model=folder:named&text=the+bank&why={tab}")
        check(page, page.get_by_text("hurt"))
    page.goto(f"{hostile}/finetune?model=folder:named&stage=watch&run=hostile")
    check(page, keyed(page, "confusion_order:en"))
    page.goto(f"{hostile}/runs?model=folder:named")
    check(page, page.get_by_test_id("stDataFrame"))

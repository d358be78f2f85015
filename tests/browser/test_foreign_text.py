"""Text from files and people is text in a real browser too: nothing is fetched, linked, formatted or drawn of it."""

import json
import re
import shutil
from urllib.parse import urlencode

import pytest
import transformers as tf
from playwright.sync_api import expect

from tests.browser.conftest import give, keyed, rest
from tests.browser.everywhere import views
from tests.pages.test_results_page import noise, plant
from tests.tiny import make_checkpoint

# As on the pages' own tests, and what only a browser's Markdown makes something of: addresses, people's and pages'.
NAMES = (
    "![x](http://evil.example/a.png) *hurt* :red[hurt] www.evil.example `hurt`",
    "~~hurt~~ $hurt^2$ [l](http://evil.example) <img src=http://evil.example/b.png> :material/home: :smile:",
    "http://evil.example/c.png a@evil.example :streamlit: :material_home: <b>hurt</b> -- hurt",
)
# A folder's and a file's name have no slash.
FOLDER = "![hurt](a) *hurt* :red[hurt] ~~hurt~~ $hurt^2$ :smile: <b>hurt<b>"
# Whatever a browser could have made of them.
MADE = (
    "img[src*=evil], a[href*=evil], image[href*=evil], .katex, a[href^='mailto:'], a[href^='javascript:'], "
    "img[alt='Streamlit logo']"
)
FORMATTED = "em, del, strong, b, code, .stMarkdownColoredText, [class*=colored-text]"
# What each page shows is of: which model it needs, and which of the file's rows and columns.
MODELS = {"pretraining": "2", "questions": "3"}
MORE = {
    "attention": {"source": "file", "row": "1"},
    "attributions": {"classifier": "file", "example": "short"},
    "compare": {"second": f"folder:{FOLDER}2"},
    "embeddings": {"from": "file"},
    "finetune": {"data": "file", "run": "hostile", "base": f"folder:{FOLDER}"},
}


@pytest.fixture(scope="module")
def hostile(server, tiny_folders, runs, tmp_path_factory):
    """The dashboard with models and a run of which every name is hostile; and a file of the same kind."""
    root = tiny_folders["bert"].parent
    named = {"id2label": dict(enumerate(NAMES)), "label2id": {name: place for place, name in enumerate(NAMES)}}
    heads = {"": (tf.AutoModelForSequenceClassification, named), "2": (tf.AutoModelForPreTraining, {})}
    for ending, (loader, more) in (heads | {"3": (tf.AutoModelForQuestionAnswering, {})}).items():
        make_checkpoint("bert", root / (FOLDER + ending), loader=loader, max_position_embeddings=300, **more)
    rows = [f'"bank {i} {NAMES[i % 3]}","{NAMES[i % 3]}"' for i in range(90)]
    plant(runs, "hostile", "\n".join(["text,label", *rows]).encode(), noise, base=NAMES[0], probes=NAMES[:1])
    lines = [{f"text {NAMES[0]}": f"the bank {i} {NAMES[i % 3]}", f"label {NAMES[1]}": NAMES[i % 3]} for i in range(30)]
    file = tmp_path_factory.mktemp("files") / f"{FOLDER}.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    yield server, file
    for ending in ("", "2", "3"):
        shutil.rmtree(root / (FOLDER + ending))
    shutil.rmtree(runs / "hostile")


@pytest.fixture(scope="module")
def reader(browser, hostile):
    """Somebody who has given the file once; it stays in the slot from view to view."""
    server, file = hostile
    context = browser.new_context(viewport={"width": 1440, "height": 1600}, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(30_000)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: (requests.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(f"{server}/runs")
    give(page, file)
    expect(keyed(page, "slot_card")).to_be_visible()
    yield page, requests
    context.close()


@pytest.mark.parametrize("view", views())
def test_names_are_text_in_every_view_of_a_browser(reader, hostile, view):
    page, requests = reader
    requests.clear()
    name, _mark, tab = view.partition("?")
    query = {"model": f"folder:{FOLDER}{MODELS.get(name, '')}", "device": "cpu", **MORE.get(name, {})}
    query |= {} if query.get("source") == "file" else {"text": NAMES[0], "pair": NAMES[1]}
    page.goto(f"{hostile[0]}/{name}?" + "&".join(filter(None, [tab, urlencode(query)])))
    rest(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    # There is something of it to be seen, and the page has not failed of it.
    expect(page.get_by_text("hurt").filter(visible=True).first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    made = page.locator(MADE)
    assert made.count() == 0, made.first.evaluate("one => one.outerHTML")
    # Of our own bold letters a name may be a part; alone in them, its signs have been taken for formatting.
    formatted = page.locator(FORMATTED).filter(has_text=re.compile(r"^\s*hurt(\^2)?\s*$"))
    assert formatted.evaluate_all("all => all.map(one => one.outerHTML)") == []
    # An icon or an emoji would have taken its name's place.
    expect(page.get_by_role("img", name="home icon")).to_have_count(0)
    assert [one for one in requests if not one.startswith((hostile[0], "data:", "blob:"))] == []

"""A report opened from disk, in a browser that has no network: for everybody to read, and to print."""

import re
import unicodedata
from collections import Counter
from io import BytesIO

import pytest
from pypdf import PdfReader

import interpret as it
from dashboard.report.html import html_file
from dashboard.report.markup import Numbers
from tests.browser.axe import AXE, violations
from tests.browser.conftest import Watch
from tests.reports import make_document, texts

pytestmark = pytest.mark.browser
# What stands out of the paper or its box, as wide as a page of A4 between its margins.
CUT = """() => [...document.body.querySelectorAll("*")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5
        || (one instanceof HTMLElement && getComputedStyle(one).display !== "inline"
            && one.scrollWidth > one.clientWidth + 1))
    .map((one) => `${one.tagName} ${one.className}: ${one.textContent.slice(0, 60)}`)"""
A4, MARGIN = 595, 30


@pytest.fixture(scope="module")
def document(tiny_folders):
    """50 rows of a file, some long and one without a space, explained by a tiny model."""
    body = [*texts(46), *texts(3, length=60, seed=2), "river" * 60]
    labels = ["water" if "river" in one else "money" if "money" in one else "beasts" for one in body]
    return make_document(it.load_encoder(str(tiny_folders["bert"]), device="cpu"), body, labels)


@pytest.fixture(params=["en", "zh_CN"])
def code(request):
    return request.param


@pytest.fixture
def file(document, code, tmp_path):
    file = tmp_path / f"report-{code}.html"
    file.write_bytes(html_file(document, "report.json", code))
    return file


@pytest.fixture
def offline(browser):
    """A fresh browser without a network, which nothing may ask for one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    page = context.new_page()
    watch = Watch(page)
    yield page
    context.close()
    assert watch.outside == []
    assert watch.errors == []


def letters(text):
    """Count letters; a font may give a character as the radical that it looks like."""
    return Counter(re.sub(r"\s", "", unicodedata.normalize("NFKC", text)))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 1440])
def test_everybody_can_read_it(offline, file, theme, width):
    if not AXE.exists():
        pytest.skip("axe-core is not here: `npm ci` in tests/javascript brings it")
    offline.set_viewport_size({"width": width, "height": 900})
    offline.emulate_media(color_scheme=theme)
    offline.goto(file.as_uri())
    bad = [one for one in violations(offline) if one.startswith(("serious", "critical"))]
    assert bad == []
    # Nobody has to move the page sideways.
    assert offline.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_numbers_of_each_row_are_the_librarys(offline, document, file):
    offline.goto(file.as_uri())
    shown = offline.evaluate(
        "[...document.querySelectorAll('data[data-json]')].map((one) => [one.dataset.json, one.value])"
    )
    numbers = Numbers(document)
    for pointer, value in shown:
        found = numbers.at(pointer)
        assert value == "" if found is None else float(value) == found
    # None of the 50 rows is left out.
    assert {int(one[1]) for pointer, _ in shown if (one := re.match(r"/rows/(\d+)/", pointer))} == set(range(50))


def test_no_text_is_cut_on_paper(offline, file):
    offline.set_viewport_size({"width": 672, "height": 1000})
    offline.emulate_media(media="print")
    offline.goto(file.as_uri())
    assert offline.evaluate(CUT) == []
    printed = PdfReader(BytesIO(offline.pdf(format="A4", prefer_css_page_size=True, print_background=True)))
    assert len(printed.pages) > 3
    for number, page in enumerate(printed.pages, 1):
        places = []

        def place(text, matrix, own, _font, _size, places=places):
            if text.strip():
                places.append(matrix[0] * own[4] + matrix[2] * own[5] + matrix[4])

        page.extract_text(visitor_text=place)
        # Every page has text, and none of it begins outside the margins.
        assert places, number
        assert min(places) > MARGIN, number
        assert max(places) < A4 - MARGIN, number
    # All that the page says is on paper: letter by letter, since lines break elsewhere there.
    said = letters(offline.evaluate("document.body.innerText"))
    told = letters("".join(page.extract_text() for page in printed.pages))
    # Of a few radicals (U+2E80 to U+2EFF) Unicode does not say which character they look like.
    radicals = sum(count for letter, count in told.items() if "\u2e80" <= letter <= "\u2eff")
    assert (said - told).total() <= radicals, said - told

"""A report's page: each number is the JSON's, text from files is text, and what is bad news stands first."""

import ast
import random
import re

import pytest

import interpret as it
from dashboard import ROOT
from dashboard.report.html import html_file, json_file
from dashboard.report.limits import _SENTENCES
from dashboard.report.markup import Numbers, element, fill, markup
from dashboard.report.style import _DARK, _LIGHT
from interpret.core.errors import InputError
from tests.reports import Page, make_document, texts

HOSTILE = (
    "<script>alert(1)</script> river",
    "</p></main><img src=x onerror=alert(1)> bank",
    "{count} {0} %s money",
    '" onmouseover="alert(1) rich',
    "]]> --> <!-- &lt; tired &amp;",
    "javascript:alert(1) [river](https://example.org) animals",
)


@pytest.fixture(scope="module")
def encoder(tiny_folders):
    return it.load_encoder(str(tiny_folders["bert"]), device="cpu")


@pytest.fixture(scope="module")
def document(encoder):
    """40 rows whose labels their words tell, and one with a label that is no class."""
    body = texts(40)
    labels = ["water" if "river" in one else "money" if "money" in one else "beasts" for one in body]
    return make_document(encoder, body, labels, more=[("the steep bank", "ghosts"), (" ", "water")])


@pytest.fixture(scope="module")
def noise(encoder):
    body = texts(50, seed=3)
    return make_document(encoder, body, random.Random(1).choices("ab", k=50), cases=[0])


@pytest.fixture(scope="module")
def hostile(encoder):
    body = [*HOSTILE, *texts(6, seed=5)]
    labels = ["<b>yes</b>", "no & no"] * 6
    return make_document(encoder, body, labels, cases=[0, 1, 2], name="<i>letters</i>.csv")


def shown(text):
    """Return the number that a page shows, and half of its last digit."""
    plain = text.replace("−", "-").replace(",", "").replace("+", "")
    share = plain.endswith("%")
    digits = len(plain.rstrip("%").partition(".")[2])
    scale = 100 if share else 1
    return float(plain.rstrip("%")) / scale, 0.5000001 * 10**-digits / scale


@pytest.mark.parametrize("code", ["en", "zh_CN"])
def test_every_number_stands_in_the_json_where_its_element_says(document, code):
    page, numbers = Page(html_file(document, "report.json", code)), Numbers(document)
    kept = page.all("data")
    assert len(kept) > 500
    for one in kept:
        value = numbers.at(one["data-json"])
        if value is None:
            assert (one["text"], one["value"]) == ("–", "")
            continue
        assert float(one["value"]) == value
        number, room = shown(one["text"])
        assert number == pytest.approx(value, abs=room), one
    words = [one for one in page.all("span") if "data-score" in one]
    assert len(words) > 50
    for one in words:
        number, room = shown(one["title"])
        assert number == pytest.approx(numbers.at(one["data-score"]), abs=room)
        side = ("plus" in one["class"]) - ("minus" in one["class"])
        assert side in (0, (number > 0) - (number < 0))


def test_a_page_has_no_number_of_its_own(document):
    """All decimals and percentages are in elements that say where they stand, but for those of method and axis."""
    page = html_file(document, "report.json", "en").decode()
    body = page[page.index("<body") :]
    rest = re.sub(r"<data .*?</data>|<svg.*?</svg>|<style.*?</style>|<[^>]*>", " ", body, flags=re.DOTALL)
    said = set(re.findall(r"\d+\.\d+%?|\d+%", rest))
    # The interval's level, ERASER's bins, the quantiles of random rankings; versions of software.
    versions = set(re.findall(r"\d+\.\d+", " ".join(filter(None, document["software"].values()))))
    assert said - versions <= {"95%", "50%", "97.5%", "5%", "2.5"}, said


def test_who_does_no_better_than_guessing_is_said_so_before_anything_else(noise, document):
    page = Page(html_file(noise, "report.json"))
    body = [one["tag"] for one in page.elements].index("body")
    header, first = page.elements[body + 1 : body + 3]
    assert header["tag"] == "header"
    assert first["class"] == "notice red"
    assert "/accuracy/0/majority" in [one.get("data-json") for one in page.elements[body : body + 20]]
    assert not [one for one in Page(html_file(document, "report.json")).elements if one.get("class") == "notice red"]


def test_text_from_a_file_is_text(hostile):
    content = html_file(hostile, "report.json")
    page = Page(content)
    assert {one["tag"] for one in page.elements} <= {
        *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "section", "article"),
        *("h1", "h2", "h3", "h4", "p", "ol", "ul", "li", "a", "dl", "dt", "dd", "div", "span", "small", "strong"),
        *("table", "caption", "colgroup", "col", "thead", "tbody", "tr", "th", "td", "data", "code"),
        *("figure", "figcaption", "svg", "line", "circle", "text"),
    }
    assert not [name for one in page.elements for name in one if name.startswith("on")]
    assert all(one["href"].startswith(("#", "https://")) for one in page.all("a"))
    assert not [one for one in page.all("a") if "example.org" in one["href"]]
    paragraphs = [one["text"] for one in page.all("p") if one.get("class") == "words"]
    assert paragraphs[::2][:3] == list(HOSTILE[:3])
    assert "<i>letters</i>.csv" in page.all("h1")[0]["text"]
    assert "<b>yes</b>" in [one["text"] for one in page.all("th")]


def test_a_page_fetches_nothing_and_runs_nothing(document):
    page = Page(html_file(document, "report.json"))
    assert not [one for one in page.elements if {"src", "srcset", "data", "action"} & one.keys()]
    assert not [one for one in page.elements if one["tag"] in ("script", "link", "iframe", "img", "object")]
    assert not re.search(r"url\(|@import", page.all("style")[0]["text"])
    (policy,) = [one for one in page.all("meta") if "http-equiv" in one]
    assert policy["content"].startswith("default-src 'none'")


def test_links_within_a_page_lead_somewhere_and_names_are_given_once(document):
    page = Page(html_file(document, "report.json"))
    names = [one["id"] for one in page.elements if "id" in one]
    assert len(names) == len(set(names))
    inside = [one["href"][1:] for one in page.all("a") if one["href"].startswith("#")]
    assert set(inside) <= set(names)
    assert {f"row-{document['rows'][one['index']]['row']}" for one in document["cases"]} <= set(inside)


def test_the_other_language_says_all_of_it_and_has_the_same_numbers(document):
    english, chinese = (Page(html_file(document, "report.json", code)) for code in ("en", "zh_CN"))
    assert (english.all("html")[0]["lang"], chinese.all("html")[0]["lang"]) == ("en", "zh-CN")
    pointers = [sorted(one["data-json"] for one in page.all("data")) for page in (english, chinese)]
    assert pointers[0] == pointers[1]
    for tag in ("h2", "h4", "caption", "dt", "li"):
        assert all(re.search(r"[\u4e00-\u9fff]", one["text"]) for one in chinese.all(tag) if one["text"]), tag
    assert html_file(document, "report.json", "zh_CN") == html_file(document, "report.json", "zh_CN")


def test_each_limit_that_the_library_counts_has_a_sentence():
    source = (ROOT / "interpret/attribution/report/limits.py").read_text("utf-8")
    counted = {
        one.args[0].value
        for one in ast.walk(ast.parse(source))
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "count"
    }
    assert len(counted) > 10
    assert counted | {"baseline", "few rows"} == set(_SENTENCES)


def test_rows_that_are_left_out_are_named_with_why(document):
    (one,) = document["left_out"]
    assert one["row"] == 42
    why = str(InputError.from_dict(one["why"]))
    assert why in [cell["text"] for cell in Page(html_file(document, "report.json")).all("td")]


def test_a_file_without_labels_has_no_accuracy_and_says_so(encoder, document):
    head = it.fit_head(encoder, texts(12), ["a", "b"] * 6)
    found = it.attribution.attribute_rows(encoder, texts(5, seed=8), head=head, method="occlusion")
    report = it.attribution.make_report(encoder, found, head=head, cases=[0], faithfulness=False)
    bare = it.attribution.report_json(report)
    page = Page(html_file(bare, "report.json"))
    assert [one["class"] for one in page.elements if "notice" in (one.get("class") or "")] == ["notice amber"]
    assert not [one for one in page.all("data") if one["data-json"].startswith(("/accuracy", "/calibration"))]


def test_the_json_file_is_named_with_its_digest(document):
    import hashlib

    digest = hashlib.sha256(json_file(document)).hexdigest()
    codes = [one["text"] for one in Page(html_file(document, "my report.json")).all("code")]
    assert {"my report.json", digest} <= set(codes)


def test_a_page_of_500_rows_stays_small(document):
    many = {**document, "rows": (document["rows"] * 13)[:500]}
    assert len(html_file(many, "report.json")) < 5 * 2**20


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colours", [_LIGHT, _DARK])
def test_words_on_colours_can_be_read(colours):
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    for ground, ink in colours.values():
        dark, light = sorted((luminance(ground), luminance(ink)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, ground


def test_markup_is_put_in_as_it_is_and_all_else_is_escaped():
    assert (
        element("p", "<b>", element("b", "&"), class_="a", data_json=None) == '<p class="a">&lt;b&gt;<b>&amp;</b></p>'
    )
    assert fill("<{name}> {other}", name="{name}", other=markup("<")) == "&lt;{name}&gt; &lt;"
    assert element("td", "\ud800") == "<td>\ufffd</td>"

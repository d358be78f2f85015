"""A journey through the Attributions page, in a real browser."""

import csv
import io
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import button, field, keyed, rest, tab, take

pytestmark = pytest.mark.browser
TEXT = "The court dismissed the unforeseeable appeal <img src=x onerror=alert(1)>"


def drawn(page):
    words = page.get_by_test_id("words")
    expect(words).to_have_count(1)
    expect(words).to_have_attribute("data-drawn", re.compile("."))
    return words


def test_three_methods_merged_words_a_report_and_a_word_switched_off(page, server, tmp_path):
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.goto(f"{server}/attributions?lang=en&methods=integrated_gradients,feature_ablation,gradient_shap")
    field(page, "text").fill(TEXT)
    button(page, "analyse").click()
    expect(page.get_by_text("Explained: class “law”").first).to_be_visible(timeout=60_000)
    words = drawn(page)
    expect(words.locator("figure")).to_have_count(3)
    expect(words.locator("figcaption")).to_have_text(["Integrated gradients", "Feature ablation", "GradientSHAP"])
    first = words.locator("figure").first.locator("span")
    expect(first.get_by_text("unforeseeable", exact=True)).to_have_count(1)
    expect(first.last).to_have_text("[SEP]")
    rest(page)
    merged = first.count()
    # Into tokens, and back to words; what was typed is text, not markup.
    page.get_by_text("Tokens", exact=True).click()
    # More of them than there were words.
    expect(first.nth(merged)).to_be_visible()
    expect(first.get_by_text("unforeseeable", exact=True)).to_have_count(0)
    page.get_by_text("Words", exact=True).click()
    expect(first).to_have_count(merged)
    expect(words.locator("img, b")).to_have_count(0)
    svg = take(page, tmp_path, "SVG").read_text("utf-8")
    assert svg.startswith("<svg")
    assert ">unforeseeable<" in svg
    assert "<img" not in svg
    assert "NaN" not in svg
    tab(page, "attributions", "quality").click()
    page.get_by_role("button", name=re.compile("^Delete words and measure")).click()
    measure = page.get_by_test_id("stMetricLabel").filter(has_text="Comprehensiveness")
    # Thousands of passes, on cores that other tests use too.
    expect(measure.first).to_be_visible(timeout=180_000)
    expect(page.get_by_text(re.compile(r"random: .* ± ")).first).to_be_visible()
    # What the table says of the word that matters most is what switching it off gives.
    tab(page, "attributions", "whatif").click()
    # Only when all of the tab is there: a run that still goes on would draw the button anew under the mouse.
    expect(button(page, "turning:start")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    drawn(page)
    keyed(page, "each_word_off").locator("summary").click()
    expect(page.get_by_role("button", name="CSV", exact=True)).to_be_visible()
    table = take(page, tmp_path, "CSV").read_text("utf-8-sig")
    rows = {row["Changes"]: float(row["law"]) for row in csv.DictReader(io.StringIO(table))}
    off = drawn(page).locator("figure span").get_by_text("court", exact=True)
    off.click()
    expect(off).to_have_class(re.compile("off"))
    line = page.get_by_text(re.compile("With these words switched off:"))
    expect(line).to_be_visible()
    before, after = (float(one) for one in re.search(r"([\d.]+)% → ([\d.]+)%", line.inner_text()).groups())
    assert before == pytest.approx(100 * rows["(original)"], abs=0.06)
    assert after == pytest.approx(100 * rows["– court"], abs=0.06)
    assert after < before
    assert alerts == []


def test_leaving_the_page_stops_the_work(page, started):
    process, server = started
    text = " ".join(
        f"The {name} court heard case number {i}." for i, name in enumerate(["first", "second", "third"] * 6)
    )
    page.goto(f"{server}/attributions?lang=en&methods=shapley_sampling")
    field(page, "text").fill(text)
    button(page, "analyse").click()
    # So many passes wait for a click, and would take a minute or more.
    page.get_by_role("button", name=re.compile("Shapley sampling: about [0-9],[0-9]{3} passes")).click()
    expect(page.get_by_text(re.compile(r"passes through the model · \d+ s so far"))).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Embeddings").click()
    expect(page.get_by_role("heading", name="Embeddings")).to_be_visible()
    deadline = time.monotonic() + 15
    while process.cpu_percent(interval=0.5) > 25:
        assert time.monotonic() < deadline, "the server still works for a page that nobody is on"
    rest(page)
    page.get_by_role("link", name="Attributions").click()
    # What was typed is there; nothing is, and nothing came of it, until it is asked for again.
    expect(field(page, "text")).to_have_value(text)
    expect(page.get_by_role("button", name=re.compile("Shapley sampling: about"))).to_be_visible()
    expect(page.get_by_test_id("words")).to_have_count(0)

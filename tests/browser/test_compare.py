"""Two models in a browser: heads beside each other, the tabs, a swap that loses nothing, and what is taken along."""

import csv
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import button, field, keyed, rest, tab, take

pytestmark = pytest.mark.browser
TEXT = "Ada paid the harbour bank <b>back</b> in June, unbelievably."


def test_two_models_are_compared_swapped_and_taken_along(page, server, tmp_path):
    page.goto(f"{server}/compare?lang=en&second=e5&two=attention")
    field(page, "text").fill(TEXT)
    field(page, "text").press("Control+Enter")
    rest(page)
    # Both heads have the same words, whatever each vocabulary makes of them, and a click on the map chooses another.
    readout = page.locator(".st-key-beside").get_by_test_id("readout")
    expect(readout).to_be_visible()
    with take(page, tmp_path, "CSV").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 72 * 144
    assert all(0 <= float(row["jensen_shannon_bits"]) <= 1 for row in rows)
    tab(page, "compare", "tokenizers").click()
    rest(page)
    words = keyed(page, "tokens:all")
    expect(words.get_by_test_id("readout")).to_be_visible()
    assert words.locator("b", has_text="back").count() == 0
    # Models change places; what was typed stays.
    button(page, "swap_models").click()
    rest(page)
    expect(keyed(page, "second:en").get_by_role("combobox")).to_have_value(re.compile("MiniLM"))
    expect(field(page, "text")).to_have_value(TEXT)
    page.reload()
    expect(field(page, "text")).to_have_value(TEXT)
    rest(page)
    assert "model=e5" in page.url
    assert "two=tokenizers" in page.url
    expect(keyed(page, "second:en").get_by_role("combobox")).to_have_value(re.compile("MiniLM"))

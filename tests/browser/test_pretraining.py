"""A journey through the Pretraining page, in a real browser."""

import re

import pytest
import transformers as tf
from playwright.sync_api import expect

from tests.browser.conftest import button, choose, field, keyed, said, tab, take
from tests.tiny import make_checkpoint

pytestmark = pytest.mark.browser
TEXT = 'He opened the <b>door</b> and looked into the dark room. <img src=x onerror="alert(1)">'


def words(page):
    """The picture of the text that is there, once it is drawn."""
    found = page.get_by_test_id("words")
    expect(found).to_have_count(1)
    expect(found).to_have_attribute("data-drawn", re.compile("."))
    return found


def test_hide_two_words_guess_look_into_the_layers_show_them_again_and_ask_of_a_pair(page, server, tmp_path):
    page.goto(f"{server}/pretraining?lang=en")
    field(page, "text").fill(TEXT)
    button(page, "analyse").click()
    # Those of the example may still stand beside them for a moment.
    expect(page.get_by_test_id("words")).to_have_count(1, timeout=120_000)
    text = words(page)
    # What was typed is text, not markup.
    expect(text.locator("b, img")).to_have_count(0)
    button(page, "show_all").click()
    expect(said(page, "Info")).to_be_visible()
    text = words(page)
    text.locator("span").get_by_text("door", exact=True).click()
    expect(page.get_by_text("Mask 1, originally “door”")).to_be_visible()
    text.locator("span").get_by_text("room", exact=True).click()
    expect(page.get_by_text("Mask 2, originally “room”")).to_be_visible()
    expect(text.locator("span.instead")).to_have_text(["[MASK]", "[MASK]"])
    # Where in the layers it forms.
    expect(keyed(page, "layers").locator(".heatmaplayer")).to_have_count(1)
    expect(page.get_by_text(re.compile("door.* (is the top guess from|is ranked)")).first).to_be_visible()
    table = take(page, tmp_path, "CSV").read_text("utf-8-sig").splitlines()
    assert table[0] == "position,hidden,heads_out,rank,guess,probability"
    assert {row.split(",")[1] for row in table[1:]} == {"door", "room"}
    # A link opens with the same words hidden.
    page.goto(page.url)
    expect(page.get_by_text("Mask 2, originally “room”")).to_be_visible()
    text = words(page)
    text.locator("span.instead").last.click()
    expect(page.get_by_text("Mask 2, originally")).to_have_count(0)
    expect(text.locator("span").get_by_text("room", exact=True)).to_be_visible()

    tab(page, "pretraining", "surprise").click()
    expect(page.get_by_test_id("stMetric")).to_have_count(3)
    # Until then the words of the tab before may still stand there, too.
    expect(page.get_by_role("listbox")).to_have_count(0)
    text = words(page)
    colours = text.locator("span:not(.fixed)").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) > 3
    text.locator("span").get_by_text("door", exact=True).hover()
    expect(text.get_by_test_id("readout")).to_contain_text(re.compile(r"door · \d+\.\d\d bits, probability"))

    tab(page, "pretraining", "following").click()
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    keyed(page, "with_pair").locator("label").click()
    field(page, "pair").fill("There was nobody in it.")
    button(page, "analyse").click()
    expect(page.get_by_test_id("stMetricValue").get_by_text(re.compile(r"^\d+(\.\d+)? ?%$")).first).to_be_visible()
    expect(keyed(page, "following")).to_be_visible(timeout=60_000)
    # Nothing that was typed has run, and no page has failed.
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_by_keyboard_a_word_is_hidden_and_the_game_is_drawn_again(page, server):
    page.goto(f"{server}/pretraining?lang=en&hidden=")
    expect(said(page, "Info")).to_be_visible(timeout=120_000)
    text = words(page)
    text.get_by_role("listbox").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("Mask 1, originally “animal”")).to_be_visible()
    # What a screen reader is told: the word by its name, and that it is chosen.
    expect(text.get_by_role("option", name="animal", selected=True)).to_have_count(1)
    expect(text.get_by_role("option", selected=True)).to_have_count(1)
    tab(page, "pretraining", "game").click()
    seed = keyed(page, "seed").get_by_role("spinbutton")
    expect(seed).to_have_value("0")
    button(page, "draw_again").click()
    expect(seed).to_have_value("1")
    expect(page.get_by_test_id("stMetric")).to_have_count(5, timeout=60_000)


def test_a_lens_that_is_not_fitted_yet_is_fitted_where_it_is_chosen(page, server, tiny_folders):
    make_checkpoint("bert", tiny_folders["bert"].parent / "games", loader=tf.AutoModelForPreTraining)
    page.goto(f"{server}/pretraining?lang=en&model=folder:games")
    # Drawn to the end: a click on what is drawn anew at that moment would be lost.
    expect(page.locator(".js-plotly-plot .heatmaplayer")).to_have_count(1, timeout=120_000)
    # Chosen by a click, which runs the bench alone: what fits the lens is drawn around it.
    choose(page, "lens", 1)
    fit = button(page, "lens_fit:start")
    expect(fit).to_be_visible()
    expect(page.locator(".js-plotly-plot .heatmaplayer")).to_have_count(0)
    fit.click()
    expect(keyed(page, "lens_gain")).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot .heatmaplayer")).to_have_count(1)
    # With other words hidden it is the same lens.
    button(page, "show_all").click()
    expect(said(page, "Info")).to_be_visible()
    words(page).get_by_role("option", name="animal").click()
    expect(page.get_by_text("1 of 14 masked")).to_be_visible()
    expect(page.get_by_text(re.compile("^Mask 1"))).to_be_visible()
    expect(keyed(page, "lens_gain")).to_be_visible()
    expect(fit).to_have_count(0)

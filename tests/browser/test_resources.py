"""Resources in a browser: counted, planned for a card, measured and stopped, from a file of one's own."""

import csv
import json

import psutil
import pytest
from playwright.sync_api import expect

from interpret.resources.configs import find_config
from interpret.resources.prediction import predict
from interpret.resources.workload import Workload
from tests.browser.conftest import button, keyed, rest, said, tab, take

pytestmark = pytest.mark.browser
MEASURING = "interpret.resources.measurement"


def measuring():
    """The processes that measure at this moment."""
    found = []
    for one in psutil.process_iter(["cmdline"]):
        if MEASURING in (one.info["cmdline"] or ()):
            found.append(one.pid)
    return found


def test_a_row_of_the_table_is_counted_and_taken_along(page, server, tmp_path):
    page.goto(f"{server}/resources?lang=en&shape=bert-tiny")
    rest(page)
    expect(keyed(page, "by_part")).to_be_visible()
    button(page, "preset:classification").click()
    expect(keyed(page, "over_batch")).to_be_visible(timeout=120_000)
    rest(page)
    with take(page, tmp_path, "CSV").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    found = {(one["over"], int(one["batch"]), int(one["length"])): one for one in rows}
    work = Workload(32, 128, training=True, kernel="eager")
    predicted = predict(find_config("bert-base"), work)
    assert int(found["length", 32, 128]["peak_bytes"]) == predicted.peak
    assert int(found["batch", 32, 128]["attention_bytes"]) == predicted.parts["attention"]
    # The address opens the same again.
    page.reload()
    rest(page)
    expect(keyed(page, "texts").get_by_role("spinbutton")).to_have_value("32")
    tab(page, "resources", "table").click()
    # What the other tab drew stays in the page, hidden.
    expect(page.get_by_test_id("stDataFrame").filter(visible=True)).to_have_count(1, timeout=120_000)


def test_measuring_is_stopped_and_nothing_of_it_goes_on_then_it_is_done_and_kept(page, server):
    page.goto(f"{server}/resources?lang=en&shape=bert-mini&resources=measured&texts=2&length=32&work=train")
    rest(page)
    button(page, "resource_measured:start").click()
    stop = button(page, "resource_measured:stop")
    expect(stop).to_be_visible()
    stop.click()
    expect(said(page, "Info").first).to_contain_text("Stopped")
    rest(page)
    for pid in measuring():
        # It was told to end a moment ago.
        psutil.Process(pid).wait(10)
    assert measuring() == []
    button(page, "resource_measured:start").click()
    expect(keyed(page, "measured_points")).to_be_visible(timeout=180_000)
    rest(page)
    tab(page, "resources", "memory").click()
    rest(page)
    expect(page.get_by_test_id("stCaptionContainer").filter(has_text="3")).not_to_have_count(0)


def test_a_file_of_ones_own_may_hold_anything(page, server, tmp_path):
    page.goto(f"{server}/resources?lang=en&shape=file")
    rest(page)
    into = keyed(page, "shape_upload").locator("input[type=file]")
    good = tmp_path / "<img src=x onerror=alert(1)>.json"
    good.write_text(json.dumps(find_config("bert-mini").to_dict()), "utf-8")
    into.set_input_files(good)
    expect(keyed(page, "by_part")).to_be_visible()
    rest(page)
    assert page.locator("img[src=x]").count() == 0
    for content in (b"\x00\xff", b"[]", b'{"model_type": "bert", "num_hidden_layers": 1e99}'):
        bad = tmp_path / "config.json"
        bad.write_bytes(content)
        rest(page)
        keyed(page, "shape_upload").locator("input[type=file]").set_input_files(bad)
        expect(said(page, "Warning").first).to_contain_text("config.json")
        rest(page)
        assert said(page, "Error").count() == 0

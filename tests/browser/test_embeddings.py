"""Journeys through the Embeddings page, in a real browser."""

import csv
import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import interpret as it
from dashboard import ROOT
from tests.browser.conftest import button, field, give, said, tab, take

pytestmark = pytest.mark.browser
NASTY = '<img src=x onerror="alert(1)"> </script> **b**'


@pytest.fixture
def rows():
    with (ROOT / "dashboard/examples/senses.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def labelled(tmp_path, rows):
    """A CSV of sixty texts with a label, the first of them full of markup."""
    file = tmp_path / "labelled.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "sentence", "kind"])
        for place, row in enumerate(rows):
            text = f"{row['text']} {NASTY}" if place == 0 else row["text"]
            writer.writerow([place, text, row["word"]])
    return file


def cloud(page: Page, before: str | None = None):
    """Wait until the map is drawn, and is another than ``before``; returns what tells it from others."""
    page.wait_for_selector("[data-testid=scatter][data-drawn]", timeout=60_000)
    found = page.get_by_test_id("scatter")
    if before is not None:
        expect(found).not_to_have_attribute("data-drawn", before, timeout=60_000)
    return found.get_attribute("data-drawn")


def at_layer(page: Page, layer):
    expect(page.get_by_test_id("scatter")).to_have_attribute("data-layer", str(layer))


def places_on_screen(page: Page):
    """Return where each point is drawn, as the browser knows it: its number, x and y in the window."""
    return page.evaluate(
        """() => {
          const plot = document.querySelector(".bertoscope-scatter .plot");
          const box = plot.getBoundingClientRect();
          const { xaxis, yaxis } = plot._fullLayout;
          return plot.data.flatMap((trace) => Array.from(trace.customdata, (i, k) => [
            i, box.left + xaxis._offset + xaxis.d2p(trace.x[k]), box.top + yaxis._offset + yaxis.d2p(trace.y[k]),
          ]));
        }"""
    )


def lasso(page: Page, corners):
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()


def coloured(picture: bytes):
    """Tell for each pixel whether it is of a point: of some colour, and not grey."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    return pixels.max(2) - pixels.min(2) > 60


def inside(corners, x, y):
    """Tell whether a point is in a polygon."""
    within = False
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            within = not within
    return within


def test_upload_colour_move_lasso_and_download(page, server, labelled, tmp_path):
    page.goto(f"{server}/embeddings?lang=en")
    before = cloud(page)
    page.get_by_text("File", exact=True).click()
    give(page, labelled)
    before = cloud(page, before)
    page.get_by_text("t-SNE", exact=True).click()
    before = cloud(page, before)
    # Coloured by the column that repeats, not by the numbers.
    expect(page.locator(".bertoscope-scatter .legendtitletext")).to_have_text("kind")
    expect(page.locator(".bertoscope-scatter .legend .traces")).to_have_count(6)
    expect(said(page, "Warning")).to_be_visible()
    # Down one layer with the keyboard: the same map in Python, another place for the points.
    at_layer(page, 6)
    then = places_on_screen(page)
    page.locator(".bertoscope-scatter input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    at_layer(page, 5)
    expect(page.get_by_text("after layer 4 · perplexity")).to_be_visible()
    expect(page).to_have_url(re.compile("at=5"))
    now = places_on_screen(page)
    assert {i for i, _x, _y in now} == set(range(60))
    assert max(abs(a[1] - b[1]) for a, b in zip(then, now, strict=True)) > 5
    assert cloud(page) == before
    # Around the left half of the points, or so.
    xs, ys = sorted(x for _i, x, _y in now), sorted(y for _i, _x, y in now)
    middle = (xs[29] + xs[30]) / 2
    corners = [(xs[0] - 12, ys[0] - 12), (middle, ys[0] - 12), (middle, ys[-1] + 12), (xs[0] - 12, ys[-1] + 12)]
    within = {i for i, x, y in now if inside(corners, x, y)}
    assert 20 < len(within) < 40
    lasso(page, corners)
    expect(page.get_by_text(re.compile(r"\d+ points selected"))).to_be_visible()
    with page.expect_download() as download:
        button(page, "selected_rows").click()
    path = tmp_path / "selected.csv"
    download.value.save_as(path)
    table = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    chosen = {int(row["id"]) for row in table}
    expect(page.get_by_text(f"{len(chosen)} points selected")).to_be_visible()
    # A slow machine sees fewer places of the mouse on its way, and cuts corners.
    assert chosen <= within
    assert len(chosen) > 0.6 * len(within)
    assert [int(row["id"]) for row in table] == sorted(chosen)
    assert all(set(row) == {"Row", "Text", "id", "kind"} for row in table)
    # To select is not to draw anew, nor to go back to the layer that it began with.
    assert cloud(page) == before
    at_layer(page, 5)


def test_files_of_a_map_hold_the_librarys_vectors(page, server, minilm, rows, tmp_path):
    page.goto(f"{server}/embeddings?lang=en&corpus=senses")
    cloud(page)
    vectors = it.embed(minilm, [row["text"] for row in rows])
    found = np.load(take(page, tmp_path, "NPZ"))
    np.testing.assert_allclose(found["vectors"], vectors.vectors, atol=1e-5)
    table = list(csv.DictReader(io.StringIO(take(page, tmp_path, "CSV").read_text("utf-8-sig"))))
    expected = it.embeddings.project(vectors.at(6)).points
    np.testing.assert_allclose([[float(row[f"pca 6.{d}"]) for d in (1, 2)] for row in table], expected, atol=1e-5)
    with zipfile.ZipFile(take(page, tmp_path, "TensorBoard")) as file:
        assert file.namelist() == ["vectors.tsv", "metadata.tsv"]
    assert take(page, tmp_path, "PNG").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in take(page, tmp_path, "SVG").read_bytes()


def test_search_without_a_mouse_and_on_to_the_attention_page(page, server, rows):
    page.goto(f"{server}/embeddings?lang=en&corpus=senses&level=word&word=bank")
    cloud(page)
    expect(page.get_by_text("All 10 points shown")).to_be_visible()
    field(page, "find_points").fill("refused")
    field(page, "find_points").press("Enter")
    expect(page.get_by_text("1 point selected")).to_be_visible()
    onward = button(page, "to_attention")
    expect(onward).to_be_disabled()
    page.get_by_test_id("stDataFrame").click(position={"x": 16, "y": 52})
    expect(onward).to_be_enabled()
    onward.click()
    expect(page.get_by_test_id("explorer")).to_be_visible()
    expect(field(page, "text")).to_have_value("The bank refused to lend him another penny.")


def test_from_groups_to_the_map_and_all_layers_and_back(page, server):
    page.goto(f"{server}/embeddings?lang=en&show=clusters&corpus=topics")
    expect(page.get_by_text("6 clusters")).to_be_visible()
    button(page, "colour_by_clusters").click()
    cloud(page)
    expect(page.locator(".bertoscope-scatter .legendtitletext")).to_have_text("k-means clusters, after layer 5")
    expect(page.locator(".bertoscope-scatter .legend .traces")).to_have_count(6)
    tab(page, "embeddings", "layers").click()
    maps = page.locator(".bertoscope-scatter.multiples")
    expect(maps).to_have_attribute("data-drawn", re.compile("."))
    expect(maps.locator(".annotation-text")).to_have_count(7)
    tab(page, "embeddings", "map").click()
    expect(page.locator(".bertoscope-scatter:not(.multiples)")).to_have_attribute("data-drawn", re.compile("."))


def test_a_long_reading_is_stopped_and_started_again(page, server, tmp_path):
    file = tmp_path / "many.txt"
    line = "the bank of the river was steep and the animals were tired because it rained "
    file.write_text("\n\n".join(f"{line * (1 + i % 4)} {i}" for i in range(600)), "utf-8")
    page.goto(f"{server}/embeddings?lang=en")
    before = cloud(page)
    page.get_by_text("File", exact=True).click()
    give(page, file)
    start = button(page, "embeddings:start")
    start.click()
    expect(page.get_by_text(re.compile(r"[\d,]+ of [\d,]+ · tokens · [\d,]+ tokens/s · .* s left"))).to_be_visible()
    button(page, "embeddings:stop").click()
    expect(said(page, "Info")).to_be_visible()
    # What was stopped is nowhere drawn.
    expect(page.get_by_test_id("scatter")).to_have_count(0)
    start.click()
    cloud(page, before)
    expect(page.get_by_text("All 600 points shown")).to_be_visible()
    # A second look makes no pass: after a reload nothing is to be started.
    page.get_by_text("Examples", exact=True).click()
    expect(page.get_by_text("All 312 points shown")).to_be_visible()
    page.get_by_text("File", exact=True).click()
    expect(page.get_by_text("All 600 points shown")).to_be_visible()


def test_the_page_in_chinese_and_in_depth(page, server):
    page.goto(f"{server}/embeddings?lang=zh_CN&corpus=chinese&dims=3")
    expect(page.get_by_role("heading", name="嵌入：文本落在哪里？")).to_be_visible()
    cloud(page)
    expect(page.locator(".bertoscope-scatter .gl-container canvas").first).to_be_visible()
    expect(page.get_by_text("显示全部 60 个点")).to_be_visible()
    expect(page.get_by_text("Trustworthiness", exact=True)).to_have_count(0)


def test_a_map_is_zoomed_pulled_and_clicked_and_plotly_has_the_last_word(page, server):
    page.goto(f"{server}/embeddings?lang=en&corpus=topics")
    cloud(page)
    scatter = page.get_by_test_id("scatter")
    sheet = page.locator(".bertoscope-scatter .nsewdrag").bounding_box()
    x, y = sheet["x"] + sheet["width"] / 2, sheet["y"] + sheet["height"] / 2
    spread = "() => document.querySelector('.bertoscope-scatter .plot').layout.xaxis.range"
    low, high = page.evaluate(spread)
    shown = page.evaluate("() => document.querySelector('.bertoscope-scatter .plot')._fullLayout.xaxis.range")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    # While it moves a picture lies over Plotly's; once it is still that is gone, and Plotly shows the same part.
    expect(scatter).to_have_attribute("data-moving", "")
    expect(scatter).not_to_have_attribute("data-moving", "")
    near, far = page.evaluate(spread)
    assert far - near == pytest.approx((shown[1] - shown[0]) * np.exp(-0.4), rel=0.01)
    assert (near + far) / 2 == pytest.approx((shown[0] + shown[1]) / 2, abs=0.01 * (high - low))
    page.locator(".bertoscope-scatter .modebar-btn[data-title='Pan']").click()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + sheet["width"] / 4, y, steps=4)
    page.mouse.up()
    expect(scatter).not_to_have_attribute("data-moving", "")
    pulled = page.evaluate(spread)
    assert pulled[0] == pytest.approx(near - (far - near) / 4, rel=0.02)
    # Back to the whole map, and a click on one point selects that one.
    page.mouse.dblclick(x, y)
    page.wait_for_function(f"([low]) => Math.abs(({spread})()[0] - low) < 1e-6", arg=shown)
    places = places_on_screen(page)
    # The loneliest point cannot be mistaken for its neighbour.
    spots = np.array([one[1:] for one in places])
    away = np.linalg.norm(spots[:, None] - spots[None], axis=2) + 1e9 * np.eye(len(spots))
    lonely = places[int(away.min(1).argmax())]
    page.mouse.move(lonely[1] + 1, lonely[2])
    expect(page.locator(".bertoscope-scatter .hoverlayer .hovertext")).to_have_count(1)
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_text("1 point selected")).to_be_visible()
    page.mouse.dblclick(x, sheet["y"] + 4)
    expect(page.get_by_text("1 point selected")).to_have_count(0)


def test_a_map_in_depth_is_turned_and_seen_as_plotly_sees_it(page, server):
    page.goto(f"{server}/embeddings?lang=en&corpus=topics&dims=3")
    cloud(page)
    scatter = page.get_by_test_id("scatter")
    camera = "() => document.querySelector('.bertoscope-scatter .plot')._fullLayout.scene._scene.getCamera().eye"
    before = page.evaluate(camera)
    # What lies where, from where the camera would be: coloured pixels of the picture that moves, then of Plotly's.
    box = page.locator(".bertoscope-scatter .plot").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y + 30, steps=5)
    expect(scatter).to_have_attribute("data-moving", "")
    area = {"x": box["x"], "y": box["y"], "width": box["width"] * 0.7, "height": box["height"]}
    moving = coloured(page.screenshot(clip=area))
    page.mouse.up()
    expect(scatter).not_to_have_attribute("data-moving", "")
    still = coloured(page.screenshot(clip=area))
    after = page.evaluate(camera)
    assert abs(after["x"] - before["x"]) > 0.2
    assert after["z"] > before["z"]
    assert moving.sum() > 500
    assert (moving & still).sum() > 0.7 * min(moving.sum(), still.sum())

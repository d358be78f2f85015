"""What every page and tab keeps to: nothing jumps while it is drawn, and letters stand out from what is behind them.

The cumulative layout shift is below 0.1. A shift within half a second of a click or a key was asked for, and is not
counted, as Web Vitals has it. All others are added up, however far apart: where a page came in late, nothing of it may
have moved either. Contrast is WCAG's 4.5 to 1, or 3 to 1 where letters are large, by axe-core: light on a desk's
screen, dark on a phone's.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import AXE, violations
from tests.browser.conftest import REFUSED, rest
from tests.browser.everywhere import pages

pytestmark = pytest.mark.browser
MOST = 0.1
WATCH = """
window.shifted = 0;
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""
# Two frames, after which what was drawn last has been reported.
SHIFTED = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
    setTimeout(() => done(window.shifted)))))"""


def shifted(page):
    """Return what has shifted since the page was opened, once it is at rest and every widget's script is there."""
    rest(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    rest(page)
    return page.evaluate(SHIFTED)


def pale(page):
    """Return what does not stand out, once nothing is pale because it is about to be drawn anew."""
    if not AXE.exists():
        return []
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    rest(page)
    return violations(page, ["color-contrast"])


@pytest.fixture(scope="module", params=[(1440, "light"), (420, "dark")], ids=lambda one: f"{one[0]}-{one[1]}")
def opened(request, browser):
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US", color_scheme=theme)
    context.add_init_script(WATCH)
    context.add_init_script(REFUSED)
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.mark.parametrize("address", pages())
def test_no_page_and_no_tab_of_it_jumps_or_is_pale(opened, server, address):
    opened.goto(f"{server}/{address}")
    found = {"first": shifted(opened)}
    faint = {"first": pale(opened)}
    tabs = opened.get_by_role("tab")
    for index in range(1, tabs.count()):
        before = opened.evaluate("window.shifted")
        tabs.nth(index).click()
        expect(tabs.nth(index)).to_have_attribute("aria-selected", "true")
        found[index] = shifted(opened) - before
        faint[index] = pale(opened)
    assert {name: one for name, one in found.items() if one >= MOST} == {}
    assert {name: one for name, one in faint.items() if one} == {}
    # Nor does it do what its policy forbids.
    assert opened.evaluate("window.refused") == []


def test_a_shift_is_seen(opened):
    """What is watched for is what Chromium reports."""
    opened.goto("data:text/html,<div id=a></div><p style='height:400px;background:red'>text</p>")
    assert opened.evaluate(SHIFTED) == 0
    opened.evaluate("a.style.height = '400px'")
    opened.wait_for_function("window.shifted > 0.1")
    assert opened.evaluate(SHIFTED) > MOST


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here: `npm ci` in tests/javascript brings it")
def test_what_does_not_stand_out_is_found(opened):
    opened.goto("data:text/html,<body style='background:white;color:%23999'><p>grey on white")
    assert len(violations(opened, ["color-contrast"])) == 1

"""Letters stand out from what is behind them, in both themes: WCAG's 4.5 to 1, or 3 to 1 where they are large."""

import pytest
from playwright.sync_api import expect

from dashboard import ROOT
from tests.browser.conftest import rest
from tests.browser.everywhere import views

pytestmark = pytest.mark.browser
AXE = ROOT / "tests/javascript/node_modules/axe-core/axe.min.js"
RULE = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
FIND = """async (rule) => {
    const found = await axe.run(document, rule);
    const nodes = found.violations.flatMap((one) => one.nodes);
    return nodes.map((node) => `${node.html}: ${node.any[0].message}`);
}"""


@pytest.fixture(scope="module", params=["light", "dark"])
def themed(request, browser):
    if not AXE.exists():
        pytest.skip("axe-core is not here: `npm ci` in tests/javascript brings it")
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US", color_scheme=request.param)
    page = context.new_page()
    yield page
    context.close()


@pytest.mark.parametrize("view", views())
def test_every_text_stands_out(themed, server, view):
    themed.goto(f"{server}/{view}")
    rest(themed)
    # What is about to be drawn anew is pale.
    expect(themed.locator("[data-stale=true]")).to_have_count(0)
    rest(themed)
    themed.evaluate(AXE.read_text("utf-8"))
    assert themed.evaluate(FIND, RULE) == []


def test_what_does_not_stand_out_is_found(themed):
    themed.goto("data:text/html,<body style='background:white;color:%23999'><p>grey on white")
    themed.evaluate(AXE.read_text("utf-8"))
    assert len(themed.evaluate(FIND, RULE)) == 1

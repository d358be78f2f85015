"""axe-core, which finds what keeps people from reading and using a page."""

from collections.abc import Sequence

from playwright.sync_api import Page

from dashboard import ROOT

AXE = ROOT / "tests/javascript/node_modules/axe-core/axe.min.js"
_FIND = """async (rules) => {
    const about = rules.length ? { runOnly: rules, resultTypes: ["violations"] } : { resultTypes: ["violations"] };
    const found = await axe.run(document, about);
    return found.violations.flatMap((one) => one.nodes.map(
        (node) => `${one.impact} ${one.id}: ${node.html}: ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message}`));
}"""


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return what breaks some of axe's rules, each with how bad it is; all of its rules unless given."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(_FIND, list(rules))
    return found

"""Every page and every tab of it, as the address names them."""

import re

from dashboard import ROOT, state


def views() -> list[str]:
    """Return the addresses of all views: pages, and those that have tabs once for each tab."""
    found = []
    for page in pages():
        source = (ROOT / "pages" / (page or "home") / "page.py").read_text("utf-8")
        tabs = re.findall(r'\bTab\("(\w+)"', source)
        key = re.search(r"draw_tabs\(TABS, state\.(\w+)", source)
        found += [f"{page}?{getattr(state, key[1])}={tab}" for tab in tabs] if key else [page]
    return found


def pages() -> list[str]:
    """Return the addresses of all pages."""
    names = sorted(file.parent.name for file in (ROOT / "pages").glob("*/page.py"))
    return ["" if name == "home" else name for name in names]

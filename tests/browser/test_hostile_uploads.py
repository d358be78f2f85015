"""Hostile files given to every field for uploads, in a browser: taken or refused, and the page stands.

``UPLOADS=50`` tries so many for each field, as ``make attack`` does.
"""

import os
import re
from random import Random

import psutil
import pytest
from playwright.sync_api import expect

from tests.attack.tables import hostile_other, hostile_table
from tests.browser.conftest import keyed, rest, start_server

# Each field by its section, with where it is. More than one section may stand on a page: the sidebar's is everywhere.
FIELDS = {
    "sidebar": "runs",
    "home": "",
    "text": "attention?source=file",
    "trees": "attention?tab=heads&over=trees",
    "rows": "attributions?why=rows&example=short",
    "collection": "embeddings?from=file",
    "training": "finetune?data=file",
}
COUNT = int(os.environ.get("UPLOADS", "1"))
MOST_BYTES = 1 << 30


@pytest.fixture(scope="module")
def site(tiny_folders, tmp_path_factory):
    """A dashboard of its own, whose log is read."""
    root = tmp_path_factory.mktemp("uploads")
    with (root / "log").open("wb") as log:
        process, address = start_server(
            log,
            BERTOSCOPE_MODELS=str(tiny_folders["bert"].parent),
            BERTOSCOPE_CACHE=str(root / "cache"),
            BERTOSCOPE_RUNS=str(root / "runs"),
        )
        yield address, root / "log", psutil.Process(process.pid)
        process.terminate()
        process.wait(10)


def hostile(section, number):
    """Return the name and bytes of a file; half a character no browser has in a name."""
    random = Random(f"{section} {number}")
    name, content = (hostile_other if random.random() < 0.25 else hostile_table)(random)
    return name.replace("\ud800", "\ufffd") or "empty", content


@pytest.mark.parametrize("section", FIELDS)
def test_whatever_file_is_given_the_page_stands(page, site, section):
    address, log, process = site
    page.set_default_timeout(60_000)
    for number in range(COUNT):
        # Nobody's file is there from before.
        page.context.clear_cookies()
        page.goto(f"{address}/{FIELDS[section]}" + ("&" if "?" in FIELDS[section] else "?") + "model=folder:bert")
        rest(page)
        into = page.locator(f'[class*="st-key-slot-{section}-"] input[type=file]').first
        into.wait_for(state="attached")
        name, content = hostile(section, number)
        warnings = page.get_by_test_id("stAlertContentWarning").count()
        said, before = log.stat().st_size, process.memory_info().rss
        into.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})
        # It is in the slot, or a sentence says why not; of an ending that the field does not take Streamlit's own.
        field = page.locator(f'[class*="st-key-slot-{section}-"]')
        # A warning that stood there before says nothing.
        warned = page.get_by_test_id("stAlertContentWarning").nth(warnings)
        refused = warned.or_(field.get_by_role("alert"))
        expect(keyed(page, "slot_card").or_(refused).first, f"{number} {name!a}").to_be_visible(timeout=60_000)
        rest(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        written = log.read_bytes()[said:].decode("utf-8", "replace")
        assert not re.search("a page failed|Traceback|Uncaught", written), f"{number} {name!a}: {written}"
        assert process.memory_info().rss - before < MOST_BYTES, f"{number} {name!a}"

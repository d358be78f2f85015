"""The dashboard with a pass-phrase, as it is started."""

import json

import pytest

from tests.browser.conftest import start_server
from tests.browser.test_hosts import SOCKET, answered

PHRASE = "river bank & 河岸"
HOSTILE = "<img src=x onerror=alert(1)> **A** [b](http://c)"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """The address of a server that asks for a pass-phrase, and its folder of runs."""
    folder = tmp_path_factory.mktemp("guarded")
    process, address = start_server(
        BERTOSCOPE_PASSWORD=PHRASE, BERTOSCOPE_RUNS=str(folder / "runs"), BERTOSCOPE_CACHE=str(folder / "cache")
    )
    yield address, folder / "runs"
    process.terminate()
    process.wait(30)


def test_it_answers_nobody_else(guarded):
    address, _runs = guarded
    host = address.removeprefix("http://")
    for path, more in (
        ("/", ()),
        ("/", ("Accept: text/html",)),
        ("/attention?text=a", ("Accept: text/html",)),
        ("/_stcore/stream", SOCKET),
        ("/_stcore/host-config", ()),
        ("//_stcore/health/../stream", SOCKET),
        ("/media/0123456789abcdef.csv", ()),
    ):
        status, found = answered(address, host, path, *more)
        assert status in (401, 403, 400, 404), path
        assert "sec-websocket-accept" not in found.lower()
        assert "/static/js" not in found
    assert answered(address, host, "/_stcore/health")[0] == 200


@pytest.mark.browser
def test_who_knows_the_pass_phrase_comes_to_the_page_that_they_opened_and_can_leave(guarded, browser):
    address, runs = guarded
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.set_default_timeout(30_000)
    wrong = []
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith(address) or wrong.append(request.url))
    page.goto(f"{address}/attention?text=The+nurse+slept.")
    page.locator("#name").fill(HOSTILE)
    page.locator("#phrase").fill("river bank")
    page.get_by_role("button").click()
    page.get_by_role("alert").wait_for()
    # What was typed is there still, but for what was wrong.
    assert page.locator("#name").input_value() == HOSTILE
    assert page.locator("#phrase").input_value() == ""
    page.locator("#phrase").fill(PHRASE)
    page.keyboard.press("Enter")
    person = page.get_by_test_id("person")
    person.wait_for()
    assert HOSTILE in person.inner_text()
    page.get_by_role("textbox", name="Text", exact=True).wait_for()
    assert page.get_by_role("textbox", name="Text", exact=True).input_value() == "The nurse slept."
    person.get_by_role("link").click()
    page.wait_for_url(f"{address}/sign-out")
    page.get_by_role("button").click()
    page.locator("#phrase").wait_for()
    page.goto(f"{address}/runs")
    page.locator("#phrase").wait_for()
    assert wrong == []
    context.close()
    written = [json.loads(path.read_text("utf-8")) for path in sorted(runs.glob("audit-*.jsonl"))]
    assert [(one["what"], one["who"]) for one in written] == [("signed in", HOSTILE), ("refused", HOSTILE)]

"""The dashboard with an identity provider, as it is started."""

import json

import pytest

from tests.browser.conftest import start_server
from tests.browser.test_hosts import SOCKET, answered
from tests.provider import Provider

ANA = {"sub": "a-1", "name": "Ana <b>", "email": "Ana@ward.example", "email_verified": True}
STRANGER = {"sub": "x-9", "name": "Mallory", "email": "ana@ward.example", "email_verified": False}


@pytest.fixture(scope="module")
def provided(tmp_path_factory):
    """The provider, the address of a server that asks it, and its folder of runs."""
    folder = tmp_path_factory.mktemp("provided")
    with Provider() as provider:
        (folder / ".streamlit").mkdir()
        (folder / ".streamlit" / "secrets.toml").write_text(provider.secrets())
        process, address = start_server(
            HOME=str(folder),
            BERTOSCOPE_PEOPLE="@ward.example",
            BERTOSCOPE_RUNS=str(folder / "runs"),
            BERTOSCOPE_CACHE=str(folder / "cache"),
        )
        yield provider, address, folder / "runs"
        process.terminate()
        process.wait(30)


def test_nothing_is_reached_by_who_has_not_signed_in(provided):
    _provider, address, _runs = provided
    host = address.removeprefix("http://")
    for path, more in (
        ("/", ()),
        ("/attention?text=a", ("Accept: text/html",)),
        ("/_stcore/stream", SOCKET),
        ("/_stcore/stream", (*SOCKET, "Cookie: _streamlit_user=eyJzdWIiOiAiMSJ9.a.b")),
        ("/_stcore/host-config", ()),
        ("/_stcore/upload_file/a/b", ()),
        ("/media/0123456789abcdef.csv", ()),
    ):
        status, found = answered(address, host, path, *more)
        assert status in (401, 403, 400, 404), path
        assert "sec-websocket-accept" not in found.lower()
        assert "/static/js" not in found
    assert answered(address, host, "/_stcore/health")[0] == 200


@pytest.mark.browser
def test_who_is_on_the_list_comes_to_the_page_that_they_opened_and_nobody_else_does(provided, browser):
    provider, address, runs = provided
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.set_default_timeout(30_000)
    wrong = []
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith((address, provider.address)) or wrong.append(request.url))
    provider.person = STRANGER
    page.goto(f"{address}/attention?text=The+nurse+slept.")
    page.get_by_role("link").click()
    # An address that nobody has checked is nobody's; who should be let in can say by what they are known.
    page.get_by_role("heading").wait_for()
    assert "x-9" in page.locator("main").inner_text()
    page.goto(f"{address}/runs")
    assert page.get_by_test_id("stApp").count() == 0
    page.get_by_role("button").click()
    page.wait_for_url(f"{address}/")
    provider.person = ANA
    page.goto(f"{address}/attention?text=The+nurse+slept.")
    page.get_by_role("link").click()
    person = page.get_by_test_id("person")
    person.wait_for()
    assert ANA["name"] in person.inner_text()
    box = page.get_by_role("textbox", name="Text", exact=True)
    box.wait_for()
    assert box.input_value() == "The nurse slept."
    person.get_by_role("link").click()
    page.get_by_role("button").click()
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/runs")
    assert page.get_by_test_id("stApp").count() == 0
    assert wrong == []
    context.close()
    (written,) = [path.read_text("utf-8") for path in runs.glob("audit-*.jsonl") if "refused" not in path.name]
    assert [(one["what"], one["who"]) for one in map(json.loads, written.splitlines())] == [("signed in", ANA["name"])]

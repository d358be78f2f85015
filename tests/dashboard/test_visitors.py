"""The name by which a browser finds its files again: drawn at random, given once, and no script's."""

import re

import pytest

from dashboard.visitors import Visitors, visitor

NAME = "x" * 43


def headers_of(scope, kind=b"text/html; charset=utf-8"):
    """Return the headers of the answer to a request."""
    found = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        found.extend(message.get("headers", []))

    # Nothing in it waits, and a browser test may have left a loop running in this thread.
    with pytest.raises(StopIteration):
        Visitors(app)(scope, None, send).send(None)
    return [value.decode() for name, value in found if name == b"set-cookie"]


def request(*cookies):
    return {"type": "http", "headers": [(b"cookie", one.encode("latin-1")) for one in cookies]}


def test_a_browser_gets_a_name_that_nobody_guesses_and_no_script_reads():
    first, second = headers_of(request()), headers_of(request())
    assert re.fullmatch(r"bertoscope=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", first[0])
    assert first != second


@pytest.mark.parametrize("sent", [f"bertoscope={NAME}", f"a=b; bertoscope={NAME}", f"a=[}}; bertoscope={NAME} ; c=d"])
def test_who_has_one_keeps_it(sent):
    assert headers_of(request(sent)) == []


@pytest.mark.parametrize("sent", ["bertoscope=short", f"other_bertoscope={NAME}", "bertoscope=" + "é" * 43, ""])
def test_what_is_no_name_is_none(sent):
    assert len(headers_of(request(sent))) == 1


def test_only_pages_bring_it():
    assert headers_of(request(), b"text/javascript") == []


@pytest.mark.parametrize("cookies, kept", [({"bertoscope": NAME}, True), ({"bertoscope": "short"}, False), ({}, False)])
def test_without_one_a_session_has_a_name_of_its_own(monkeypatch, cookies, kept):
    class Context:
        def __init__(self):
            self.cookies = cookies

    session = {}
    monkeypatch.setattr("streamlit.context", Context())
    monkeypatch.setattr("streamlit.session_state", session)
    assert (visitor() == NAME) == kept
    assert visitor() == visitor()
    assert bool(session) != kept

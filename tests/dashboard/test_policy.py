"""What a browser is told that pages may do; `tests/browser` fails wherever a page does what it is not allowed to."""

import base64
import hashlib
import re

import pytest

from dashboard.components.bertviz import page_scripts
from dashboard.policy import Policy, page_policy
from dashboard.shell import ADDED


def answered(path, *headers, kind="http"):
    """Return the headers that are sent to who asks for a path, where the app behind says some of its own."""
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [*headers]})

    async def send(message):
        sent.append(message)

    with pytest.raises(StopIteration):
        Policy(app)({"type": kind, "path": path, "headers": []}, None, send).send(None)
    return dict(sent[0]["headers"])


def test_every_answer_says_what_a_browser_may_do_with_it():
    for path in ("/", "/attention", "/static/js/index.js", "/_stcore/health", "/media/0123.html"):
        found = answered(path)
        assert found[b"x-content-type-options"] == b"nosniff"
        assert found[b"x-frame-options"] == b"SAMEORIGIN"
        assert found[b"referrer-policy"] == b"same-origin"
    # What is saved may be HTML that holds anybody's text: shown, it runs nothing.
    assert b"sandbox" in answered("/media/0123.html")[b"content-security-policy"]
    assert b"content-security-policy" not in answered("/static/js/index.js")


def test_what_the_app_says_itself_stands():
    found = answered("/", (b"Referrer-Policy", b"no-referrer"))
    assert found[b"Referrer-Policy"] == b"no-referrer"
    assert b"referrer-policy" not in found


def test_sockets_are_passed_on_as_they_are():
    assert answered("/_stcore/stream", kind="websocket") == {}


def test_only_scripts_that_are_ours_run():
    body = b"<html><head><script>first()</script><script src='a.js'></script>" + ADDED + b"</head></html>"
    said = dict(one.split(" ", 1) for one in page_policy(body, "bert.example:8501").decode().split("; "))
    inline = [b"first()", re.search(rb"<script>(.*?)</script>", ADDED, re.DOTALL)[1]]
    allowed = [*inline, *(one.encode() for one in page_scripts())]
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(one).digest()).decode()}'" for one in allowed}
    assert set(said["script-src"].split()) == {"'self'", "blob:", "'unsafe-eval'", *digests}
    assert said["frame-ancestors"] == "'self'"
    assert said["default-src"] == "'none'"
    assert said["connect-src"] == "'self' ws://bert.example:8501 wss://bert.example:8501"
    # No other host is named anywhere.
    assert "http" not in str(said)
    assert "*" not in str(said)

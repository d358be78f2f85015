"""The shell of a page: it keeps room for the sidebar, and everything else is passed on as it is."""

import pytest

from dashboard.shell import ADDED, Shell

PAGE = [b"<html><head><title>x</title>", b"</head><body></head></body></html>"]
ETAG, PACKED = (b"etag", b'"of the file"'), (b"accept-encoding", b"gzip")


def answered(headers, kind=b"text/html; charset=utf-8", method="GET", path="/attention"):
    """Return what the app behind was asked for, and what is sent."""
    asked, sent = [], []

    async def app(scope, _receive, send):
        asked.extend(scope["headers"])
        length = (b"content-length", str(sum(map(len, PAGE))).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), length, ETAG]})
        await send({"type": "http.response.body", "body": PAGE[0], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[1]})

    async def send(message):
        sent.append(message)

    # Nothing in it waits, and a browser test may have left a loop running in this thread.
    with pytest.raises(StopIteration):
        Shell(app)({"type": "http", "method": method, "path": path, "headers": headers}, None, send).send(None)
    begin, *bodies = sent
    return asked, dict(begin["headers"]), b"".join(one["body"] for one in bodies)


def test_a_page_keeps_room_for_its_sidebar():
    accept = (b"accept", b"text/html,application/xhtml+xml")
    asked, headers, body = answered([accept, PACKED, (b"if-none-match", b'"of the file"')])
    assert body == PAGE[0] + ADDED + PAGE[1]
    assert headers[b"content-length"] == str(len(body)).encode()
    # What is kept of it must not be taken for the file without it, and it has to come unpacked.
    assert b"etag" not in headers
    assert asked == [accept]


@pytest.mark.parametrize(
    ("accept", "kind", "method", "path"),
    [
        (b"*/*", b"text/html", "GET", "/attention"),
        (b"text/html", b"text/javascript", "GET", "/static/js/index.js"),
        (b"text/html", b"text/html", "HEAD", "/attention"),
        # An export, which the browser opens as a page to save it.
        (b"text/html", b"text/html", "GET", "/media/0123.html"),
    ],
)
def test_whatever_else_is_passed_on(accept, kind, method, path):
    _asked, found, body = answered([(b"accept", accept), PACKED], kind, method, path)
    assert body == b"".join(PAGE)
    assert found[b"etag"] == ETAG[1]
    assert found[b"content-length"] == str(len(body)).encode()

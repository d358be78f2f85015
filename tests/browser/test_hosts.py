"""The server as it is started, asked for by a name that it has not."""

import socket
from urllib.parse import urlparse

import pytest


def answered(server, host, path, *more):
    """Ask by raw HTTP, which sends the Host that it is given; return the status and what came first."""
    url = urlparse(server)
    with socket.create_connection((url.hostname, url.port), timeout=20) as line:
        head = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Origin: http://{host}", *more]
        line.sendall("\r\n".join([*head, "", ""]).encode())
        found = line.recv(65536).decode("latin-1")
    return int(found.split(maxsplit=2)[1]), found


SOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_the_server_answers_by_its_own_names(server, name):
    host = f"{name}:{urlparse(server).port}"
    assert answered(server, host, "/")[0] == 200
    assert answered(server, host, "/_stcore/stream", *SOCKET)[0] == 101


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example"])
def test_a_name_that_was_pointed_here_opens_no_socket_and_no_page(server, name):
    """Host and Origin agree, as in a browser whose page lets its own name point at this machine (DNS rebinding)."""
    host = f"{name}:{urlparse(server).port}"
    for path, more in (("/", ()), ("/_stcore/health", ()), ("/_stcore/stream", SOCKET)):
        status, found = answered(server, host, path, *more)
        assert status == 403, path
        assert "Bertoscope" not in found
        assert "sec-websocket-accept" not in found.lower()


# What the browser says of a picture that somebody put into a page, once it has refused it.
REFUSED = """(address) => new Promise((done) => {
    document.addEventListener("securitypolicyviolation", (one) => done([one.effectiveDirective, one.blockedURI]));
    document.body.append(Object.assign(new Image(), { src: address }));
})"""


@pytest.mark.browser
def test_no_other_page_may_frame_it_and_it_loads_nothing_from_elsewhere(server, browser):
    context = browser.new_context()
    page = context.new_page()
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.set_content(f"<iframe src='{server}/attention'></iframe>")
    assert page.frames[1].url == "chrome-error://chromewebdata/"
    page.goto(server)
    address = "http://evil.example/a.png"
    assert page.evaluate(REFUSED, address) == ["img-src", address]
    context.close()

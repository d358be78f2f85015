"""A server goes by the names that it has, and by no other: a page elsewhere can point a name of its own at it."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.hosts import KnownHosts, known_host

OWN = socket.gethostname()


@pytest.mark.parametrize(
    ("host", "address", "known"),
    [
        # However it was started, by loopback; a tunnel's near end has another port.
        *[
            (host, address, True)
            for host in ("127.0.0.1:8501", "localhost:8501", "LOCALHOST", "localhost.:9000", "[::1]:8501", "127.0.0.1")
            for address in ("127.0.0.1", "localhost", "::1", "0.0.0.0", None, "192.168.1.5")
        ],
        # A name that anybody can point here.
        *[
            (host, address, False)
            for host in (
                "evil.example:8501",
                "127.0.0.1.evil.example",
                "localhost.evil.example:8501",
                "evil.example:8501@127.0.0.1",
                "user@127.0.0.1:8501",
                "127.0.0.1/evil.example",
                "127.0.0.1:8501:evil.example",
                "127.0.0.1 evil.example",
                "127.0.0.1\n.evil.example",
                "[evil.example]:8501",
                "",
                ":8501",
            )
            for address in ("127.0.0.1", "localhost", "0.0.0.0", "::", None, "192.168.1.5")
        ],
        # Nobody can point a number elsewhere; one that is not listened on is asked for by mistake.
        ("192.168.1.5:8501", "192.168.1.5", True),
        ("192.168.1.5:8501", "0.0.0.0", True),
        ("[fd00::5]:8501", "::", True),
        ("192.168.1.5:8501", None, True),
        ("192.168.1.6:8501", "192.168.1.5", False),
        ("192.168.1.5:8501", "127.0.0.1", False),
        # The machine's own name, where the network reaches it.
        (f"{OWN}:8501", "0.0.0.0", True),
        (OWN.upper(), None, True),
        (f"{OWN}.evil.example", "0.0.0.0", False),
        ("named.example", "named.example", True),
    ],
)
def test_a_host_is_known_or_not(host, address, known):
    assert known_host(host, address) is known


def test_names_that_are_listed_are_known_and_no_longer_ones():
    listed = ("bert.example.org", "Other.example.")
    for host in ("bert.example.org", "BERT.example.org:443", "other.example"):
        assert known_host(host, "127.0.0.1", listed)
    for host in ("example.org", "x.bert.example.org", "bert.example.org.evil.example"):
        assert not known_host(host, "127.0.0.1", listed)


def asked(headers, kind="http"):
    """Return what is sent to who asks, and whether the app behind was reached."""
    sent, reached = [], []

    async def app(scope, receive, send):
        reached.append(scope["type"])

    async def receive():
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message):
        sent.append(message)

    # In a thread of its own: a browser that other tests drive leaves a loop at work in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, KnownHosts(app)({"type": kind, "headers": headers}, receive, send)).result()
    return sent, reached


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_what_asks_by_another_name_never_reaches_the_app(kind, monkeypatch):
    monkeypatch.delenv("BERTOSCOPE_HOSTS", raising=False)
    good, evil = (b"host", b"127.0.0.1:8501"), (b"host", b"evil.example:8501")
    assert asked([good], kind) == ([], [kind])
    # Two say two things, and none says nothing.
    for headers in ([evil], [good, evil], [evil, good], []):
        sent, reached = asked(headers, kind)
        assert reached == []
        first = sent[0]
        assert first["status"] == 403 if kind == "http" else first["type"] == "websocket.close"
    monkeypatch.setenv("BERTOSCOPE_HOSTS", "bert.example.org, evil.example")
    assert asked([evil], kind) == ([], [kind])


def test_what_is_neither_is_passed_on():
    assert asked([], "lifespan") == ([], ["lifespan"])

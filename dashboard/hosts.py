"""Who may be asked for: a server check against pages elsewhere that give this machine a name of their own.

A web page can let its own name point at this machine once it is open (DNS rebinding). To the browser both are then one
site, so `Origin` and `Host` agree; only that this server does not go by the name in `Host` gives it away.
"""

import ipaddress
import os
import re
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import cli_util, config
from streamlit.web.server.server_util import get_display_address, get_url

from dashboard import logs

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\s\[\]:/?#@\\]+)(:[0-9]{1,5})?")
_REFUSED = (
    "This server does not go by that name. Open it by the address that it printed when it started, or, where it has "
    "another name, start it with BERTOSCOPE_HOSTS=that-name (several with commas between)."
)


def known_host(host: str, address: str | None, listed: Iterable[str] = ()) -> bool:
    """Tell whether a server may be asked for by this name.

    Ports are not compared: a page that rebinds a name has the name all the same, and a tunnel (``ssh -L``) has another
    port at its near end.

    Parameters
    ----------
    host
        The header `Host` as it came.
    address
        What the server listens on; None, ``0.0.0.0`` and ``::`` are all of the machine's addresses.
    listed
        More names that it goes by.
    """
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = _plain(found["name"])
    if name in {"localhost", *map(_plain, listed)} or (address and name == _plain(address)):
        return True
    everywhere = address is None or _plain(address) in ("", "0.0.0.0", "::")
    try:
        number = ipaddress.ip_address(name)
    except ValueError:
        return not _loopback(address) and name == socket.gethostname().casefold()
    # Nobody can let a number point elsewhere.
    return number.is_loopback or everywhere


def _plain(name: str) -> str:
    return name.strip().strip("[]").rstrip(".").casefold()


def _loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(_plain(address or "")).is_loopback
    except ValueError:
        return _plain(address or "") == "localhost"


class KnownHosts:
    """Lets through, of requests and sockets, what asks for this server by a name that it has; answers 403 otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or self._known(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(_REFUSED, 403)(scope, receive, send)
        else:
            await receive()
            # Before it is accepted, which the server answers with 403.
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    def _known(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        listed = os.environ.get("BERTOSCOPE_HOSTS", "").split(",")
        address = config.get_option("server.address")
        return len(hosts) == 1 and known_host(hosts[0].decode("latin-1"), address, filter(None, map(str.strip, listed)))


@asynccontextmanager
async def opened(_app: Any) -> AsyncIterator[None]:
    """Begin the log, and open a browser where there is a screen: Streamlit does so only where it makes the server."""
    logs.begin()
    if not config.get_option("server.headless"):
        cli_util.open_browser(get_url(get_display_address(config.get_option("server.address") or "localhost")))
    yield

"""Who is here: a name of a browser's own, by which it finds again after a reload what it has uploaded."""

import re
import secrets

import streamlit as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.sign_in.session import person

_COOKIE = "bertoscope"
_NAME = re.compile(r"[\w-]{22,64}", re.ASCII)
_SENT = re.compile(rb"(?:^|;)\s*bertoscope=[\w-]{22,64}\s*(?:;|$)")
# Where there is no cookie, as in tests and where a browser takes none, the name lasts as long as the session.
_SESSION = "visitor"


class Visitors:
    """Gives each browser a cookie with a name drawn at random, which no script in a page can read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the answer to one without the cookie brings it."""
        if scope["type"] != "http" or _named(scope):
            await self.app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                # Lax: whoever comes by a link keeps the name; no other site's request has it.
                cookie = f"{_COOKIE}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; SameSite=Lax"
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        await self.app(scope, receive, sent)


def visitor() -> str:
    """Return the name of the browser that this session is in, and who is signed in there, one after another."""
    who = person()
    return _browser() if who is None else f"{_browser()} {who.id}"


def _browser() -> str:
    found = dict(st.context.cookies).get(_COOKIE, "")
    if _NAME.fullmatch(found):
        return found
    if _SESSION not in st.session_state:
        st.session_state[_SESSION] = secrets.token_urlsafe(32)
    name: str = st.session_state[_SESSION]
    return name


def _named(scope: Scope) -> bool:
    return any(name == b"cookie" and _SENT.search(value) for name, value in scope["headers"])


def _is_page(message: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"])

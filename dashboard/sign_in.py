"""A pass-phrase before everything: who does not know it gets a page that asks for it, and nothing else of the server.

It stands before Streamlit, not in its pages: pages, sockets, uploads and what is saved are all behind it. For a team
without an identity provider; who has one signs in there instead.
"""

import base64
import hashlib
import hmac
import html
import ipaddress
import math
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qs

import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.language import _, nearest_language, speaking
from interpret.core.characters import whole_characters

PATH, LEAVE = "/sign-in", "/sign-out"
# What watches over the server asks whether it answers, and learns nothing else.
_OPEN = ("/_stcore/health",)
# How long a browser stays signed in.
_DAYS = 30
LONGEST_NAME = 60
# A form with a name and a pass-phrase.
_MOST_BYTES = 8192


def password() -> str:
    """Return the pass-phrase that was set by ``BERTOSCOPE_PASSWORD``; empty for none."""
    return os.environ.get("BERTOSCOPE_PASSWORD", "")


class Person(NamedTuple):
    """Who signed in, by the name that they gave, and until when, in seconds since 1970."""

    name: str
    until: int


@cache
def _key(phrase: str) -> bytes:
    """Return what cookies are signed with: made of the pass-phrase, so that another one ends all that was signed in.

    Slow, as every try would be of who has a cookie and looks for the pass-phrase: see RFC 7914.
    """
    return hashlib.scrypt(phrase.encode("utf-8", "surrogateescape"), salt=b"bertoscope cookie", n=2**14, r=8, p=1)


def cookie_for(name: str, phrase: str, now: float) -> str:
    """Return the value of the cookie of somebody who knows the pass-phrase."""
    said = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=") + f".{int(now) + 86400 * _DAYS}"
    return f"{said}.{_signature(said, phrase)}"


def person_of(cookie: str, phrase: str, now: float) -> Person | None:
    """Return who a cookie is of; None where it was not made here with this pass-phrase, or its time is over."""
    said, _dot, signature = cookie.rpartition(".")
    name, _dot, until = said.rpartition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(said, phrase).encode()):
        return None
    # What is signed was made here.
    if int(until) <= now:
        return None
    return Person(base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode(), int(until))


def _signature(said: str, phrase: str) -> str:
    return hmac.new(_key(phrase), said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def cookie_name(phrase: str) -> str:
    """Return what the cookie is called: browsers share cookies among all servers of a host, whatever their ports."""
    return f"bertoscope_person_{hashlib.sha256(_key(phrase)).hexdigest()[:8]}"


def signed_in(cookies: str | None, now: float | None = None) -> Person | None:
    """Return who a request's header `Cookie` is of."""
    # A browser may have several of that name, of other paths or names of this host: one that was made here will do.
    found = re.findall(rf"(?:^|;)\s*{cookie_name(password())}=([\w.-]{{1,600}})(?=\s*(?:;|$))", cookies or "", re.ASCII)
    people = (person_of(one, password(), time.time() if now is None else now) for one in found)
    return next((one for one in people if one is not None), None)


def person() -> Person | None:
    """Return who the session at hand is of; None where no pass-phrase is set."""
    return signed_in(st.context.headers.get("Cookie")) if password() else None


class Tries:
    """How often somebody may guess: a few at once, and then one after another, however many ask.

    Parameters
    ----------
    at_once
        Wrong ones in a row.
    seconds
        After which one more is free.
    """

    # Addresses that are remembered; the one that was longest ago gives way.
    MOST = 10_000

    def __init__(self, at_once: int, seconds: float) -> None:
        self.at_once, self.seconds = at_once, seconds
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def left(self, who: str, now: float) -> float:
        """Return for how many seconds somebody has to wait; 0 for not at all."""
        with self._lock:
            return max(0.0, self._free_at.get(who, 0.0) - now - self.at_once * self.seconds + self.seconds)

    def failed(self, who: str, now: float) -> None:
        """Count a wrong one."""
        with self._lock:
            self._free_at[who] = max(now, self._free_at.get(who, 0.0)) + self.seconds
            self._free_at.move_to_end(who)
            while len(self._free_at) > self.MOST:
                self._free_at.popitem(last=False)


class SignIn:
    """Lets through who has signed in; without a pass-phrase everybody.

    Parameters
    ----------
    app
        What is behind it.
    of_one, of_all
        How often one address, and all together, may guess wrong. A guesser with many addresses has the second alone;
        who has signed in is not asked again.
    on_entry
        Called with what became of it, ``"signed in"`` or ``"refused"``, the name that was given, and the address.
    """

    def __init__(
        self,
        app: ASGIApp,
        of_one: Tries | None = None,
        of_all: Tries | None = None,
        on_entry: Callable[[str, str, str], None] | None = None,
    ) -> None:
        self.app, self.on_entry = app, on_entry or (lambda _what, _name, _address: None)
        self.of_one, self.of_all = of_one or Tries(8, 15.0), of_all or Tries(200, 1.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, ask for the pass-phrase, or refuse it."""
        if scope["type"] not in ("http", "websocket") or not password():
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            if signed_in(headers.get("cookie")) is not None:
                await self.app(scope, receive, send)
            else:
                await receive()
                # Before it is accepted, which the server answers with 403.
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        if scope["method"] == "POST" and scope["path"] in (PATH, LEAVE) and _is_of_another_site(headers):
            await PlainTextResponse("This form is of another site.", 403)(scope, receive, send)
        elif scope["path"] == PATH and scope["method"] == "POST":
            await (await self._answer(Request(scope, receive)))(scope, receive, send)
        elif scope["path"] == LEAVE:
            await _leave(scope)(scope, receive, send)
        elif scope["path"] in _OPEN or signed_in(headers.get("cookie")) is not None:
            await self.app(scope, receive, send)
        elif "text/html" in headers.get("accept", ""):
            wanted = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            await _page(scope, "", "", wanted, 401)(scope, receive, send)
        else:
            await PlainTextResponse("Sign in first.", 401)(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        scope = request.scope
        body = b""
        try:
            async for some in request.stream():
                body += some
                if len(body) > _MOST_BYTES:
                    return PlainTextResponse("This is too long for a name and a pass-phrase.", 413)
            given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
        except (ValueError, ClientDisconnect):
            return PlainTextResponse("This is no form with a name and a pass-phrase.", 400)
        name, phrase, next_page = (given.get(field, [""])[0] for field in ("name", "phrase", "next"))
        name = " ".join(whole_characters(name).split())
        who, now = scope["client"][0] if scope.get("client") else "", time.monotonic()
        network = _network(who)
        wait = max(self.of_one.left(network, now), self.of_all.left("", now))
        with speaking(_language(scope)):
            if wait:
                said = _("Too many wrong tries. Wait {seconds} s.").format(seconds=math.ceil(wait))
                page = _page(scope, said, name, next_page, 429)
                page.headers["retry-after"] = str(math.ceil(wait))
                return page
            if not _is_right(phrase):
                self.on_entry("refused", name[:LONGEST_NAME], who)
                self.of_one.failed(network, now)
                self.of_all.failed("", now)
                return _page(scope, _("This is not the pass-phrase."), name, next_page, 401)
            if not name or len(name) > LONGEST_NAME:
                said = _("Give a name of 1 to {most} characters.").format(most=LONGEST_NAME)
                return _page(scope, said, name[:LONGEST_NAME], next_page, 400)
        self.on_entry("signed in", name, who)
        # By the way that it was asked for: what a form hands on is what anybody wrote into a link.
        response = RedirectResponse(_inside(next_page), 303)
        value = cookie_for(name, password(), time.time())
        response.headers["set-cookie"] = _set_cookie(value, 86400 * _DAYS, scope)
        return response


def _is_of_another_site(headers: Headers) -> bool:
    """Tell whether a form was on a page elsewhere, which would sign somebody in by another name, or out."""
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _network(address: str) -> str:
    """Return what an address is known by: whoever has one of IPv6 has 2⁶⁴ of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))


def _is_right(phrase: str) -> bool:
    """Tell whether it is the pass-phrase, in the same time whatever it is."""
    given, right = (hashlib.sha256(one.encode("utf-8", "surrogateescape")).digest() for one in (phrase, password()))
    return hmac.compare_digest(given, right)


def _inside(page: str) -> str:
    """Return a path of this server's; its first page for what leads elsewhere, or to where one signs in."""
    if page.partition("?")[0] in (PATH, LEAVE):
        return "/"
    return page if re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f-\U0010ffff]*", page) else "/"


def _set_cookie(value: str, seconds: int, scope: Scope) -> str:
    # A proxy that has the certificate says so; were it a lie, only the liar's own cookie would be lost.
    safe = "https" in (scope.get("scheme"), Headers(scope=scope).get("x-forwarded-proto"))
    name, more = cookie_name(password()), "; Secure" if safe else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{more}"


def _leave(scope: Scope) -> Response:
    """Ask whether somebody wants to leave, for any page can make a browser follow a link; let them."""
    if scope["method"] == "POST":
        response: Response = RedirectResponse("/", 303)
        response.headers["set-cookie"] = _set_cookie("", 0, scope)
        return response
    with speaking(_language(scope)):
        label = html.escape(_("Sign out"))
    form = f'<form method="post" action="{LEAVE}"><h1>{label}?</h1><button>{label}</button></form>'
    return _html(label, form, 200, _language(scope))


def _language(scope: Scope) -> str:
    """Return the reader's language: of those that the browser asks for the first that there is."""
    wanted = Headers(scope=scope).get("accept-language", "").split(",")
    found = (nearest_language(one.partition(";")[0].strip()) for one in wanted)
    return next((one for one in found if one is not None), "en")


def _page(scope: Scope, said: str, name: str, next_page: str, status: int) -> Response:
    """Return the page that asks for the pass-phrase."""
    with speaking(_language(scope)):
        words = (
            _("Sign in"),
            _("Your name"),
            _("It is written down with what you start, stop, delete and download."),
            _("Pass-phrase"),
            _("Whoever runs this server knows it."),
        )
    sign, own, why, phrase, who = map(html.escape, words)
    alert = f'<p class="alert" role="alert">{html.escape(said)}</p>' if said else ""
    form = f"""<form method="post" action="{PATH}">
<h1>Bertoscope</h1>
{alert}
<label for="name">{own}</label>
<input id="name" name="name" autocomplete="nickname" maxlength="{LONGEST_NAME}" required value="{html.escape(name)}"
 {"" if name else "autofocus"}>
<p class="hint">{why}</p>
<label for="phrase">{phrase}</label>
<input id="phrase" name="phrase" type="password" autocomplete="current-password" required {"autofocus" if name else ""}>
<p class="hint">{who}</p>
<input type="hidden" name="next" value="{html.escape(_inside(next_page))}">
<button>{sign}</button>
</form>"""
    return _html(sign, form, status, _language(scope))


def _html(title: str, body: str, status: int, language: str) -> HTMLResponse:
    page = HTMLResponse(
        f"""<!doctype html><html lang="{language.replace("_", "-")}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · Bertoscope</title>
<style>{_STYLE}</style></head><body><main>{body}</main></body></html>""",
        status,
    )
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    page.headers["content-security-policy"] = (
        f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    page.headers["cache-control"] = "no-store"
    return page


_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 "Source Sans", system-ui, sans-serif; }
body { margin: 0; background: light-dark(#ffffff, #11161d); color: light-dark(#1f2933, #e6e9ee); }
main { max-width: 22rem; margin: 12vh auto 0; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 1.2rem; }
label { display: block; font-weight: 600; margin-top: 1rem; }
input { box-sizing: border-box; width: 100%; padding: 0.55rem 0.7rem; font: inherit; color: inherit;
  background: light-dark(#f3f5f8, #1b222c); border: 1px solid light-dark(#8a94a3, #6b7685); border-radius: 0.4rem; }
.hint { margin: 0.2rem 0 0; font-size: 0.875rem; color: light-dark(#53606f, #a9b3c0); }
.alert { margin: 0; padding: 0.6rem 0.8rem; border-radius: 0.4rem;
  background: light-dark(#fdecea, #4a1f1c); color: light-dark(#7a1b12, #ffd9d4); }
button { margin-top: 1.4rem; width: 100%; padding: 0.6rem; font: inherit; font-weight: 600; cursor: pointer;
  color: #ffffff; background: #1f5fbf; border: 0; border-radius: 0.4rem; }
button:focus-visible, input:focus-visible { outline: 3px solid #f0a030; outline-offset: 2px; }
"""

"""The gate: who has not signed in gets a page that asks for it, and nothing else of the server.

It stands before Streamlit, not in its pages: pages, sockets, uploads and what is saved are all behind it.
"""

import ipaddress
import logging
import math
import time
from collections.abc import Callable
from urllib.parse import parse_qs, quote, unquote

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.language import _, speaking
from dashboard.sign_in import pass_phrase, provider
from dashboard.sign_in.pages import (
    CALLBACK,
    LEAVE,
    LOGIN,
    LOGOUT,
    PATH,
    below_base,
    inside,
    language_of,
    leaving_page,
    phrase_page,
    provider_page,
    stranger_page,
)
from dashboard.sign_in.pass_phrase import DAYS, Tries, cookie_for, cookie_name
from dashboard.sign_in.people import LONGEST_NAME, Person, tidy
from dashboard.sign_in.session import needs_sign_in, signed_in

# What watches over the server asks whether it answers, and learns nothing else.
_OPEN = ("/_stcore/health",)
# A form with a name and a pass-phrase.
_MOST_BYTES = 8192
# Where somebody wanted to go who was led to an identity provider, for some minutes.
_NEXT, _NEXT_SECONDS = "bertoscope_next", 600
_log = logging.getLogger("bertoscope")


class SignIn:
    """Lets through who has signed in; where nobody is asked to, everybody.

    Parameters
    ----------
    app
        What is behind it.
    of_one, of_all
        How often one address, and all together, may guess wrong. A guesser with many addresses has the second alone;
        who has signed in is not asked again.
    on_entry
        Called with what became of it, ``"signed in"`` or ``"refused"``, the name that was given, and the address.
    whose
        Returns the `Person.id` of who opened a tab by Streamlit's name for it; None where nobody is known to.
    """

    def __init__(
        self,
        app: ASGIApp,
        of_one: Tries | None = None,
        of_all: Tries | None = None,
        on_entry: Callable[[str, str, str], None] | None = None,
        whose: Callable[[str], str | None] | None = None,
    ) -> None:
        self.app, self.on_entry = app, on_entry or (lambda _what, _name, _address: None)
        self.whose = whose or (lambda _tab: None)
        self.of_one, self.of_all = of_one or Tries(8, 15.0), of_all or Tries(200, 1.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, ask for a signature, or refuse it."""
        if scope["type"] not in ("http", "websocket") or not needs_sign_in():
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        person = signed_in(headers.get("cookie"))
        if scope["type"] == "websocket":
            if person is not None:
                await self.app(self._of_own_tab(scope, person), receive, send)
            else:
                await receive()
                # Before it is accepted, which the server answers with 403.
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        answer: ASGIApp
        if scope["method"] == "POST" and _is_at(scope, PATH, LEAVE) and _is_of_another_site(headers):
            answer = PlainTextResponse("This form is of another site.", 403)
        elif _is_at(scope, LEAVE):
            answer = _left(scope) if scope["method"] == "POST" else leaving_page(scope, person)
        elif provider.is_set():
            answer = self._by_provider(scope, headers, person is not None)
        elif _is_at(scope, PATH) and scope["method"] == "POST":
            answer = await self._answer(Request(scope, receive))
        elif person is not None or _is_at(scope, *_OPEN):
            answer = self.app
        elif _is_for_a_page(headers):
            answer = phrase_page(scope, "", "", _wanted(scope), 401)
        else:
            answer = PlainTextResponse("Sign in first.", 401)
        await answer(scope, receive, send)

    def _of_own_tab(self, scope: Scope, person: Person) -> Scope:
        """Return a socket's request without the name of a tab that somebody else has opened.

        Streamlit gives what was typed and computed in a tab to who comes back to it with its name, for some minutes.
        """
        headers = []
        for name, value in scope["headers"]:
            if name.lower() == b"sec-websocket-protocol":
                given = [one.strip() for one in value.decode("latin-1").split(",")]
                if len(given) > 2 and self.whose(given[2]) != person.id:
                    value = ", ".join(given[:2]).encode("latin-1")
            headers.append((name, value))
        protocols = [
            one.strip()
            for name, value in headers
            if name.lower() == b"sec-websocket-protocol"
            for one in value.decode("latin-1").split(",")
        ]
        return {**scope, "headers": headers, "subprotocols": protocols}

    # ---- by a pass-phrase

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
        name = tidy(name)
        who, now = _address(scope), time.monotonic()
        network = _network(who)
        wait = max(self.of_one.left(network, now), self.of_all.left("", now))
        with speaking(language_of(scope)):
            if wait:
                said = _("Too many wrong tries. Wait {seconds} s.").format(seconds=math.ceil(wait))
                page = phrase_page(scope, said, name, next_page, 429)
                page.headers["retry-after"] = str(math.ceil(wait))
                return page
            right = pass_phrase.right_one(phrase)
            if right is None:
                self.on_entry("refused", name[:LONGEST_NAME], who)
                self.of_one.failed(network, now)
                self.of_all.failed("", now)
                return phrase_page(scope, _("This is not the pass-phrase."), name, next_page, 401)
            if not name or len(name) > LONGEST_NAME:
                said = _("Give a name of 1 to {most} characters.").format(most=LONGEST_NAME)
                return phrase_page(scope, said, name[:LONGEST_NAME], next_page, 400)
        self.on_entry("signed in", name, who)
        # By the way that it was asked for: what a form hands on is what anybody wrote into a link.
        response = RedirectResponse(inside(next_page), 303)
        response.headers["set-cookie"] = _cookie(
            cookie_name(right), cookie_for(name, right, time.time()), 86400 * DAYS, scope
        )
        return response

    # ---- by an identity provider

    def _by_provider(self, scope: Scope, headers: Headers, is_signed_in: bool) -> ASGIApp:
        """Return what answers a request where an identity provider says who people are."""
        cookies = cookie_parser(headers.get("cookie", ""))
        claims = provider.claims_in(cookies)
        if _is_at(scope, PATH):
            return _to_provider(scope)
        if _is_at(scope, CALLBACK):
            return self._called_back
        if _is_at(scope, LOGOUT) and headers.get("sec-fetch-site") == "cross-site":
            return PlainTextResponse("This link is of another site.", 403)
        if _is_at(scope, LOGIN, LOGOUT, *_OPEN):
            return self.app
        if is_signed_in:
            wanted = inside(unquote(cookies.get(_NEXT, "")))
            if _NEXT in cookies and _is_at(scope, "/") and _is_for_a_page(headers) and wanted != below_base("/"):
                # Streamlit leads everybody to the first page.
                response = RedirectResponse(wanted, 303)
                response.headers["set-cookie"] = _cookie(_NEXT, "", 0, scope)
                return response
            return self.app
        if not _is_for_a_page(headers):
            return PlainTextResponse("Sign in first.", 401)
        if claims is not None:
            return stranger_page(scope, tidy(provider.name_of(claims))[:LONGEST_NAME], str(claims["sub"])[:200])
        if problem := provider.problem():
            _log.error("nobody can sign in: %s", problem)
        return provider_page(scope, {} if problem else provider.providers(), bool(problem), _wanted(scope))

    async def _called_back(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what a provider sends back, and write down whom it has signed in."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [value.decode("latin-1") for name, value in message["headers"] if name.lower() == b"set-cookie"]
                claims = provider.claims_in(cookie_parser("; ".join(one.partition(";")[0] for one in given)))
                if claims is not None:
                    person = provider.person_of(claims)
                    name = tidy(provider.name_of(claims))[:LONGEST_NAME] if person is None else person.name
                    self.on_entry("refused" if person is None else "signed in", name, _address(scope))
            await send(message)

        await self.app(scope, receive, sent)


def _to_provider(scope: Scope) -> Response:
    """Lead somebody to the provider that they chose, and remember which page they opened."""
    try:
        given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8)
    except ValueError:
        given = {}
    chosen, wanted = (given.get(one, [""])[0] for one in ("provider", "next"))
    if provider.problem() or chosen not in provider.providers():
        return RedirectResponse(below_base("/"), 303)
    response = RedirectResponse(provider.address_of(chosen), 303)
    response.headers["set-cookie"] = _cookie(_NEXT, quote(inside(wanted), safe=""), _NEXT_SECONDS, scope)
    return response


def _left(scope: Scope) -> Response:
    """Sign somebody out."""
    if provider.is_set():
        return RedirectResponse(below_base(LOGOUT), 303)
    response = RedirectResponse(below_base("/"), 303)
    for phrase in pass_phrase.phrases():
        response.headers.append("set-cookie", _cookie(cookie_name(phrase), "", 0, scope))
    return response


# ---- requests


def _is_at(scope: Scope, *paths: str) -> bool:
    return scope["path"] in map(below_base, paths)


def _is_for_a_page(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _wanted(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def _address(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


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


def _cookie(name: str, value: str, seconds: int, scope: Scope) -> str:
    # A proxy that has the certificate says so; were it a lie, only the liar's own cookie would be lost.
    safe = "https" in (scope.get("scheme"), Headers(scope=scope).get("x-forwarded-proto"))
    more = "; Secure" if safe else ""
    path = below_base("/").rstrip("/") or "/"
    return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{more}"

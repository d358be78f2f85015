"""What a browser is told that pages may do: load nothing from elsewhere, run no script but ours, stand in no other.

A second wall: text of others is text wherever it is written, and were it once not, nothing would come of it. See
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy.
"""

import base64
import hashlib
import re
from functools import cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.components.bertviz import page_scripts

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
# Addresses hold what somebody typed, so no other site is told of them; no page asks for a camera or for a place.
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
# What is saved holds what others wrote: should a browser show it, it is a page without rights.
_SAVED = (b"content-security-policy", b"default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox")


class Policy:
    """Says with each answer what a browser may do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; what is answered has these headers, unless the app behind says otherwise."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = (*_ALWAYS, _SAVED) if "/media/" in scope["path"] else _ALWAYS

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name.lower() for name, _value in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in added if one[0] not in said)]
            await send(message)

        await self.app(scope, receive, sent)


def page_policy(shell: bytes, host: str) -> bytes:
    """Return the policy of a page, whose own scripts are known by their digests.

    Plotly's WebGL compiles what it draws with out of words of its own, which takes ``'unsafe-eval'``: scripts that are
    written into a page, or come from elsewhere, run no more for that.

    Not every browser takes a socket of the same host for its own, so it is named. Streamlit puts styles into
    attributes, hands over scripts of components as blobs, and makes images of its own.
    """
    digests = (*map(_digest, _INLINE.findall(shell)), *_of_frames())
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' blob: 'unsafe-eval' {' '.join(digests)}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            f"connect-src 'self' ws://{host} wss://{host}",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "frame-src 'self'",
            "frame-ancestors 'self'",
            "base-uri 'self'",
            "form-action 'self'",
        )
    ).encode()


@cache
def _of_frames() -> tuple[str, ...]:
    """Return the digests of the scripts in frames that are written into a page, and have its policy."""
    return tuple(_digest(one.encode()) for one in page_scripts())


def _digest(script: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"

"""What the server writes to its log: sentences for people, or a line of JSON each for machines, by requests.

A request is what a browser asks for over HTTP, a socket from its opening to its end, and a run of a page, each with an
id of its own. What somebody types is in none of them: of an address the path alone.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interpret.core.redaction import Redacting, redacted

_log = logging.getLogger("bertoscope")
_id: ContextVar[str] = ContextVar("request id", default="")
# What a line has beside its sentence, where it is known.
FIELDS = ("method", "path", "status", "page", "seconds", "person")


def as_json() -> bool:
    """Tell whether lines are JSON, and say what is asked for too: set by ``BERTOSCOPE_LOG=json``."""
    return os.environ.get("BERTOSCOPE_LOG", "").strip().casefold() == "json"


@contextmanager
def one_request() -> Iterator[str]:
    """Give what is done inside an id, that of the request around it where there is one."""
    if before := _id.get():
        yield before
        return
    token = _id.set(secrets.token_hex(6))
    try:
        yield _id.get()
    finally:
        _id.reset(token)


class Lines(Redacting):
    """Writes each record as a line for people: when, how bad, by which request, and what."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(request)s%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.request = f"[{_id.get()}] " if _id.get() else ""
        return super().format(record)


class JsonLines(logging.Formatter):
    """Writes each record as an object of JSON on a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": _id.get(),
            "message": redacted(record.getMessage()),
        }
        said |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            said["error"] = redacted(self.formatException(record.exc_info))
        # In ASCII: no reader takes a part of it for the end of a line.
        return json.dumps({name: value for name, value in said.items() if value != ""}, default=str)


def begin() -> None:
    """Let what Bertoscope says, and, as JSON, what its server says too, go to the log in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json() else Lines())
    for name in ("bertoscope", "interpret"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO if as_json() else logging.WARNING)
    if as_json():
        for logger in [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]:
            for other in logger.handlers:
                if isinstance(other, logging.StreamHandler):
                    other.setFormatter(handler.formatter)


def note_page(page: str, seconds: float, person: str) -> None:
    """Write down that a page was drawn."""
    _log.info("page", extra={"page": page or "/", "seconds": round(seconds, 3), "person": person})


class Requests:
    """Gives each request an id, which its answer has as ``X-Request-ID``, and writes down what came of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        begin, status = time.monotonic(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", id_.encode())]
            elif message["type"] == "websocket.accept":
                status = 101
            elif message["type"] == "websocket.close" and not status:
                # What the server answers with where it was not accepted.
                status = 403
            await send(message)

        with one_request() as id_:
            try:
                await self.app(scope, receive, sent)
            finally:
                spent = round(time.monotonic() - begin, 3)
                method = scope.get("method", "GET")
                _log.info(
                    "socket" if scope["type"] == "websocket" else "request",
                    extra={"method": method, "path": scope["path"], "status": status, "seconds": spent},
                )

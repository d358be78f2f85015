"""The shell of a page: what a browser has before Streamlit has drawn anything in it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import ROOT
from dashboard.policy import page_policy

# Streamlit draws a page's middle first, narrow, and moves it aside as soon as there is a sidebar: it is wide from the
# beginning, with room for a sidebar, as wide as this browser's was left, on screens that begin with an open one. In the
# sidebar the pages come before what is below them, a line for each. A widget whose script is still on its way is a bar
# of another size: what comes after it waits for it, five seconds at most. What draws itself is empty at first: the
# largest of these have room from the beginning, no more than they need on any screen. Streamlit's captions, and white
# on what is orange in the dark, stand out by less than 4.5 to 1, and no setting colours them.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { max-width: none !important; }
[data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) [data-testid="stMainBlockContainer"] {
  padding: calc(3.75rem + 1.2rem) 1rem 10rem;
}
@media (min-width: 768px) {
  [data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) > :has(> [data-testid="stMain"]) {
    margin-left: var(--sidebar, 300px);
  }
  [data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) [data-testid="stMainBlockContainer"] {
    padding-inline: 5rem;
  }
}
[data-testid="stSidebarContent"]:not(:has([data-testid="stSidebarNavItems"])) [data-testid="stSidebarUserContent"] {
  margin-top: calc(2rem * PAGES + 1rem);
}
:is(
  [data-testid="stElementContainer"]:has(> [data-testid="stSkeleton"]),
  [data-testid="stLayoutWrapper"]:has([data-testid="stSkeleton"])
) ~ * { animation: wait 5s step-end; }
@keyframes wait { from { visibility: hidden; } }
[data-testid="stCaptionContainer"] { opacity: 0.75 !important; }
[data-testid="stBaseButton-primary"]:not(:disabled), [data-testid="stMultiSelectTagsContainer"] [title] {
  color: light-dark(#ffffff, #11161d);
}
.st-key-explorer { min-height: 535px; }
.st-key-head_maps { min-height: 390px; }
.st-key-steps { min-height: 1000px; }
.st-key-cloud, .st-key-clouds { min-height: calc(clamp(340px, 62vh, 640px) + 65px); }
</style>
"""
_SCRIPT = """<script>
try {
  const kept = Object.entries(localStorage);
  const shut = kept.some(([name, value]) => name.startsWith("stSidebarCollapsed-") && value === "true");
  const wide = Math.min(600, Math.max(200, parseInt(localStorage.sidebarWidth, 10) || 300));
  document.documentElement.style.setProperty("--sidebar", shut ? "0px" : `${wide}px`);
} catch {
  // A browser that keeps nothing has the usual sidebar.
}
</script>
"""
# One page is in no menu.
_PAGES = len(list((ROOT / "pages").glob("*/page.py"))) - 1
ADDED = (_STYLE.replace("PAGES", str(_PAGES)) + _SCRIPT).encode()
# What is kept of the shell elsewhere is without the addition, and what is packed could not be added to.
_NOT_PASSED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
_NOT_SENT = (b"etag", b"last-modified", b"accept-ranges")


class Shell:
    """Adds to the shell of each page what keeps its parts where they are while it is drawn."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the answer to one for a page is the shell with the addition."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _for_a_page(scope):
            await self.app(scope, receive, send)
            return
        headers = [one for one in scope["headers"] if one[0] not in _NOT_PASSED]
        # One that the server has: see `dashboard.hosts`, which is asked before.
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        begin: Message | None = None
        body = b""

        async def sent(message: Message) -> None:
            nonlocal begin, body
            if message["type"] == "http.response.start" and _is_page(message):
                begin = message
                return
            if begin is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                body = body.replace(b"</head>", ADDED + b"</head>", 1)
                await send({**begin, "headers": _headers(begin, body, host)})
                await send({"type": "http.response.body", "body": body})

        await self.app({**scope, "headers": headers}, receive, sent)


def _for_a_page(scope: Scope) -> bool:
    # Of what is to be saved, some is HTML too.
    return "/media/" not in scope["path"] and any(
        name == b"accept" and b"text/html" in value for name, value in scope["headers"]
    )


def _is_page(message: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"])


def _headers(begin: Message, body: bytes, host: str) -> list[tuple[bytes, bytes]]:
    kept = [one for one in begin["headers"] if one[0].lower() not in (*_NOT_SENT, b"content-length")]
    return [*kept, (b"content-length", str(len(body)).encode()), (b"content-security-policy", page_policy(body, host))]

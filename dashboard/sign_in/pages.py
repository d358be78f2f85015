"""What somebody sees who has not signed in: pages of their own, which can do nothing but that."""

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import Scope
from streamlit import config

from dashboard.language import _, nearest_language, speaking
from dashboard.sign_in.people import LONGEST_NAME, Person

PATH, LEAVE = "/sign-in", "/sign-out"
# What Streamlit answers itself: where it leads to a provider, signs somebody out, and is called back.
STREAMLITS = LOGIN, LOGOUT, CALLBACK = "/auth/login", "/auth/logout", "/oauth2callback"


def below_base(path: str) -> str:
    """Return where a path of the server's own is for a browser: below ``server.baseUrlPath``, where that is set."""
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{path}" if base else path


def inside(page: str) -> str:
    """Return a path of this server's; its first page for what leads elsewhere, or to where one signs in."""
    if page.partition("?")[0] in map(below_base, (PATH, LEAVE, *STREAMLITS)):
        return below_base("/")
    return page if re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f-\U0010ffff]*", page) else below_base("/")


def language_of(scope: Scope) -> str:
    """Return the reader's language: of those that the browser asks for the first that there is."""
    wanted = Headers(scope=scope).get("accept-language", "").split(",")
    found = (nearest_language(one.partition(";")[0].strip()) for one in wanted)
    return next((one for one in found if one is not None), "en")


def phrase_page(scope: Scope, said: str, name: str, next_page: str, status: int) -> HTMLResponse:
    """Return the page that asks for the pass-phrase."""
    with speaking(language_of(scope)):
        words = (
            _("Sign in"),
            _("Your name"),
            _("Your runs are kept under it, and it is written down with what you start, stop, delete and download."),
            _("Pass-phrase"),
            _("Whoever runs this server knows it."),
        )
    sign, own, why, phrase, who = map(html.escape, words)
    alert = f'<p class="alert" role="alert">{html.escape(said)}</p>' if said else ""
    form = f"""<form method="post" action="{below_base(PATH)}">
<h1>Bertoscope</h1>
{alert}
<label for="name">{own}</label>
<input id="name" name="name" autocomplete="nickname" maxlength="{LONGEST_NAME}" required value="{html.escape(name)}"
 {"" if name else "autofocus"}>
<p class="hint">{why}</p>
<label for="phrase">{phrase}</label>
<input id="phrase" name="phrase" type="password" autocomplete="current-password" required {"autofocus" if name else ""}>
<p class="hint">{who}</p>
<input type="hidden" name="next" value="{html.escape(inside(next_page))}">
<button>{sign}</button>
</form>"""
    return _page(sign, form, status, scope)


def provider_page(scope: Scope, providers: Mapping[str, str], wrong: bool, next_page: str) -> HTMLResponse:
    """Return the page that leads to the identity providers.

    Parameters
    ----------
    wrong
        Whether nobody can sign in by them, as they are set.
    """
    with speaking(language_of(scope)):
        title = html.escape(_("Sign in"))
        said = _("Signing in is not set up right on this server. Its log says why: ask whoever runs it.")
        labels = {
            name: _("Sign in with {provider}").format(provider=called) if len(providers) > 1 else _("Sign in")
            for name, called in providers.items()
        }
    alert = f'<p class="alert" role="alert">{html.escape(said)}</p>' if wrong else ""
    links = "".join(
        f'<a class="button" href="{below_base(PATH)}?provider={quote(name)}&amp;next={quote(inside(next_page))}">'
        f"{html.escape(label)}</a>"
        for name, label in labels.items()
        if not wrong
    )
    return _page(title, f"<h1>Bertoscope</h1>{alert}{links}", 503 if wrong else 401, scope)


def stranger_page(scope: Scope, name: str, subject: str) -> HTMLResponse:
    """Return the page for whom the provider knows, and this server does not."""
    with speaking(language_of(scope)):
        title, leave = (html.escape(one) for one in (_("No access"), _("Sign out")))
        said = _("{name} is not on the list of this server. Whoever runs it can put this ID on it: {id}").format(
            name=name, id=subject
        )
    body = f"""<h1>{title}</h1><p>{html.escape(said)}</p>
<form method="post" action="{below_base(LEAVE)}"><button>{leave}</button></form>"""
    return _page(title, body, 403, scope)


def leaving_page(scope: Scope, person: Person | None) -> HTMLResponse:
    """Return the page that asks whether somebody wants to leave, for any page can make a browser follow a link."""
    with speaking(language_of(scope)):
        label, back = (html.escape(one) for one in (_("Sign out"), _("Back")))
        who = "" if person is None else html.escape(_("Signed in as {name}.").format(name=person.name))
    body = f"""<h1>{label}?</h1><p>{who}</p><form method="post" action="{below_base(LEAVE)}"><button>{label}</button>
<a class="back" href="{below_base("/")}">{back}</a></form>"""
    return _page(label, body, 200, scope)


def _page(title: str, body: str, status: int, scope: Scope) -> HTMLResponse:
    page = HTMLResponse(
        f"""<!doctype html><html lang="{language_of(scope).replace("_", "-")}"><head><meta charset="utf-8">
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
button, .button { box-sizing: border-box; display: block; margin-top: 1.4rem; width: 100%; padding: 0.6rem;
  font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer;
  color: #ffffff; background: #1f5fbf; border: 0; border-radius: 0.4rem; }
.back { display: block; margin-top: 1.2rem; text-align: center; color: light-dark(#1f5fbf, #8fb8f0); }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid #f0a030; outline-offset: 2px; }
"""

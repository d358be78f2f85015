"""An identity provider (OpenID Connect), as Streamlit's own ``[auth]`` in ``secrets.toml`` describes it.

Streamlit talks to it, and keeps what it said in a signed cookie. Here that cookie is read before a request reaches any
page, and it is decided who of those whom the provider knows may come in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from streamlit import config
from streamlit.auth_util import (
    get_cookie_with_chunks,
    get_origin_from_redirect_uri,
    is_authlib_installed,
    validate_auth_credentials,
)
from streamlit.errors import StreamlitAuthError
from streamlit.runtime.secrets import AttrDict, secrets_singleton
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard.sign_in.people import Person, by_provider

# With less anybody can guess what cookies are signed with.
_SHORTEST_SECRET = 16
_was_set = False


def is_set() -> bool:
    """Tell whether an identity provider is set; so is one that is set wrong, or all would be let in.

    Once it was, it is while this process lives: a file that is being written is empty for a moment.
    """
    global _was_set
    _was_set = _was_set or _section() is not None or _unreadable()
    return _was_set


def _section() -> dict[str, Any] | None:
    """Return ``[auth]``; None where there is none."""
    found = secrets_singleton.get("auth") if _loaded() else None
    if found is None:
        return None
    return found.to_dict() if isinstance(found, AttrDict) else {}


def _loaded() -> bool:
    try:
        return secrets_singleton.load_if_toml_exists()
    except (OSError, ValueError):
        # It is not to be opened, or no UTF-8.
        return False


def _unreadable() -> bool:
    return not _loaded() and any(os.path.lexists(one) for one in config.get_option("secrets.files"))


def _secret() -> str:
    """Return what cookies are signed with; empty where that is too short, and anybody could sign one."""
    secret = str((_section() or {}).get("cookie_secret", ""))
    return secret if len(secret) >= _SHORTEST_SECRET else ""


def problem() -> str:
    """Return what keeps anybody from signing in, for the server's log; empty for nothing."""
    if _unreadable():
        return "the file with the identity provider cannot be read (secrets.toml)"
    if not is_authlib_installed():
        return "signing in by an identity provider needs a package more: pip install Authlib"
    if not _secret():
        return f"cookie_secret in [auth] of secrets.toml needs {_SHORTEST_SECRET} characters at least, drawn at random"
    try:
        for name in providers():
            validate_auth_credentials(name)
    except StreamlitAuthError as error:
        return " ".join(str(error).split())
    return "" if providers() else "[auth] in secrets.toml names no provider"


def providers() -> dict[str, str]:
    """Return the providers by their names in ``secrets.toml``, and what each is called for the reader."""
    section = _section() or {}
    named = {name: name.replace("_", " ").title() for name, value in section.items() if isinstance(value, dict)}
    named.pop("client_kwargs", None)
    if not section.get("client_id"):
        return named
    return {"default": urlsplit(str(section.get("server_metadata_url", ""))).hostname or "OpenID Connect"} | named


def address_of(provider: str) -> str:
    """Return where somebody signs in with a provider; good for two minutes."""
    return generate_login_redirect_url(provider)


def claims_in(cookies: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the provider said of who is signed in; None where nobody is."""
    secret = _secret()

    def one(name: str) -> bytes | None:
        raw = cookies.get(name)
        return None if raw is None else decode_signed_value(secret, name, raw.encode("latin-1", "replace"))

    if not secret or get_cookie_secret() != secret or (said := get_cookie_with_chunks(one, USER_COOKIE_NAME)) is None:
        return None
    try:
        found = json.loads(said)
    except ValueError:
        return None
    # One that another server has signed with the same secret is of no use here.
    here = isinstance(found, dict) and found.get("origin") == get_origin_from_redirect_uri()
    return found if here and found.get("is_logged_in") is True and found.get("sub") else None


def person_of(claims: Mapping[str, Any]) -> Person | None:
    """Return who that is; None where they are none of this server's people."""
    issuer, subject = str(claims.get("iss", "")), str(claims["sub"])
    # An ID is one of its provider's: where there are several, whose it is stands before it.
    id_ = subject if len(providers()) == 1 else f"{claims.get('provider', '')}:{subject}"
    known = addresses_of(claims) | ({id_} if "@" not in id_ else set())
    owners, people = _listed("BERTOSCOPE_OWNERS"), _listed("BERTOSCOPE_PEOPLE")
    owns = bool(known & owners)
    if people and not owns and not known & people:
        return None
    return by_provider(issuer, subject, name_of(claims), owns)


def name_of(claims: Mapping[str, Any]) -> str:
    """Return what somebody is called, by what the provider says."""
    named = (claims.get(one) for one in ("name", "preferred_username", "email", "sub"))
    return str(next(filter(None, named)))


def addresses_of(claims: Mapping[str, Any]) -> set[str]:
    """Return the address of somebody, and its domain with an @, where the provider has made sure that it is theirs.

    Elsewhere anybody could call themselves by the address of another.
    """
    email = str(claims.get("email") or "").strip().casefold()
    if not email or str(claims.get("email_verified")).casefold() != "true":
        return set()
    return {email, "@" + email.rpartition("@")[2]}


def _listed(name: str) -> set[str]:
    """Return whom an environment variable lists: subjects as they are, addresses in whatever case."""
    listed = [one.strip() for one in os.environ.get(name, "").split(",") if one.strip()]
    return {*listed, *(one.casefold() for one in listed if "@" in one)}

"""Whose session or request it is."""

from __future__ import annotations

import streamlit as st
from starlette.requests import cookie_parser

from dashboard.sign_in import pass_phrase, provider
from dashboard.sign_in.people import Person


def needs_sign_in() -> bool:
    """Tell whether people sign in on this server."""
    return provider.is_set() or bool(pass_phrase.phrases())


def signed_in(cookies: str | None) -> Person | None:
    """Return who a request's header `Cookie` is of: by the provider where there is one, else by the pass-phrase."""
    if not provider.is_set():
        return pass_phrase.person_in(cookies or "")
    claims = provider.claims_in(cookie_parser(cookies or ""))
    return None if claims is None else provider.person_of(claims)


def person() -> Person | None:
    """Return who the session at hand is of; None where people do not sign in."""
    return signed_in(st.context.headers.get("Cookie")) if needs_sign_in() else None

"""A pass-phrase that all know who may come in, and the cookie of who gave it.

For a team without an identity provider. Whoever knows it may give any name: it keeps out those who do not know it, and
keeps apart what is whose among people who trust each other.
"""

import base64
import hashlib
import hmac
import os
import re
import threading
import time
from collections import OrderedDict
from functools import cache

from dashboard.sign_in.people import Person, by_name

# How long a browser stays signed in.
DAYS = 30


def password() -> str:
    """Return the pass-phrase that was set by ``BERTOSCOPE_PASSWORD``; empty for none."""
    return os.environ.get("BERTOSCOPE_PASSWORD", "")


def owners_password() -> str:
    """Return the one of the server's owners, set by ``BERTOSCOPE_OWNER_PASSWORD``; empty for none.

    One that everybody knows is none.
    """
    found = os.environ.get("BERTOSCOPE_OWNER_PASSWORD", "")
    return found if found != password() else ""


def phrases() -> list[str]:
    """Return the pass-phrases that let somebody in."""
    return list(filter(None, (owners_password(), password())))


@cache
def _key(phrase: str) -> bytes:
    """Return what cookies are signed with: made of the pass-phrase, so that another one ends all that was signed in.

    Slow, as every try would be of who has a cookie and looks for the pass-phrase: see RFC 7914.
    """
    return hashlib.scrypt(phrase.encode("utf-8", "surrogateescape"), salt=b"bertoscope cookie", n=2**14, r=8, p=1)


def cookie_for(name: str, phrase: str, now: float) -> str:
    """Return the value of the cookie of somebody who knows the pass-phrase."""
    said = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=") + f".{int(now) + 86400 * DAYS}"
    return f"{said}.{_signature(said, phrase)}"


def name_in(cookie: str, phrase: str, now: float) -> str | None:
    """Return whose name is in a cookie; None where it was not made here with this pass-phrase, or its time is over."""
    said, _dot, signature = cookie.rpartition(".")
    name, _dot, until = said.rpartition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(said, phrase).encode()):
        return None
    # What is signed was made here.
    return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode() if int(until) > now else None


def _signature(said: str, phrase: str) -> str:
    return hmac.new(_key(phrase), said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def cookie_name(phrase: str) -> str:
    """Return what the cookie is called: browsers share cookies among all servers of a host, whatever their ports."""
    return f"bertoscope_person_{hashlib.sha256(_key(phrase)).hexdigest()[:8]}"


def person_in(cookies: str, now: float | None = None) -> Person | None:
    """Return who a request's header `Cookie` is of."""
    now = time.time() if now is None else now
    for phrase in phrases():
        # A browser may have several of that name, of other paths or names of this host: one that was made here will do.
        found = re.findall(rf"(?:^|;)\s*{cookie_name(phrase)}=([\w.-]{{1,600}})(?=\s*(?:;|$))", cookies, re.ASCII)
        for one in found:
            if (name := name_in(one, phrase, now)) is not None:
                return by_name(name, phrase == owners_password())
    return None


def right_one(given: str) -> str | None:
    """Return the pass-phrase that was given, if it is one, in the same time whatever it is."""
    digest, right = _digest(given), None
    for phrase in phrases()[::-1]:
        right = phrase if hmac.compare_digest(digest, _digest(phrase)) else right
    return right


def _digest(phrase: str) -> bytes:
    return hashlib.sha256(phrase.encode("utf-8", "surrogateescape")).digest()


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

"""Secrets taken out of what others say: error texts and addresses that stand in a sentence, a log or a record."""

import logging
import os
import re
import traceback
from urllib.parse import parse_qsl, unquote, urlsplit

_HIDDEN = "***"
# Where this process itself was told secrets; a URI among them may have one in it.
_SECRET_NAMES = re.compile(
    r"(TOKEN|PASSWORD|PASSWD|SECRET|_KEY|CREDENTIAL)S?$|^MLFLOW_TRACKING_USERNAME$|(_URI|_URL|_DSN)$"
)
# What is shorter stands in many a word by chance.
_LEAST = 4
_SECRET = r"(?:token|passw(?:or)?d|pwd|secret|api[_-]?key|access[_-]?key|auth(?!or)|signature|sig|credential)"
_PATTERNS = (
    # Of an address the part before its last "@": passwords hold any sign, "/" and "@" among them, when people type
    # them as they are. Digits and a "/" are a port.
    (
        re.compile(r"\b([a-z][a-z0-9+.-]{0,30}://)(?:[^\s/@:]*:(?!\d+[/?#])\S*|[^\s/@]+)@", re.IGNORECASE),
        rf"\1{_HIDDEN}@",
    ),
    # In a query, a fragment or a driver's words: `…token=…`, `password='…'`.
    (
        re.compile(
            rf"(?<![a-z0-9])([\w.-]{{0,40}}{_SECRET}[\w.-]{{0,40}}\s?=\s?)(\"[^\"]*\"|'[^']*'|[^\s&;,'\")]+)",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"\b(authorization:\s?(?:basic\s)?|bearer\s)(?=\S*\d)[^\s,;'\"]{6,}", re.IGNORECASE), rf"\1{_HIDDEN}"),
    (re.compile(r"\b(?:hf_|dapi|sk-|ghp_|AKIA)[A-Za-z0-9_-]{8,}"), _HIDDEN),
)


def redacted(text: str) -> str:
    """Return a text without user names and passwords of addresses, tokens, and secrets of queries.

    What this process was told in its environment (``MLFLOW_TRACKING_URI``, ``HF_TOKEN`` …) is found in any form: as it
    is, percent-encoded or decoded. Beyond that, what has the form of a secret.
    """
    if len(text) < _LEAST:
        return text
    for secret in _secrets():
        text = text.replace(secret, _HIDDEN)
    for pattern, put in _PATTERNS:
        text = pattern.sub(put, text)
    return text


def report(log: logging.Logger, sentence: str) -> None:
    """Log the exception at hand under a sentence, without secrets."""
    log.warning("%s\n%s", sentence, redacted(traceback.format_exc()))


def first_line(error: BaseException, most: int = 300) -> str:
    """Return what an outside error says, in one line and without secrets; its kind where it says nothing."""
    return redacted((str(error).strip().splitlines() or [type(error).__name__])[0])[:most]


class Redacting(logging.Formatter):
    """Writes log lines, and what errors say under them, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return redacted(super().format(record))


def _secrets() -> list[str]:
    """Return the secrets in the environment, the longest first: a shorter one may be a part of it."""
    found: set[str] = set()
    for name, value in os.environ.items():
        if not _SECRET_NAMES.search(name.upper()):
            continue
        if "://" in value:
            found |= _in_address(value)
        elif not name.upper().endswith(("_URI", "_URL", "_DSN")):
            found.add(value)
    both = {form for one in found for form in (one, unquote(one))}
    return sorted((one for one in both if len(one) >= _LEAST), key=len, reverse=True)


def _in_address(address: str) -> set[str]:
    rest = address.partition("://")[2]
    found = set()
    if "@" in rest:
        user = rest.rpartition("@")[0]
        # A token stands alone; a user's own name does not matter, and is a word that stands elsewhere too.
        found |= {user, user.partition(":")[2] or user}
    try:
        query = urlsplit(address).query
    except ValueError:
        return found
    secret = re.compile(_SECRET, re.IGNORECASE)
    return found | {value for name, value in parse_qsl(query) if secret.search(name)}

"""Addresses that nobody's link has: every page with values that no view has, half of them beside ones that it has."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psutil

from dashboard import state
from interpret.core.errors import InputError
from tests.attack.damage import VALUES
from tests.browser.conftest import start_server
from tests.browser.everywhere import views
from tests.sockets import Reader

# Seconds of a processor that a page may take, and bytes that it may add. The slowest view takes half of that by itself:
# it embeds a collection of texts.
MOST_SECONDS, MOST_BYTES = 60.0, 1 << 30
# Seconds after which an answer is missing, whatever else the machine is at: less than who tries it waits.
_PATIENCE = 280
_WORDS = ("folder:none", "run:none", "base:run:none", "minilm", "-1", "99", "1e9", "2.5", "True", "token", "all", "0")
# What Markdown makes a request of: in the text of an element that Streamlit reads so, each sign is written off.
_LIVE = re.compile(r"(?<!\\)\]\(http://evil|<img src=x>")


@contextmanager
def a_server() -> Iterator[tuple[str, psutil.Process]]:
    """Start the dashboard, which asks nobody on the network; gives its address and its process."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = {f"BERTOSCOPE_{name}": f"{folder}/{name}" for name in ("CACHE", "RUNS", "MODELS")}
        process, address = start_server(HF_HUB_OFFLINE="1", **environment)
        try:
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def address(random: Random, server: tuple[str, psutil.Process], _folder: Path) -> tuple[str, Callable[[], object]]:
    """Make an address; returns what it is, and what opens it."""
    page, _question, given = random.choice(views()).partition("?")
    query = dict(one.split("=", 1) for one in given.split("&") if one)
    for key in random.sample(state.KEYS, random.randint(1, 6)):
        known = [*(key.allowed or ())][:50] if key.allowed is not None else []
        hostile = str(random.choice(VALUES)).replace("\ud800", "�")
        query[str(key)] = str(random.choice([*known, *_WORDS])) if random.random() < 0.5 else hostile

    def work() -> object:
        site, process = server
        before, begin = process.memory_info().rss, seconds(process)
        with Reader(site, patience=_PATIENCE) as reader:
            reader.open(page, **query)
            spent, more = seconds(process) - begin, process.memory_info().rss - before
            check(reader)
        assert spent < MOST_SECONDS, f"the page took {spent:.1f} s of a processor"
        assert more < MOST_BYTES, f"the page took {more / 2**20:.0f} MB"
        refused = [one.alert.body for one in reader.elements.values() if one.WhichOneof("type") == "alert"]
        if refused:
            raise InputError("{said}", said=refused[0][:300].replace("\n", " "))
        return None

    return f"{page}?{query}"[:300], work


def seconds(process: psutil.Process) -> float:
    """Return how many seconds of a processor a process has had."""
    found = process.cpu_times()
    return float(found.user + found.system)


def check(reader: Reader) -> None:
    """Refuse a page that has failed, or on which somebody else's words are live."""
    assert reader.elements, "nothing was drawn"
    for one in reader.elements.values():
        kind = one.WhichOneof("type")
        assert kind != "exception", one.exception.message
        assert not (kind == "alert" and "unexpected error" in one.alert.body), one.alert.body
        if kind in ("markdown", "alert", "heading"):
            body = str(getattr(getattr(one, kind), "body", ""))
            assert not _LIVE.search(body), body

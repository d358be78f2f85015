"""The dashboard, started as `make run` starts it, and a browser that may talk to nothing else."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from dashboard import ROOT
from interpret.finetuning.runs import list_runs

# As long as for a click: the first picture of a kind loads its script, and the other processor core may be busy too.
expect.set_options(timeout=30_000)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(log=None, **environment):
    """Start the dashboard; returns the process and its address once it answers. What it says goes to a file `log`."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "dashboard/app.py",
            "--server.headless=true",
            f"--server.port={port}",
        ],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if log is None else log,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return process, address
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("the dashboard did not start")


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """The folder of the dashboard's runs."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def started(tiny_folders, runs, tmp_path_factory):
    """The process of the dashboard, and its address: one for all journeys."""
    process, address = start_server(
        BERTOSCOPE_MODELS=str(tiny_folders["bert"].parent),
        # What an earlier run has kept would be found here.
        BERTOSCOPE_CACHE=str(tmp_path_factory.mktemp("cache")),
        BERTOSCOPE_RUNS=str(runs),
    )
    yield psutil.Process(process.pid), address
    process.terminate()
    process.wait(10)
    # Fine-tunes outlive the dashboard: those of a test that failed too.
    for run in list_runs(runs):
        if run.active:
            psutil.Process(json.loads((run.folder / "state.json").read_text("utf-8"))["process"]).kill()


@pytest.fixture(scope="session")
def server(started):
    return started[1]


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium")
    if path is None:
        message = "no Chromium: install Debian's package `chromium` (and `fonts-noto-cjk`) to run the browser tests"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        # Nothing but this machine has an address.
        args = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        yield playwright.chromium.launch(executable_path=path, args=args)


# Some scripts go on without what they were not allowed to do, and no word of it comes to the console.
REFUSED = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (one) => refused.push([one.effectiveDirective, one.blockedURI]));
"""


class Watch:
    """What must not happen on a page: requests to other hosts, what its policy forbids, errors, dialogs."""

    def __init__(self, page):
        self.outside = []
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append(dialog.message), dialog.dismiss()))
        # Looked at, not led through here: what is intercepted is fetched anew for every page.
        page.on("request", lambda request: self.check(request.url))
        page.on("websocket", lambda socket: self.check(socket.url))

    def check(self, address):
        url = urlparse(address)
        if url.hostname != "127.0.0.1" and url.scheme in ("http", "https", "ws", "wss"):
            self.outside.append(address)


@pytest.fixture(scope="session")
def context(browser):
    """One for all pages: the scripts of the dashboard are fetched and compiled once."""
    context = browser.new_context(viewport={"width": 1440, "height": 1600}, locale="en-US", accept_downloads=True)
    context.add_init_script(REFUSED)
    return context


@pytest.fixture
def page(context) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    watch = Watch(page)
    yield page
    refused = []
    if page.url.startswith("http"):
        refused = page.evaluate("window.refused")
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.close()
    context.clear_cookies()
    assert watch.outside == []
    assert watch.errors == []
    assert refused == []


@pytest.fixture
def cases(tmp_path):
    """A labelled file of one's own, whose columns nobody named for us."""
    rows = (ROOT / "dashboard/examples/topics.csv").read_text("utf-8").splitlines()[1:61]
    file = tmp_path / "cases.csv"
    file.write_text("case_id,complaint,product\n" + "\n".join(f"C-{i:03},{row}" for i, row in enumerate(rows)), "utf-8")
    return file


# What opens or closes. What turns for ever is not waited for, and nothing for long: of an animation that is paused, or
# whose element is gone, the end never comes.
SETTLED = """() => Promise.race([
    new Promise(done => setTimeout(done, 2000)),
    Promise.allSettled(
        document.getAnimations()
            .filter(one => one.effect.getComputedTiming().endTime < Infinity)
            .map(one => one.finished)
    ).then(() => undefined),
])"""


def rest(page: Page):
    """Wait until nothing is drawn anew, and nothing moves: a click in between would be lost."""
    expect(page.locator("[data-test-script-state=notRunning]")).to_have_count(1, timeout=60_000)
    page.evaluate(SETTLED)


def keyed(page: Page, key: str) -> Locator:
    """Return what the dashboard draws under a key of its own, whatever it is called in the reader's language."""
    return page.locator(".st-key-" + re.sub(r"[^\w-]", "-", key, flags=re.ASCII))


def button(page: Page, key: str) -> Locator:
    """Find a button; while its words change, the old one stands before the new one."""
    return keyed(page, key).get_by_role("button").last


def field(page: Page, key: str) -> Locator:
    return keyed(page, key).get_by_role("textbox")


def choose(page: Page, key: str, place: int, language: str = "en") -> None:
    """Choose one of the segments of a choice, by its place, once the page is at rest."""
    rest(page)
    keyed(page, f"{key}:{language}").get_by_role("radio").nth(place).click(force=True)


def tab(page: Page, of: str, name: str) -> Locator:
    """Return a tab of a page, by its name in the address."""
    names = re.findall(r'\bTab\("(\w+)"', (ROOT / "pages" / of / "page.py").read_text("utf-8"))
    return page.get_by_role("tab").nth(names.index(name))


def give(page: Page, file: Path, section: str = "sidebar") -> None:
    """Put a file into the data slot: through the field of a section, or beside the files that are there already."""
    into = page.locator(f'[class*="st-key-slot-{section}-"] input[type=file]')
    add = page.get_by_test_id("stSidebar").get_by_test_id("stPopoverButton")
    (into.or_(add) if section == "sidebar" else into).first.wait_for(state="attached")
    rest(page)
    if section == "sidebar" and into.count() == 0:
        add.click()
        into = page.locator('[class*="st-key-slot-more-"] input[type=file]')
    into.set_input_files(file)


def said(page: Page, kind: str) -> Locator:
    """Return the notices of a kind: Info, Warning, Error or Success."""
    return page.get_by_test_id(f"stAlertContent{kind}")


def take(page: Page, folder, name):
    """Press the button of a download, and return the file."""
    rest(page)
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path

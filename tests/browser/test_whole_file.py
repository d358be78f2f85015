"""A whole file's explanation outlives the page, the tab and the app: what is done is there, and it goes on."""

import json
import random
import re
import time

import psutil
import pytest
from playwright.sync_api import expect

from dashboard import ROOT
from interpret.attribution.row_jobs import ROWS, list_jobs
from tests.browser.conftest import button, give, keyed, rest, said, start_server, tab

pytestmark = pytest.mark.browser
COUNT = 500


@pytest.fixture
def cases(tmp_path):
    """500 labelled rows, each a few words and its id."""
    rows = [one.rpartition(",") for one in (ROOT / "dashboard/examples/topics.csv").read_text("utf-8").splitlines()[1:]]
    draw = random.Random(0)
    body = [draw.choice(rows) for _ in range(COUNT)]
    file = tmp_path / "cases.csv"
    lines = [
        f"C-{i:03},{' '.join(re.findall(r'[a-z]+', text)[:6])} {i},{label}" for i, (text, _, label) in enumerate(body)
    ]
    file.write_text("\n".join(["case_id,complaint,product", *lines]), "utf-8")
    return file


@pytest.fixture
def app(tmp_path):
    """Starts the dashboard, over the same folders each time, and ends all of it in the end."""
    processes = []

    def start():
        process, address = start_server(
            BERTOSCOPE_RUNS=str(tmp_path / "runs"), BERTOSCOPE_CACHE=str(tmp_path / "cache"), OMP_NUM_THREADS="1"
        )
        processes.append(process)
        return process, address

    yield start
    for process in processes:
        process.kill()
        process.wait(10)
    for job in list_jobs(tmp_path / "runs" / "explanations"):
        if job.active:
            process_of(job).kill()


def process_of(job):
    """Return the process that works on a job."""
    number = json.loads((job.folder / "state.json").read_text("utf-8"))["process"]
    # To psutil no number is this very process.
    assert number, "none yet"
    return psutil.Process(number)


def seen(folder, what):
    """Wait for what is true of the only job."""
    deadline = time.monotonic() + 120
    while not ((jobs := list_jobs(folder)) and what(jobs[0])):
        assert time.monotonic() < deadline, jobs
        time.sleep(0.1)
    (job,) = jobs
    return job


def test_leave_close_kill_the_app_come_back_and_go_on(context, app, cases, tmp_path):
    folder = tmp_path / "runs" / "explanations"
    process, address = app()
    page = context.new_page()
    page.goto(f"{address}/attributions?lang=en&why=rows")
    expect(tab(page, "attributions", "rows")).to_have_attribute("aria-selected", "true", timeout=60_000)
    give(page, cases)
    start = button(page, "rows:start")
    expect(start).to_contain_text("100")
    rest(page)
    page.locator("[class*='st-key-rows_most-']").get_by_role("combobox").click()
    page.get_by_role("option", name=str(COUNT), exact=True).click()
    expect(start).to_contain_text(str(COUNT))
    rest(page)
    # A method of a single pass: the work is a real one, and waited for.
    keyed(page, "rows_method:en").get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile("^Input × gradient")).click()
    expect(keyed(page, "tolerance:en")).to_have_count(0)
    rest(page)
    start.click()
    working = process_of(seen(folder, lambda job: job.done >= 1))
    # Nothing is hurried: it waits while one leaves, and while the app ends.
    working.suspend()
    before = seen(folder, lambda _: True).done
    assert before < COUNT
    expect(page.get_by_text(re.compile(rf"^{before} of {COUNT} rows"))).to_be_visible(timeout=60_000)
    # Leave.
    page.get_by_role("link", name="Home").click()
    expect(button(page, "door_learn")).to_be_visible()
    # Close, and kill the app: what works on the file does not notice.
    page.close()
    process.kill()
    process.wait(10)
    working.resume()
    job = seen(folder, lambda job: job.done > before)
    # Kill that, too, where it is not done yet.
    if job.active:
        process_of(job).kill()
        job = seen(folder, lambda job: not job.active)
        assert job.state == "interrupted"
    written = (job.folder / ROWS).read_bytes()
    # A row that was cut off within is none.
    kept, done = written[: written.rfind(b"\n") + 1], job.done
    assert kept.count(b"\n") > 0
    # Come back.
    _, address = app()
    page = context.new_page()
    page.goto(f"{address}/attributions?lang=en&why=rows&explanation={job.folder.name}")
    expect(page.get_by_text("cases.csv").first).to_be_visible(timeout=60_000)
    expect(button(page, "open_row")).to_be_visible(timeout=60_000)
    if job.state == "interrupted":
        expect(page.get_by_text(re.compile(f"{done} of {COUNT} rows")).first).to_be_visible()
        rest(page)
        button(page, "rows:resume").click()
    job = seen(folder, lambda job: job.state == "done")
    assert (job.done, job.total) == (COUNT, COUNT)
    expect(page.get_by_text(re.compile(rf"^{COUNT}$")).first).to_be_visible(timeout=60_000)
    expect(said(page, "Error")).to_have_count(0)
    # No row that was there has been done again.
    assert (job.folder / ROWS).read_bytes().startswith(kept)
    page.close()

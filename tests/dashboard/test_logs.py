"""What goes to the server's log, and that an id leads from a page, or an answer, to it."""

import json
import logging
import re
import urllib.error
import urllib.request

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import logs
from dashboard.logs import JsonLines, Lines, Requests, one_request
from tests.browser.conftest import start_server
from tests.dashboard.test_sign_in import Behind, ask
from tests.sockets import Reader

TYPED = "Xanthippe"


def record(message, *args, level=logging.WARNING, error=None, **extra):
    """Return a log record."""
    info = (type(error), error, None) if error is not None else None
    made = logging.getLogger("bertoscope").makeRecord("bertoscope", level, "f", 1, message, args, info, extra=extra)
    assert isinstance(made, logging.LogRecord)
    return made


@pytest.mark.parametrize(
    "message", ['a "b" \\', "two\nlines\r\u2028\u0085end", "half \ud800 of one", "\x00\x1b[31m", ""]
)
def test_a_line_is_one_object_whatever_is_said(message):
    with one_request() as id_:
        line = JsonLines().format(record("%s", message))
    assert line.isascii()
    assert len(line.splitlines()) == 1
    found = json.loads(line)
    assert found.get("message", "") == message
    assert (found["level"], found["logger"], found["request"]) == ("warning", "bertoscope", id_)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", found["time"])


def test_no_secret_is_in_a_line(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnop")
    for form in (JsonLines(), Lines()):
        line = form.format(record("it was %s", "hf_abcdefghijklmnop", error=ValueError("password=hunter22")))
        assert "hf_abcdefghijklmnop" not in line
        assert "hunter22" not in line
        assert "ValueError" in line


def test_what_is_done_within_a_request_is_part_of_it():
    with one_request() as outer:
        with one_request() as inner:
            assert inner == outer
        assert re.fullmatch("[0-9a-f]{12}", outer)
    with one_request() as other:
        assert other != outer
    assert "request" not in json.loads(JsonLines().format(record("a")))


def test_each_request_has_an_id_that_its_answer_says(caplog):
    app = Requests(Behind())
    with caplog.at_level(logging.INFO, "bertoscope"):
        answers = [ask(app, "/attention", query=f"text={TYPED}".encode()) for _ in range(2)]
        ask(app, "/_stcore/stream", kind="websocket")
    ids = [one.headers["x-request-id"] for one in answers]
    assert len(set(ids)) == 2
    said = [(one.message, one.method, one.path, one.status) for one in caplog.records]
    page = ("request", "GET", "/attention", 200)
    assert said == [page, page, ("socket", "GET", "/_stcore/stream", 101)]
    assert TYPED not in caplog.text


def test_one_that_fails_is_written_down_too(caplog):
    async def fails(_scope, _receive, _send):
        raise ValueError("no")

    with caplog.at_level(logging.INFO, "bertoscope"), pytest.raises(ValueError, match="no"):
        ask(Requests(fails), "/a")
    assert [(one.path, one.status) for one in caplog.records] == [("/a", 0)]


def test_a_page_that_fails_says_where_the_log_has_it(caplog, monkeypatch):
    ids = []
    monkeypatch.setattr("dashboard.widgets.notices.report", lambda *_: ids.append(logs._id.get()))

    def app():
        from dashboard.widgets.notices import guarded

        guarded(lambda: 1 / 0)()

    page = AppTest.from_function(app).run()
    assert len(ids) == 1
    assert ids[0] in page.error[0].value


@pytest.mark.slow
def test_a_server_writes_nothing_but_lines_of_json_and_nothing_that_was_typed(tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as log:
        process, address = start_server(
            log, BERTOSCOPE_LOG="json", BERTOSCOPE_RUNS=str(tmp_path / "runs"), BERTOSCOPE_CACHE=str(tmp_path / "cache")
        )
        try:
            with Reader(address) as reader:
                reader.open("runs", text=TYPED)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(address, headers={"Host": "evil.example"}), timeout=20)
        finally:
            process.terminate()
            process.wait(30)
    lines = path.read_text("utf-8").splitlines()
    # What the server says before it has opened is for people.
    first = next(index for index, line in enumerate(lines) if line.startswith("{"))
    found = [json.loads(line) for line in lines[first:]]
    assert TYPED not in "".join(lines)
    pages = [one for one in found if one["message"] == "page"]
    assert [one["page"] for one in pages] == ["runs"]
    assert pages[0]["seconds"] >= 0
    (one,) = [one for one in found if one["request"] == refused.value.headers["X-Request-ID"]]
    assert (one["status"], one["path"]) == (403, "/")

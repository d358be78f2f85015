"""Whole files in a process of their own: nothing that is done is lost, and what is read back is what was found."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields

import numpy as np
import psutil
import pytest
import torch

import interpret as it
from interpret.attribution import row_helpers, row_worker
from interpret.attribution.head_files import read_head, write_head
from interpret.attribution.job_rows import job_rows
from interpret.attribution.row_helpers import RowHelpers
from interpret.attribution.row_jobs import (
    MOST_KEPT,
    ROWS,
    RowRequest,
    delete_job,
    list_jobs,
    make_job,
    read_job,
    resume_job,
    stop_job,
)
from interpret.attribution.row_results import RowReader, RowWriter
from interpret.attribution.row_worker import work_on_rows
from interpret.core.arrays import read_only
from interpret.core.linear_head import LinearHead
from interpret.core.process_state import itself, write_state

DATA = (
    b"text,kind,highlights\nthe river bank was steep,a,river\n,b,\nmoney lent money,b,money\n"
    b"the animals said because it was tired,a,\n"
)


@pytest.fixture
def encoder(tiny_folders):
    return it.load_encoder(str(tiny_folders["bert"]), device="cpu")


@pytest.fixture
def head(encoder):
    draw = np.random.default_rng(3)
    weight = read_only(draw.normal(size=(2, encoder.width)), np.float32)
    return LinearHead(("a", "b"), weight, read_only([0.5, -0.5], np.float32), {"money lent money": "a"})


@pytest.fixture
def request_(encoder):
    return RowRequest(encoder.spec, "rows.csv", "", 0, 1, 2, method="integrated_gradients", classifier="file:1")


def so_far(job, encoder):
    read = job_rows(job, encoder)
    return read.so_far(RowReader(job.folder / ROWS, encoder, read.question).update())


def same(one, other):
    """Whether two rows say the same to the last bit, but for the seconds that they took."""
    for field in fields(one):
        if field.name != "attribution":
            assert getattr(one, field.name) == getattr(other, field.name) or field.name == "human"
    for field in fields(one.attribution):
        mine, theirs = (getattr(row.attribution, field.name) for row in (one, other))
        if field.name == "tokens":
            assert mine.strings == theirs.strings
            assert mine.groups == theirs.groups
        elif field.name != "seconds":
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("method", ["integrated_gradients", "saliency", "shapley_sampling"])
def test_what_is_read_back_is_what_was_found(tmp_path, encoder, head, request_, method):
    request = RowRequest(**{**{f.name: getattr(request_, f.name) for f in fields(request_)}, "method": method})
    job = work_on_rows(make_job(tmp_path, request, DATA, head).folder)
    assert (job.state, job.done, job.total) == ("done", 4, 4)
    read = so_far(job, encoder)
    question = job_rows(job, encoder).question
    expected = it.attribution.attribute_rows(
        encoder, question.texts, question.labels, method=method, head=head, highlights=["river", "", "money", ""]
    )
    assert [row.index for row in read.rows] == [0, 2, 3]
    assert [index for index, _ in read.skipped] == [1]
    assert str(read.skipped[0][1]) == str(expected.skipped[0][1])
    for one, other in zip(read.rows, expected.rows, strict=True):
        same(one, other)
    assert read.rows[1].out_of_fold == "a"
    assert read.rows[1].human is not None
    assert read.number(2) == 3
    assert dict(read.origin.columns)["kind"] == ("a", "b", "b", "a")


def test_the_same_asked_again_is_the_job_that_is_there(tmp_path, head, request_):
    first = make_job(tmp_path, request_, DATA, head)
    assert make_job(tmp_path, request_, DATA, head).folder == first.folder
    assert make_job(tmp_path, request_, DATA + b"more,a,\n", head).folder != first.folder
    assert len(list_jobs(tmp_path)) == 2


def test_only_what_is_left_is_done_after_a_stop(tmp_path, encoder, head, request_):
    job = make_job(tmp_path, request_, DATA, head)
    stop_job(job)
    assert work_on_rows(job.folder).state == "stopped"
    assert so_far(job, encoder) is None
    again = resume_job(job)
    assert again.state == "waiting"
    # The first row was done; a process that was killed left half a line behind it.
    question = job_rows(job, encoder).question
    writer = RowWriter(job.folder / ROWS)
    known = it.attribution.attribute_rows(encoder, question.texts[:1], ["a"], head=head).rows[0]
    writer.write(0, known)
    writer.close()
    with (job.folder / ROWS).open("ab") as file:
        file.write(b'{"index": 2, "answer": "a", "sco')
    before = (job.folder / ROWS).read_bytes()
    done = work_on_rows(job.folder)
    assert (done.state, done.done) == ("done", 4)
    written = (job.folder / ROWS).read_bytes()
    assert written.startswith(before)
    lines = [json.loads(line) for line in written[len(before) :].split(b"\n") if line]
    assert sorted(line["index"] for line in lines) == [1, 2, 3]
    same(so_far(done, encoder).rows[0], known)


def test_rows_that_somebody_changed_are_done_again(tmp_path, encoder, head, request_):
    job = work_on_rows(make_job(tmp_path, request_, DATA, head).folder)
    lines = (job.folder / ROWS).read_text().splitlines()
    for index, line in enumerate(lines):
        given = json.loads(line)
        if given["index"] == 2:
            lines[index] = json.dumps(given | {"scores": [1.0]})
        if given["index"] == 3:
            lines[index] = json.dumps(given | {"index": 77})
    (job.folder / ROWS).write_text("\n".join(lines) + "\n")
    assert sorted(row.index for row in so_far(job, encoder).rows) == [0]
    write_state(job.folder, state="stopped")
    assert work_on_rows(job.folder).state == "done"
    assert sorted(row.index for row in so_far(job, encoder).rows) == [0, 2, 3]


def test_a_reader_reads_on_and_waits_for_the_end_of_a_line(tmp_path, encoder, head, request_):
    job = work_on_rows(make_job(tmp_path, request_, DATA, head).folder)
    content = (job.folder / ROWS).read_bytes()
    part = tmp_path / "part.jsonl"
    reader = RowReader(part, encoder, job_rows(job, encoder).question)
    assert reader.update() == {}
    seen = []
    for end in range(0, len(content) + 1, 101):
        part.write_bytes(content[:end])
        seen.append(len(reader.update()))
    part.write_bytes(content)
    assert len(reader.update()) == 4
    assert seen == sorted(seen)
    assert seen[0] == 0


def test_a_process_that_is_gone_is_said_to_be_and_one_that_is_there_keeps_its_folder(tmp_path, head, request_):
    job = make_job(tmp_path, request_, DATA, head)
    write_state(job.folder, state="running", **itself())
    assert read_job(job.folder).state == "running"
    write_state(job.folder, state="running", process=os.getpid(), started="another 1")
    assert read_job(job.folder).state == "interrupted"
    delete_job(job)
    assert list_jobs(tmp_path) == []


def test_time_left_goes_by_tokens_and_is_unknown_before_any_are_read(tmp_path, head, request_):
    job = make_job(tmp_path, request_, DATA, head)
    assert np.isnan(job.seconds_left)
    # 30 tokens in 6 s since it went on with 10 of 100: 60 are left.
    write_state(
        job.folder,
        state="running",
        **itself(),
        tokens=40,
        tokens_before=10,
        all_tokens=100,
        seconds=6.0,
        done=3,
        total=9,
    )
    assert read_job(job.folder).seconds_left == pytest.approx(12.0)


@pytest.mark.parametrize("name", ["request.json", "data", "head.json", "head.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1}', b"\xff\xfe"])
def test_damaged_files_are_one_sentence(tmp_path, encoder, head, request_, name, content):
    job = make_job(tmp_path, request_, DATA, head)
    (job.folder / name).write_bytes(content)
    if name == "data":
        # Bytes of a file of somebody's: it says itself what is wrong with it.
        with pytest.raises(it.InputError):
            job_rows(job, encoder)
        return
    with pytest.raises(it.InputError, match="is damaged"):
        job_rows(read_job(job.folder), encoder)


def test_the_oldest_give_way(tmp_path, head, request_):
    for number in range(MOST_KEPT + 3):
        make_job(tmp_path, request_, DATA + f"row {number},a,\n".encode(), head)
    assert len(list_jobs(tmp_path)) == MOST_KEPT


def test_a_head_is_what_was_written_and_of_another_width_it_is_refused(tmp_path, encoder, head):
    write_head(tmp_path, head)
    read = read_head(tmp_path, encoder)
    np.testing.assert_array_equal(read.weight, head.weight)
    assert (read.labels, dict(read.out_of_fold), read.sentence) == (head.labels, dict(head.out_of_fold), head.sentence)
    write_head(tmp_path, LinearHead(head.labels, head.weight[:, :-1], head.bias))
    with pytest.raises(it.InputError, match="is damaged"):
        read_head(tmp_path, encoder)


@pytest.fixture
def two_threads(monkeypatch):
    """Two processes share a job's rows, however the tests themselves run."""
    monkeypatch.setattr(row_helpers, "_ROOM", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    yield
    monkeypatch.undo()
    torch.set_num_threads(1)


def many_rows(number):
    words = ("river", "bank", "steep", "money", "rich", "tired", "animals", "lent")
    draw = np.random.default_rng(0)
    rows = "".join(f"{' '.join(draw.choice(words, draw.integers(3, 12)))} {i},a,\n" for i in range(number))
    return b"text,kind,highlights\n" + rows.encode()


@pytest.fixture
def own(monkeypatch):
    """The blocks of rows that the job's own process does."""
    own = []
    blocks = RowHelpers.blocks

    def noted(*given):
        for some in blocks(*given):
            own.append(some)
            yield some

    monkeypatch.setattr(RowHelpers, "blocks", noted)
    return own


def test_a_helper_does_its_share_and_says_the_same(
    tmp_path, encoder, head, request_, two_threads, own, prepared_python, monkeypatch
):
    left = []
    real = row_worker.attribute_rows
    monkeypatch.setattr(row_worker, "attribute_rows", lambda *_, done, **__: left.append(done))
    # The job's own process waits with its second block until the helper has one.
    explain = row_worker.explain_share

    def wait(*given):
        deadline = time.monotonic() + 100
        while len(own) == 2 and not helpers[0]._helped and time.monotonic() < deadline:
            time.sleep(0.02)
        return explain(*given)

    helpers = []
    begin = RowHelpers.__enter__
    monkeypatch.setattr(RowHelpers, "__enter__", lambda self: helpers.append(self) or begin(self))
    monkeypatch.setattr(row_worker, "explain_share", wait)
    job = work_on_rows(make_job(tmp_path, request_, many_rows(128), head).folder)
    assert (job.state, job.done, job.total) == ("done", 128, 128)
    # All are done before anything that is left would be, some of them by the helper, and none twice.
    mine = {index for some in own for index in some}
    assert 0 < len(mine) < 128
    assert sorted(left[0]) == list(range(128))
    written = [json.loads(line)["index"] for line in (job.folder / ROWS).read_bytes().split(b"\n") if line]
    assert sorted(written) == list(range(128))
    question = job_rows(job, encoder).question
    expected = real(encoder, question.texts, head=head)
    for one, other in zip(so_far(job, encoder).rows, expected.rows, strict=True):
        assert one.answer == other.answer
        # What stands beside a row in its pass moves the last bits of a sum, and an error of 1 % is allowed.
        change = abs(other.attribution.output - other.attribution.baseline_output)
        np.testing.assert_allclose(one.attribution.scores, other.attribution.scores, atol=0.01 * change + 1e-5)


@pytest.mark.parametrize(("executable", "rows"), [("false", 40), ("/there is none", 40), (sys.executable, 20)])
def test_without_a_helper_one_process_does_all(
    tmp_path, head, request_, two_threads, own, monkeypatch, executable, rows
):
    """As where it ends at once or cannot be started, and where there are few rows."""
    monkeypatch.setattr(sys, "executable", executable)
    job = work_on_rows(make_job(tmp_path, request_, many_rows(rows), head).folder)
    assert (job.state, job.done, job.total) == ("done", rows, rows)
    assert sorted(index for some in own for index in some) == list(range(rows))


def test_a_process_that_is_killed_has_left_its_rows_and_another_goes_on(
    tmp_path, encoder, head, request_, prepared_python
):
    """As after a power cut or an app that was killed: no row is lost, none is done twice."""
    words = ("river", "bank", "steep", "money", "rich", "tired", "animals", "lent")
    draw = np.random.default_rng(0)
    rows = "".join(f"{' '.join(draw.choice(words, 8))} {number},a,\n" for number in range(400))
    job = resume_job(make_job(tmp_path, request_, b"text,kind,highlights\n" + rows.encode(), head))
    command = [sys.executable, "-m", "interpret.attribution.row_worker", str(job.folder)]
    # Of two threads, one goes to a process that helps.
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    process = subprocess.Popen(command, start_new_session=True, env=environment)
    while read_job(job.folder).done < 5:
        assert process.poll() is None or read_job(job.folder).state == "done"
        time.sleep(0.02)
    worker = json.loads((job.folder / "state.json").read_text())["process"]
    helpers = psutil.Process(worker).children() if psutil.pid_exists(worker) else []
    os.kill(worker, signal.SIGKILL)
    process.wait()
    assert psutil.wait_procs(helpers, timeout=100)[1] == []
    while read_job(job.folder).active:
        time.sleep(0.02)
    done = so_far(job, encoder)
    kept = (job.folder / ROWS).read_bytes()
    if read_job(job.folder).state == "interrupted":
        assert 5 <= len(done.rows) < 400
    resume_job(job)
    subprocess.run(command, check=True)
    assert read_job(job.folder).state == "done"
    assert (job.folder / ROWS).read_bytes().startswith(kept)
    whole = so_far(read_job(job.folder), encoder)
    assert [row.index for row in whole.rows] == list(range(400))
    by_index = {row.index: row for row in whole.rows}
    for row in done.rows:
        same(row, by_index[row.index])

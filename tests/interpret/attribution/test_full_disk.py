"""An explanation of a file on a disk that is full: a sentence, and it goes on once there is room."""

import errno
import os

import numpy as np
import pytest

import interpret as it
from interpret.attribution.job_rows import job_rows
from interpret.attribution.row_jobs import ROWS, RowRequest, make_job
from interpret.attribution.row_results import RowReader
from interpret.attribution.row_worker import work_on_rows
from tests.full_disk import PLENTY

DATA = b"text\n" + b"".join(b"the river bank was steep and %d animals tired\n" % i for i in range(40))


def scores(job, encoder):
    read = job_rows(job, encoder)
    rows = read.so_far(RowReader(job.folder / ROWS, encoder, read.question).update()).rows
    return [row.attribution.scores for row in rows]


def test_what_was_explained_is_kept_and_the_rest_goes_on(disk, tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    request = RowRequest(encoder.spec, "rows.csv", text=0, target="norm", method="saliency")
    whole = work_on_rows(make_job(disk("whole", PLENTY), request, DATA).folder)
    assert whole.state == "done", whole.error
    expected = scores(whole, encoder)
    kept = (whole.folder / ROWS).stat().st_size
    for share in (0.1, 0.6, 0.95):
        job = make_job(disk(f"{share}", int(share * kept) + (32 << 10)), request, DATA)
        job = work_on_rows(job.folder)
        assert job.state == "failed"
        assert os.strerror(errno.ENOSPC) in str(job.error)
        assert "unexpected" not in str(job.error)
        disk(f"{share}", PLENTY)
        job = work_on_rows(job.folder)
        assert job.state == "done", job.error
        found = scores(job, encoder)
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(it.InputError, match=os.strerror(errno.ENOSPC)):
        make_job(disk("none", 4 << 10), request, DATA)

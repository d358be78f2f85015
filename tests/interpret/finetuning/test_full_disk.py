"""A training on a disk that is full, of any size below what it takes, and that has more room later."""

import errno
import os
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from interpret.core.errors import InputError
from interpret.finetuning.metrics_log import read_metrics
from interpret.finetuning.request import Request
from interpret.finetuning.runs import new_run
from interpret.finetuning.worker import work
from tests.full_disk import PLENTY

# Of what a whole run takes, the shares that there is room for.
SHARES = (0.05, 0.12, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)


def test_whatever_room_there_is_it_is_said_and_goes_on_once_there_is_more(disk, recipe, rows):
    request = Request(replace(recipe, frozen=("embeddings", "0")), "first", "rows.csv", label="kind")
    used, at_work, first = [0], threading.Event(), disk("whole", PLENTY)

    def watch():
        while not at_work.wait(0.002):
            used.append(shutil.disk_usage(first).used)

    watching = threading.Thread(target=watch)
    watching.start()
    whole = work(new_run(first / "runs", request, rows).folder)
    at_work.set()
    watching.join()
    assert whole.state == "done"
    expected, steps = load_file(whole.model / "model.safetensors"), read_metrics(whole.folder).loss
    # Where there is no room for what was asked for either, nothing of it is there.
    none = disk("none", 8 << 10) / "runs"
    with pytest.raises(InputError, match=os.strerror(errno.ENOSPC)):
        new_run(none, request, rows)
    assert not [*none.glob("2*")]
    failed = 0
    for number, share in enumerate(SHARES):
        root = disk(str(number), int(share * max(used))) / "runs"
        run = work(new_run(root, request, rows).folder)
        if run.state != "done":
            failed += 1
            # There is always room for a sentence.
            assert run.state == "failed"
            assert os.strerror(errno.ENOSPC) in str(run.error)
            assert "unexpected" not in str(run.error)
            assert run.resumable
            # Nothing that is half there takes any.
            assert not [*run.folder.glob(".model"), *run.folder.glob(".state*"), *run.folder.glob(".reserve")]
            disk(str(number), PLENTY)
            run = work(run.folder)
        assert run.state == "done", run.error
        found = load_file(run.model / "model.safetensors")
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], one) for name, one in expected.items())
        np.testing.assert_array_equal(read_metrics(run.folder).loss, steps)
    assert failed > len(SHARES) // 2
    assert not [*whole.folder.glob(".reserve")]

"""What a disk says is told from all else, whichever library it comes through."""

import errno
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models

from interpret.core.disk_errors import disk_reason

FULL = os.strerror(errno.ENOSPC)


def refused(write, *args):
    try:
        write(*args)
    except Exception as error:  # whatever a library raises
        return error
    return pytest.fail("it was written")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is full")
def test_a_full_disk_is_known_from_each_library():
    for write in (
        lambda: Path("/dev/full").write_bytes(bytes(10_000)),
        lambda: torch.save(torch.zeros(1000), "/dev/full"),
        lambda: Tokenizer(models.WordLevel({"a": 0}, "a")).save("/dev/full"),
        lambda: np.savetxt("/dev/full", np.zeros(10_000)),
    ):
        assert disk_reason(refused(write)) == FULL


def test_a_file_below_what_is_no_folder_is_not_the_disks_fault(tmp_path):
    (tmp_path / "file").touch()
    assert disk_reason(refused(save_file, {"a": np.zeros(1)}, tmp_path / "file" / "a")) == ""
    assert disk_reason(refused((tmp_path / "none").read_text)) == ""


@pytest.mark.parametrize(
    "error, reason",
    [
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), FULL),
        (sqlite3.OperationalError("database or disk is full"), FULL),
        (PermissionError(errno.EACCES, "Permission denied", "a"), os.strerror(errno.EACCES)),
        # As of a socket: no file of it is named.
        (PermissionError(errno.EACCES, "Permission denied"), ""),
        (ConnectionResetError(errno.ECONNRESET, "reset"), ""),
        (RuntimeError("shapes differ"), ""),
        (ValueError(FULL), ""),
    ],
)
def test_all_else_is_not_the_disks(error, reason):
    assert disk_reason(error) == reason

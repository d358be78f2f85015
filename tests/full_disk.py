"""A disk that is full at one write: whatever is opened to be written, made, linked or renamed below a folder.

Python tells of each by an audit event, and what a hook raises comes out of the call (PEP 578). A hook cannot be taken
away again: there is one for all tests, which does nothing most of the time. Beside
it stands a small disk, which really is full.
"""

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_WRITTEN = ("open", "os.mkdir", "os.rename", "os.link", "os.truncate")
_DELETED = ("os.remove", "os.rmdir")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Disk:
    """What is counted, below which folder, and at which write it is full; that and all after it where it stays so."""

    def __init__(self) -> None:
        self.folder, self.full_at, self.stays, self.count = "", -1, False, 0
        self.code = errno.ENOSPC
        self.thread = 0
        self.hooked = False

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Count a write, and refuse it where it is the one."""
        # Where nothing is to be written, nothing is to be deleted either; for that a full disk has room.
        events = (*_WRITTEN, *_DELETED) if self.code == errno.EROFS else _WRITTEN
        if not self.folder or event not in events:
            return
        if threading.get_ident() != self.thread or not _is_write(event, args) or not self._below(args):
            return
        self.count += 1
        if self.count == self.full_at or (self.stays and self.count > self.full_at):
            raise OSError(self.code, os.strerror(self.code), str(args[0]))

    def _below(self, args: tuple[Any, ...]) -> bool:
        return any(
            isinstance(one, str | bytes | os.PathLike) and os.fsdecode(one).startswith(self.folder) for one in args
        )


_disk = _Disk()


def _is_write(event: str, args: tuple[Any, ...]) -> bool:
    if event != "open":
        return True
    _path, mode, flags = args
    return bool(mode and set(mode) & set("wax+")) or bool(isinstance(flags, int) and flags & _WRITES)


@contextmanager
def full_disk(folder: Path, at: int, stays: bool = False, code: int = errno.ENOSPC) -> Iterator[_Disk]:
    """Let the disk be full, or not to be written to, at one write of this thread below a folder; 0 for at none."""
    if not _disk.hooked:
        sys.addaudithook(_disk.hook)
        _disk.hooked = True
    _disk.full_at, _disk.stays, _disk.code, _disk.count = at or -1, stays, code, 0
    _disk.thread = threading.get_ident()
    _disk.folder = str(folder)
    try:
        yield _disk
    finally:
        _disk.folder = ""


# Room for whatever a test writes.
PLENTY = 200 << 20


@pytest.fixture
def disk(tmp_path):
    """Return what makes a folder that is a disk of its own, in memory, with so many bytes, or gives one more of them.

    Only who may mount a disk can try it.
    """
    mounted = []

    def mount(name, size):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        again = folder in mounted
        command = ["mount", "-t", "tmpfs", "-o", f"{'remount,' if again else ''}size={size >> 10}k,mode=700", "tmpfs"]
        if shutil.which("mount") is None or subprocess.run([*command, folder], capture_output=True).returncode:
            # What could be mounted once can be changed.
            assert not mounted
            pytest.skip("nothing can be mounted here")
        mounted.append(folder)
        return folder

    yield mount
    left = [subprocess.run(["umount", "-l", folder]).returncode for folder in {*mounted}]
    assert not any(left)

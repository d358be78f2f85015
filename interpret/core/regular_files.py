"""Files that end: no pipe, which nobody may ever write to, and no device, which may never end."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read, and nothing else that may be found in its place.

    Raises
    ------
    OSError
        If it cannot be read, or is no regular file.
    """
    file = open(path, "rb", opener=_opened)  # noqa: SIM115 - it is who asks that closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("not a regular file")
    return file


def _opened(path: str, flags: int) -> int:
    # A pipe that nobody writes to opens at once this way.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_regular(path: Path) -> bytes:
    """Read a file whole; see `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def is_endless(path: Path) -> bool:
    """Tell whether something may be waited for forever, or read forever: a pipe, a socket, a device, a link to one."""
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(kind) or stat.S_ISDIR(kind))

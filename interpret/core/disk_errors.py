"""What a disk says of a file that could not be read or written, through whichever library."""

import errno
import os
import re
import sqlite3
import sys

# The disk is full, the quota used up, nothing may be written, the file too long, or the disk is broken.
_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
# Not allowed: of a file, or of much else.
_FORBIDDEN = (errno.EACCES, errno.EPERM)
# As Rust writes an error of the system, which on Windows has numbers of its own.
_IN_RUST = re.compile(r"\(os error (\d+)\)")
_ON_WINDOWS = {5: errno.EACCES, 19: errno.EROFS, 39: errno.ENOSPC, 112: errno.ENOSPC}
# What PyTorch says where a disk takes less than was written, and SQLite.
_FULL = re.compile(r"inline_container|PytorchStreamWriter|database or disk is full")


def disk_reason(error: BaseException) -> str:
    """Return what the disk says, such as ``No space left on device``; empty where an error is not the disk's.

    Examples
    --------
    >>> import errno
    >>> from interpret.core.disk_errors import disk_reason
    >>> disk_reason(OSError(errno.ENOSPC, "No space left on device", "/models/a"))
    'No space left on device'
    >>> disk_reason(ValueError("No space left on device"))
    ''
    """
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, OSError):
        if number in _FORBIDDEN and error.filename is None:
            return ""
    # safetensors has a kind of its own, tokenizers none.
    elif found := _IN_RUST.search(str(error)):
        number = _ON_WINDOWS.get(int(found[1])) if sys.platform == "win32" else int(found[1])
    elif isinstance(error, RuntimeError | sqlite3.Error) and _FULL.search(str(error)):
        number = errno.ENOSPC
    return os.strerror(number) if number in (*_NUMBERS, *_FORBIDDEN) else ""

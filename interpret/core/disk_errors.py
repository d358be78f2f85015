"""What a disk says of a file that could not be read or written, through whichever library."""

import errno
import os
import re

# The disk is full, the quota used up, nothing may be written, the file too long, not allowed, or the disk is broken.
_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EIO)
# As Rust writes an error of the system.
_IN_RUST = re.compile(r"\(os error (\d+)\)")


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
    # safetensors has a kind of its own, tokenizers none.
    if number is None and (found := _IN_RUST.search(str(error))):
        number = int(found[1])
    return os.strerror(number) if number in _NUMBERS else ""

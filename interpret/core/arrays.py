"""Results leave the library as NumPy arrays that nobody can write to."""

from typing import Any

import numpy as np


def read_only(array: Any, dtype: Any = None) -> np.ndarray:
    """Return ``array`` as a contiguous NumPy array with its write flag off.

    The array is copied only where it is not contiguous or not of ``dtype``: give it one that nobody else writes to.
    """
    result = np.ascontiguousarray(array, dtype=dtype)
    result.flags.writeable = False
    return result

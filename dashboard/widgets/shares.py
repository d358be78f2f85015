"""Shares in a table: all of one column with as many digits.

The browser's own percent format leaves out zeros at the end, so that 82.89% stands over 54.7%.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import streamlit as st

_FORMAT = "%.1f%%"


def percents(shares: Iterable[float | None]) -> list[float | None]:
    """Return shares as percents; what is not known stays empty."""
    return [None if one is None or math.isnan(one) else 100 * float(one) for one in shares]


def percent_columns(*names: str) -> dict[str, Any]:
    """Return how columns of `percents` are drawn."""
    return {name: st.column_config.NumberColumn(format=_FORMAT) for name in names}


def percent_bar(width: int | None = None) -> Any:
    """Return how a column of `percents` is drawn as bars, ``width`` pixels wide or as there is room."""
    return st.column_config.ProgressColumn(format=_FORMAT, min_value=0, max_value=100, width=width)

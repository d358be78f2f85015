"""Numbers, ranges, times and lists in the reader's language: one form of each on all pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from dashboard.language import _, _n


def number(value: float, form: str = ".3f") -> str:
    """Write a number in a format of Python's, with a minus as wide as a plus, as Plotly draws it."""
    return f"{value:{form}}".replace("-", "−")


def known(values: np.ndarray) -> list[Any]:
    """Return an array's numbers as JSON has them, nested as its axes are; None for what is not known."""
    return [known(one) for one in values] if values.ndim > 1 else [float(x) if np.isfinite(x) else None for x in values]


def interval(ends: Sequence[float] | np.ndarray, form: str = ".1%") -> str:
    """Write a range from its least to its greatest value; a dash where it is not known."""
    if np.isnan(ends[0]):
        return "–"
    return _("{low} to {high}").format(low=number(ends[0], form), high=number(ends[1], form))


def between(ends: Sequence[float] | np.ndarray, form: str = ".1%") -> str:
    """Write a 95% interval, and say that it is one."""
    if np.isnan(ends[0]):
        return _("95%: not known")
    return _("95%: {low} to {high}").format(low=number(ends[0], form), high=number(ends[1], form))


def duration(seconds: float) -> str:
    """Write a time in seconds, minutes or hours, so that a tile has room for it."""
    if seconds < 100:
        return _("{seconds} s").format(seconds=f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}")
    if seconds < 6000:
        return _("{minutes} min").format(minutes=f"{seconds / 60:.1f}" if seconds < 600 else f"{seconds / 60:.0f}")
    return _("{hours} h").format(hours=f"{seconds / 3600:.1f}")


def done_of(done: int, total: int) -> str:
    """Write how many rows are done, of how many."""
    return _n("{done} of {count} row", "{done} of {count} rows", total).format(done=f"{done:,}", count=f"{total:,}")


def listed(names: Iterable[str]) -> str:
    """Write a list of names, with the comma that the reader's language has in one."""
    return _chained(_("{name}, {next_name}"), "name", names)


def clauses(parts: Iterable[str]) -> str:
    """Write the parts of one sentence, with the comma that the reader's language has between them."""
    return _chained(_("{clause}, {next_clause}"), "clause", parts)


def sentences(*parts: str) -> str:
    """Write sentences after one another, with a space between them where the reader's language has one."""
    return _chained(_("{sentence} {next_sentence}"), "sentence", filter(None, parts))


def _chained(pattern: str, name: str, parts: Iterable[str]) -> str:
    return reduce(lambda said, other: pattern.format(**{name: said, f"next_{name}": other}), [*parts] or [""])

"""A step's card as `cards.js` draws it: a row of cells, or a bar, for each label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def matrix(
    title: str,
    formula: str,
    shape: str,
    about: str,
    labels: Sequence[str],
    values: np.ndarray,
    group: str,
    span: str = "third",
    marked: int | None = None,
    largest: float | None = None,
) -> dict[str, Any]:
    """Return a card of cells: values (row, column) on a scale with zero in its middle."""
    return {
        "kind": "matrix",
        "title": title,
        "formula": formula,
        "shape": f"({shape})  ±{largest or float(abs(values).max()):.2f}",
        "about": about,
        "labels": list(labels),
        "values": np.asarray(values, np.float64).round(5).tolist(),
        "largest": largest or float(abs(values).max()),
        "group": group,
        "span": span,
        "marked": marked,
    }


def bars(
    title: str,
    formula: str,
    shape: str,
    about: str,
    labels: Sequence[str],
    values: Sequence[float | None] | np.ndarray,
    group: str,
    marked: int | None = None,
    usual: Sequence[float] | None = None,
    span: str = "third",
) -> dict[str, Any]:
    """Return a card of bars, one for each value; None stands for minus infinity, and has none."""
    numbers = [None if one is None else float(one) for one in values]
    every = [one for one in (*numbers, *(usual or ())) if one is not None]
    return {
        "kind": "bars",
        "title": title,
        "formula": formula,
        "shape": f"({shape})",
        "about": about,
        "labels": list(labels),
        "values": [[one] for one in numbers],
        "largest": max(every, default=0.0),
        "lowest": min(0.0, *every) if every else 0.0,
        "group": group,
        "span": span,
        "marked": marked,
        "usual": usual,
    }

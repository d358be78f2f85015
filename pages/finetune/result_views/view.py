"""The views of results: one for each kind, in a file of its own, which registers itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import interpret as it

MOST_ROWS = 500
Found = TypeVar("Found", bound=it.finetuning.Results)
View = Callable[[it.runs.Run, it.finetuning.Outcome, Found], None]
VIEWS: dict[type[Any], View[Any]] = {}


def draws(kind: type[Found]) -> Callable[[View[Found]], View[Found]]:
    """Let a function draw results of a kind."""

    def register(view: View[Found]) -> View[Found]:
        VIEWS[kind] = view
        return view

    return register


def metric(column: Any, label: str, value: str, interval: str, about: str) -> None:
    """Draw a number with its 95% interval."""
    column.metric(label, value, interval, delta_color="off", delta_arrow="off", help=about)

"""What is asked of every figure that a page draws: its axes, its scales of colours and its traces have names."""

import re
from collections.abc import Iterator
from typing import Any

# Their traces are named on an axis.
_NAMED_ON_AXIS = ("box", "heatmap", "histogram", "violin")


def unnamed(figure: dict[str, Any]) -> list[str]:
    """Return what a figure, as Plotly's JSON has it, leaves without a name."""
    layout = figure["layout"]
    return [*_axes(figure["data"], layout), *_colours(figure["data"], layout), *_traces(figure["data"], layout)]


def _axes(traces: list[dict[str, Any]], layout: dict[str, Any]) -> Iterator[str]:
    for letter in "xy":
        for short in sorted({trace.get(f"{letter}axis") or letter for trace in traces}):
            axis = layout.get(short.replace(letter, f"{letter}axis"), {})
            # Of those that share their ticks one alone has them, and the name.
            if axis.get("showticklabels", True) and not _text(axis):
                yield f"axis {short}"


def _colours(traces: list[dict[str, Any]], layout: dict[str, Any]) -> Iterator[str]:
    for trace in traces:
        for owner in (trace, trace.get("marker") or {}):
            axis = layout.get(owner.get("coloraxis"), {}) if owner.get("coloraxis") else owner
            scaled = owner.get("coloraxis") or owner.get("colorscale") or owner.get("showscale")
            if scaled and axis.get("showscale", True) and not _text(axis.get("colorbar") or {}):
                yield f"colours {owner.get('coloraxis') or trace.get('name')}"


def _traces(traces: list[dict[str, Any]], layout: dict[str, Any]) -> Iterator[str]:
    told_apart = [one for one in traces if one["type"] not in _NAMED_ON_AXIS and one.get("showlegend", True)]
    if len({one.get("legendgroup") or index for index, one in enumerate(told_apart)}) < 2:
        return
    if layout.get("showlegend") is False:
        yield "legend"
    yield from (f"trace {index}" for index, one in enumerate(told_apart) if not one.get("name"))


def _text(owner: dict[str, Any]) -> str:
    title = owner.get("title") or {}
    text = title if isinstance(title, str) else title.get("text") or ""
    return re.sub(r"<[^>]*>|\s", "", text)

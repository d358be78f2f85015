"""BertViz's three views (Vig 2019), drawn by its own scripts from a trace, in a page that fetches nothing.

BertViz's scripts come from its package, d3 from mpld3's and jQuery from XStatic's. BertViz asks for them through
require.js, in whose place a few lines hand them over.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from dashboard.components.bundle import bundle

if TYPE_CHECKING:
    import interpret as it

View = Literal["head", "model", "neuron"]
# Chromium draws so many nodes in about two seconds; BertViz has one for each weight that it draws.
MOST_NODES = 100_000
MOST_BYTES = 20_000_000
_NUMBER = 7  # "0.1234,"
_FILTERS = (
    ("all", "All", None),
    ("aa", "Sentence A -> Sentence A", (0, 0)),
    ("bb", "Sentence B -> Sentence B", (1, 1)),
    ("ab", "Sentence A -> Sentence B", (0, 1)),
    ("ba", "Sentence B -> Sentence A", (1, 0)),
)


@dataclass(frozen=True)
class Size:
    """What a page will weigh: its bytes, and the nodes that the browser has to draw at once."""

    size: int
    nodes: int

    @property
    def fits(self) -> bool:
        """Whether a browser takes it without freezing."""
        return self.size <= MOST_BYTES and self.nodes <= MOST_NODES


def predicted_size(trace: it.Trace, view: View, layers: int) -> Size:
    """Predict the page of a view with so many layers, before any of it is made."""
    _, heads, n, _ = trace.attention.shape
    size = sum(len(one) for one in _sources(view)) + layers * heads * n * n * _NUMBER
    if view == "neuron":
        width = trace.query.shape[-1]
        # Both vectors and their product for every token, and the lines between tokens.
        return Size(size + 2 * layers * heads * n * width * (_NUMBER + 1), 3 * n * width + n * n)
    # The head view draws one layer at a time; the model view all of them, each number a line.
    return Size(size, (1 if view == "head" else layers) * heads * n * n)


def bertviz_page(trace: it.Trace, view: View, layers: list[int], dark: bool, layer: int, head: int) -> tuple[str, int]:
    """Return a view as a page of its own, and its height in pixels.

    Parameters
    ----------
    layers
        The layers in it, in order.
    layer, head
        What the head view and the neuron view begin with.

    Notes
    -----
    Weights are rounded to four decimals. The neuron view has the trace's queries and keys, so it shows any model;
    BertViz's own knows three.
    """
    shown = trace.tokens.shown
    n = len(shown)
    cut = int(np.flatnonzero(trace.tokens.segment)[0]) if trace.tokens.pair is not None else None
    data = {
        "view": view,
        "dark": dark,
        "layers": layers,
        "all_layers": len(trace.attention),
        "heads": trace.attention.shape[1],
        "layer": layer if layer in layers else layers[0],
        "head": head,
        "tokens": [trace.tokens.labels[i] for i in shown],
        "cut": cut,
        "filters": [
            {"key": key, "name": name, "segments": segments}
            for key, name, segments in _FILTERS
            if segments is None or cut is not None
        ],
        "attention": [_rounded(trace.attention[one][:, shown][:, :, shown]) for one in layers],
    }
    if view == "neuron":
        data["queries"] = [_rounded(trace.query[one][:, shown]) for one in layers]
        data["keys"] = [_rounded(trace.key[one][:, shown]) for one in layers]
    script = _script(view)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # In a script element only "<" can end it; JSON may write it as an escape anywhere.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = (
        "<!doctype html><html><head><meta charset='utf-8'>"
        # Nothing but this very script may run, and nothing may be fetched, whatever a token holds.
        f"<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; script-src 'sha256-{digest}'; "
        "style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}{_WIDE if view == 'neuron' else ''}{_DARK if dark else ''}</style></head>"
        "<body><div id='bertviz'><span id='pickers'></span><div id='vis'></div></div>"
        f"<script type='application/json' id='data'>{text}</script><script>{script}</script></body></html>"
    )
    tall = {
        "head": n * 22.5 + 30,
        "model": max(len(layers) * (n * 84 / data["heads"] + 10) + 38, n * 18 + 55),
        "neuron": n * 26 + 100,
    }[view]
    return page, int(tall) + 60


def _rounded(array: np.ndarray) -> list[object]:
    return array.astype(np.float64).round(4).tolist()


def page_scripts() -> tuple[str, ...]:
    """Return the scripts of all views: the page that a view is written into must let them run."""
    return tuple(map(_script, get_args(View)))


@cache
def _script(view: View) -> str:
    return "\n;\n".join(_sources(view))


def _sources(view: View) -> tuple[str, ...]:
    drawing = (_package("bertviz") / f"{view}_view.js").read_text("utf-8").replace("PYTHON_PARAMS", "bertviz_params")
    return (
        (_package("xstatic.pkg.jquery") / "data" / "jquery.min.js").read_text("utf-8"),
        (_package("mpld3") / "js" / "d3.v5.min.js").read_text("utf-8"),
        bundle(Path(__file__).parent / "page.js"),
        drawing,
    )


def _package(name: str) -> Path:
    # Found and not imported: bertviz's Python loads PyTorch and IPython, and only its scripts are wanted.
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent


_STYLE = """
body { margin: 0; padding: 4px; font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; color: #1c2530; }
#pickers { user-select: none; }
"""
# Its expanded neuron view is wider than most windows, and would be cut where it cannot scroll.
_WIDE = "#vis { min-width: 1150px; }"
# BertViz's own dark mode is black, and its head view has none.
_DARK = """
html { color-scheme: dark; }
body { background: #11161d; color: #e4e9ef; }
#bertviz { background: #11161d !important; }
svg[fill="black"], rect[fill="black"] { fill: #11161d; }
svg text:not([fill]), svg text[fill="black"] { fill: #e4e9ef; }
rect[fill="lightgray"] { fill: #384352; }
"""

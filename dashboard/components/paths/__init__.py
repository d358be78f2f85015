"""Where a token's state came from: `Paths` to ribbons through the layers, or to a map where there are many tokens."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from dashboard.components.canvas import picture
from dashboard.language import _, language

if TYPE_CHECKING:
    from interpret.attention.flow import Paths
    from interpret.core.tokens import Tokens

NAME = "paths"
# Ribbons between more tokens than this cannot be told apart.
MOST_IN_GRAPH = 40
LEAST = 0.004
_MOST_EDGES = 2500
_COMPONENT = picture(NAME, "<canvas></canvas><p class='readout' aria-live='polite' data-testid='readout'></p>")


def paths_picture(paths: Paths, tokens: Tokens, title: str, file: str) -> tuple[int, int]:
    """Draw the paths; return how many links are drawn, and how many carry anything at all.

    The tokens of a prompt are not drawn.

    Parameters
    ----------
    title, file
        The line over a saved picture, and the name of its file without an ending.
    """
    shown = tokens.shown
    graph = len(shown) <= MOST_IN_GRAPH
    links, edges = paths.edges[:, shown][:, :, shown], []
    there = int((links > 0).sum())
    if graph:
        strongest = np.argsort(-links, axis=None)[:_MOST_EDGES]
        for level, upper, lower in zip(*np.unravel_index(strongest, links.shape), strict=True):
            share = float(links[level, upper, lower])
            if share >= LEAST:
                edges.append([int(level), int(upper), int(lower), round(share, 5)])
    # The strongest are drawn last, over the others.
    edges.reverse()
    inner = [_("after layer {layer}").format(layer=layer) for layer in range(paths.layer + 1)]
    about = f"{paths.method}.{paths.layer}.{paths.query}.{language()}.{tokens.ids.tolist()}.{paths.mass[0].tolist()}"
    _COMPONENT(
        key=NAME,
        data={
            "key": hashlib.sha1(about.encode(), usedforsecurity=False).hexdigest()[:16],
            "picture": NAME,
            "title": title,
            "file": file,
            "graph": graph,
            "labels": [tokens.labels[i] for i in shown],
            "levels": [_("embeddings"), *inner],
            "mass": paths.mass[:, shown].astype(float).round(6).tolist(),
            "edges": edges,
            "least": LEAST,
            # A flow is no share, and is written as the number that it is.
            "shares": paths.method != "flow",
            "about": title,
            "hint": _("Point at a token in a layer to see what flows into and out of it."),
            "cell": _("{token}, {level}: {mass}"),
        },
    )
    return len(edges), there

"""Points and what colours them, and their maps: settings, runs, results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis
from dashboard.components.scatter import Colours
from dashboard.figures import hidden_state_names
from dashboard.language import _, _n
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.collection import SEED, as_numbers
from dashboard.widgets.long_work import Progress, long_work, was_stopped
from interpret.core.devices import find_device
from interpret.core.scripts import fold
from pages.embeddings.embeddings_view import Read, draw_sample, sample_digest

# What is drawn by itself, without a click: some seconds on two cores.
_SOON_POINTS = 8000
_MOST_GROUPS = 20
_COLOUR_OF = "colour_of"
MOST_SHOWN = 50_000
MOST_IN_MULTIPLES = 2000
MOST_GROUPED = 10_000


def colour_input(read: Read) -> tuple[str, str]:
    """Draw the choice of what colours the points, and return it with its name."""
    options = {f"column:{name}": name for name in read.collection.columns}
    level, label = read.embeddings.level, read.label
    if level != "texts":
        options["item"] = _("the word itself") if level == "words" else _("the token itself")
    options |= {"kmeans": _("k-means clusters"), "hdbscan": _("HDBSCAN clusters")}
    options["length"] = _("length in tokens") if level == "texts" else _("position in the text")
    options["none"] = _("nothing")
    alone = "length" if level == "texts" or read.embeddings.word else "item"
    default = f"column:{label}" if label else alone
    # Other points are told apart by something else: one word's occurrences not by the word.
    about, before = f"{read.collection.about}:{level}:{read.embeddings.word}", st.session_state.get(_COLOUR_OF)
    if before not in (None, about):
        st.session_state.pop(state.COLOUR, None)
        state.remember(state.COLOUR, None)
    st.session_state[_COLOUR_OF] = about
    chosen = choose(st.selectbox, _("Colour"), options, state.COLOUR, default, width=200)
    state.publish(state.COLOUR, default)
    return chosen, options[chosen]


def colours_of(read: Read, indices: np.ndarray, layer: int, chosen: str, title: str) -> Colours | None:
    """Return the colours of the points shown; None where looking for groups was stopped.

    Raises
    ------
    InputError
        If points are to be grouped and there are too few.
    """
    if chosen == "none":
        return Colours("", np.zeros(len(indices), np.float32), ("",), (0,))
    if chosen in ("kmeans", "hdbscan"):
        clusters = clusters_of(read, layer, chosen)
        if clusters is None:
            return None
        return _cluster_colours(read, indices, clusters, f"{title}, {hidden_state_names([layer])[0]}")
    if chosen == "length":
        texts = read.embeddings.level == "texts"
        values = read.embeddings.token_counts[indices] if texts else read.embeddings.span[indices, 0]
        return Colours(title, values.astype(np.float32))
    if chosen == "item":
        items = [fold(read.embeddings.item(int(i))) for i in indices]
        return grouped(title, items, items)
    name = chosen.removeprefix("column:")
    every = read.collection.columns[name]
    picked = [every[read.embeddings.text[i]] for i in indices]
    numbers = as_numbers(picked)
    if numbers is not None and len(set(picked)) > _MOST_GROUPS:
        return Colours(title, numbers)
    return grouped(title, picked, every)


def _cluster_colours(read: Read, indices: np.ndarray, clusters: it.embeddings.Clusters, title: str) -> Colours:
    """Colour the points shown by groups that were found in a draw of their own."""
    group = np.full(len(read.embeddings), -1)
    group[draw_sample(read, MOST_GROUPED)] = clusters.cluster
    named = min(clusters.count, _MOST_GROUPS)
    names = [_("cluster {number}").format(number=i + 1) for i in range(named)]
    shown = group[indices]
    outside = (shown < 0) | (shown >= named)
    if outside.any():
        names.append(_("other or no cluster"))
    codes = np.where(outside, named, shown)
    return Colours(title, codes.astype(np.float32), tuple(names), tuple(range(len(names))), bool(outside.any()))


def grouped(title: str, values: Sequence[str], every: Sequence[str]) -> Colours:
    """Make groups of values, the most frequent first; what is rare or empty is in a last one.

    A group's colour is that of its rank among ``every`` value of the collection, so that it stays the same whichever
    points are shown.
    """
    ranking = Counter(value.strip() for value in every if value.strip()).most_common(_MOST_GROUPS)
    rank = {name: index for index, (name, _count) in enumerate(ranking)}
    present = {value.strip() for value in values}
    names = [name for name in rank if name in present]
    code = {name: index for index, name in enumerate(names)}
    codes = np.array([code.get(value.strip(), len(names)) for value in values], np.float32)
    others = bool((codes == len(names)).any())
    ranks = [rank[name] for name in names]
    if others:
        left = len(present - set(names) - {""})
        names.append(_n("{count} other", "{count} others", left).format(count=f"{left:,}") if left else _("(empty)"))
        ranks.append(0)
    return Colours(title, codes, tuple(names), tuple(ranks), others)


def clusters_of(read: Read, layer: int, method: str) -> it.embeddings.Clusters | None:
    """Find groups among the points of a draw, as the groups' own settings say; None where that was stopped.

    Raises
    ------
    InputError
        If there are too few points.
    """
    indices = draw_sample(read, MOST_GROUPED)
    count, least = group_settings(len(indices))
    return long_work(
        "clusters",
        f"{read.about}:{layer}:{method}:{count if method == 'kmeans' else least}",
        _("Find clusters"),
        lambda progress: cluster_analysis(read, layer, method).run(progress=progress),
        {"cluster": _("runs")},
        auto=True,
        keep=8,
    )


def group_settings(points: int) -> tuple[int, int]:
    """Return k-means' number of groups and HDBSCAN's least size, as set, or from the URL."""
    most = max(2, min(50, points // 2))
    state.seed(state.GROUPS, min(6, most), range(2, most + 1))
    state.seed(state.LEAST, max(2, min(10, points // 25)), range(2, max(3, points // 2) + 1))
    return st.session_state[state.GROUPS], st.session_state[state.LEAST]


@dataclass(frozen=True)
class MapSettings:
    """How a map is made; see `interpret.embeddings.project`. ``setting`` is 0 where the method has none."""

    method: str
    dims: int
    metric: str
    setting: int
    seed: int
    shown: int
    layers: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Maps:
    """One projection for each layer drawn, and all of them laid over one another."""

    projections: tuple[it.embeddings.Projection, ...]
    alignment: it.embeddings.Alignment


def map_input(read: Read, most: int = MOST_SHOWN, every_layer: bool = False) -> MapSettings:
    """Draw how the map is made, of at most so many points, and of every layer or of those that are chosen."""
    items, kept = len(read.embeddings), read.embeddings.layers
    method = segments(_("Projection method"), {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}, state.MAP)
    dims = 2 if every_layer else segments(_("Dimensions"), {2: _("2-D"), 3: _("3-D")}, state.DIMS)
    with st.popover(_("Settings"), icon=":material/tune:"):
        shown = min(_shown_input(items, most), items)
        # Maps of all layers of many points take a while: then one to begin with.
        soon = method == "pca" or shown * len(kept) <= 2 * _SOON_POINTS
        drawn = -1
        if not every_layer and len(kept) > 1:
            choices = {-1: _("all"), **dict(zip(kept, hidden_state_names(kept), strict=True))}
            key = state.DRAWN.of(method, soon)
            drawn = choose(st.selectbox, _("Layers shown"), choices, key, -1 if soon else kept[-1])
        metric = metric_input()
        setting = _setting(method, shown)
        seed = 0
        if method != "pca":
            state.seed(state.SEED, allowed=range(10_000))
            seed = int(st.number_input(_("Seed"), 0, 9999, key=state.SEED, persist_state="session") or 0)
        else:
            st.caption(_("PCA is deterministic and needs no seed."))
    for key in (state.MAP, state.DIMS, state.METRIC, state.SEED):
        state.publish(key)
    return MapSettings(method, dims, metric, setting, seed, shown, kept if drawn == -1 else (drawn,))


def metric_input(width: int | Literal["stretch"] = "stretch") -> str:
    """Draw how far apart two vectors are, and return it."""
    metrics = {"cosine": _("cosine: direction only"), "euclidean": _("Euclidean: direction and length")}
    return choose(st.selectbox, _("Distance"), metrics, state.METRIC, width=width)


def _shown_input(items: int, most: int) -> int:
    """Draw how many points are shown at most."""
    amounts = [one for one in (1000, 2000, 5000, 20_000, MOST_SHOWN) if one < items and one <= most]
    offered = {one: f"{one:,}" for one in amounts}
    if items <= most:
        offered[0] = _("all {count}").format(count=f"{items:,}")
    default = 5000 if state.SHOWN.default in offered else list(offered)[-1]
    # All of a few points is not meant to be all of very many.
    key = state.SHOWN if state.SHOWN.default in offered else state.SHOWN.of(most)
    chosen = choose(st.selectbox, _("Points shown"), offered, key, default)
    if key == state.SHOWN:
        state.publish(state.SHOWN)
    return chosen or items


def _setting(method: str, points: int) -> int:
    """Draw t-SNE's perplexity or UMAP's neighbours, within what so many points allow."""
    if method == "pca" or points < 7:
        return 0
    most = min(200, (points - 1) // 3) if method == "tsne" else min(200, points - 1)
    default = min(30 if method == "tsne" else 15, most)
    key = state.SETTING.of(method)
    state.seed(key, default, range(2, most + 1))
    label = _("Perplexity (roughly the number of neighbours)") if method == "tsne" else _("Neighbours (n_neighbors)")
    if most <= 2:
        return default
    value = st.slider(label, 2, most, key=key, persist_state="session")
    if most < 30 and method == "tsne":
        st.caption(_("{points} points allow at most {most}.").format(points=points, most=most))
    return value


def _still_there(device: str) -> str:
    """Return the device that vectors were made on, if it answers: they are kept longer than a machine's cards."""
    with suppress(it.InputError):
        return find_device(device).name
    return "cpu"


def map_analysis(read: Read, indices: np.ndarray, settings: MapSettings, layer: int) -> Analysis:
    """Describe how one layer's map is made."""
    return Analysis(
        "embeddings.project",
        read.embeddings.spec,
        name="projection",
        shows=(".points", ".quality"),
        vectors=read.vectors(layer, indices),
        method=settings.method,
        dims=settings.dims,
        seed=settings.seed,
        metric=settings.metric,
        perplexity=float(settings.setting) if settings.method == "tsne" and settings.setting else None,
        neighbours=settings.setting if settings.method == "umap" and settings.setting else None,
        device=_still_there(read.embeddings.spec.device),
    )


def cluster_analysis(read: Read, layer: int, method: str) -> Analysis:
    """Describe how groups are found, as their own settings say."""
    indices = draw_sample(read, MOST_GROUPED)
    count, least = group_settings(len(indices))
    text = read.embeddings.text
    return Analysis(
        "embeddings.cluster",
        read.embeddings.spec,
        name="clusters",
        shows=(".cluster",),
        vectors=read.vectors(layer, indices),
        method=method,
        count=count,
        seed=SEED,
        least=least,
        texts=read.sample("text", "embeddings.text", lambda: text[indices], indices),
    )


def maps_of(read: Read, indices: np.ndarray, settings: MapSettings) -> Maps | None:
    """Make the maps, showing how far they are; None before they are made.

    Raises
    ------
    InputError
        If the points have no map.
    """
    layers = settings.layers

    def work(progress: Progress) -> Maps:
        found = []
        for index, layer in enumerate(layers):

            def report(done: int, total: int, stage: str, index: int = index) -> None:
                share = 1000 * index + round(1000 * done / max(total, 1) * 0.98)
                progress(share, 1000 * len(layers), stage)

            found.append(map_analysis(read, indices, settings, layer).run(progress=report))
        return Maps(tuple(found), it.embeddings.align([one.points for one in found]))

    soon = settings.method == "pca" or len(indices) * len(layers) <= _SOON_POINTS
    maps = long_work(
        "maps",
        f"{read.about}:{sample_digest(indices)}:{settings}",
        _n("Draw {points} points for {layers} layer", "Draw {points} points for {layers} layers", len(layers)).format(
            points=f"{len(indices):,}", layers=len(layers)
        ),
        work,
        {
            "neighbours": _("looking for neighbours"),
            "tsne": _("t-SNE is optimising the map"),
            "umap": _("UMAP is optimising the map"),
            "compile": _("compiling UMAP, once after each start"),
            "waiting": _("waiting for another UMAP to finish"),
            "quality": _("measuring the quality of the map"),
        },
        auto=soon,
        keep=6,
        percent=True,
    )
    if maps is None and not was_stopped("maps"):
        st.info(
            _("This map has not been drawn yet. PCA is ready at once; t-SNE and UMAP are iterative and take longer.")
        )
    return maps
